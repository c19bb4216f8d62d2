import { fork } from 'node:child_process';
import type { ModelVersion } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { createCardSigner, createLocalDeployer } from '../../src/rollout';
import {
  createInferenceServer,
  signedOnly,
  type InferenceServer,
  type ServingLogger,
} from '../../src/serving';
import { ask, openWorld, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
const KEY = 'a secret of more than thirty-two characters';
let world: World;
let server: InferenceServer;
let url: string;
let one: ModelVersion;
let moves = 0;
const logged: { message: string; error?: string; version?: string }[] = [];

const write = (fields: object, message: string) => void logged.push({ ...fields, message });
const logger = { debug: write, info: write, warn: write, error: write } as unknown as ServingLogger;
const by = () => ({
  ...{ campaignId: CAMPAIGN, operationId: `move/${(moves += 1)}`, author: 'ada', reason: 'test' },
});
const signer = () => createCardSigner(world.objects, KEY);
const deployer = () => createLocalDeployer({ ...world, endpoint: url });
const launch = ({ id }: ModelVersion) =>
  fork(compiledEntry('workers/candidate'), [id], {
    ...{ cwd: world.directory, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] },
    env: {
      ...process.env,
      TITRATE_HOME: world.directory,
      TITRATE_SIGNING_KEY: KEY,
      TITRATE_CHEMISTRY_THREADS: '1',
      TITRATE_LEARNING_THREADS: '1',
      TITRATE_LEARNING_BACKEND: 'cpu',
      TITRATE_LOG_LEVEL: 'warn',
    },
  });

beforeAll(async () => {
  world = await openWorld();
  server = createInferenceServer({
    ...{ ...world, logger, host: '127.0.0.1', port: 0, pollMs: 60_000 },
    registry: signedOnly(world.registry, signer()),
    traffic: { launch },
  });
  url = await server.start();
  await server.whenReady();
  one = await world.train(CAMPAIGN);
  await signer().sign(one);
  expect(await deployer().deploy({ ...by(), version: one })).toMatchObject({ status: 'ready' });
});
afterAll(async () => {
  await server.close();
  await world.close();
});

/** What another version's card says in the store, under the name of this one: somebody changed the model and not its signature. */
async function tampered(): Promise<ModelVersion> {
  const version = await world.train(CAMPAIGN, 100);
  const { keyId } = await signer().verify(one);
  const stolen = await world.objects.readRecord(`signatures/${one.id}/${keyId}`);
  await world.objects.createRecord(`signatures/${version.id}/${keyId}`, stolen!);
  return version;
}

test.each([
  ['unsigned', () => world.train(CAMPAIGN, 100), /bears no signature by key hmac-/],
  ['tampered', tampered, /signature by key hmac-\w+ is wrong/],
])(
  'a version that is %s is not served, and the log, its readiness and the metrics say so',
  async (_name, make, why) => {
    const version = await make();
    const label = version.id.split('/')[1];
    const reason = expect.stringMatching(why) as string;
    expect(await deployer().deploy({ ...by(), version })).toMatchObject({
      status: 'failed',
      message: reason,
    });
    for (const at of ['ready', `versions/${label}/ready`]) {
      const { status, body } = await ask(`${url}/v2/models/${CAMPAIGN}/${at}`);
      expect([status, body.live]).toEqual([at === 'ready' ? 200 : 503, 'v1']);
      if (at !== 'ready')
        expect(body.failure).toMatchObject({ code: 'contradiction', message: reason, retryable: false });
    }
    expect((await ask(`${url}/models`)).body.models[0].failure).toMatchObject({ message: reason });
    expect(logged).toContainEqual(
      expect.objectContaining({ message: 'model cannot be loaded', version: version.id, error: reason }),
    );
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      `titrate_inference_load_failing{model="${CAMPAIGN}",version="${label}",code="contradiction"} 1`,
    );
    // What served goes on; the other one is not had by its name either.
    const answer = await ask(`${url}/predict`, { smiles: ['CCO'] });
    expect(answer).toMatchObject({ status: 200, body: { version: 'v1' } });
    expect(await ask(`${url}/predict`, { model: version.id, smiles: ['CCO'] })).toMatchObject({
      status: 409,
      body: { code: 'contradiction', detail: reason },
    });
  },
);

test('nor is it tried; one that is signed is', async () => {
  const version = await world.train(CAMPAIGN, 100);
  const tryOut = () => deployer().trial({ ...by(), candidate: { version, mode: 'canary', share: 100 } });
  expect(await tryOut()).toMatchObject({
    status: 'failed',
    message: expect.stringMatching(/bears no signature/),
  });
  await deployer().trial({ ...by(), candidate: null });
  await signer().sign(version);
  expect(await tryOut()).toMatchObject({ status: 'ready' });
  expect((await ask(`${url}/predict`, { smiles: ['CCO'] })).body.version).toBe(version.id.split('/')[1]);
});
