import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ModelCard, ModelVersion } from '../../src/contracts';
import { createLocalDeployer, type DeployRequest, type LocalDeployerOptions } from '../../src/rollout';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { ask, openWorld, type World } from '../serving/support/world';
import { freePort } from '../support/free-port';

let world: World;
let server: InferenceServer;
let endpoint: string;
/** A campaign for each test, with a copy of the same two models. */
let campaign: string;
let cards: ModelCard[];
let versions: ModelVersion[];
let campaigns = 0;

const request = (version: ModelVersion, operationId: string): DeployRequest => ({
  campaignId: campaign,
  version,
  operationId,
  author: 'ada',
  reason: 'passed its gates',
});
const deployer = (options: Partial<LocalDeployerOptions> = {}) =>
  createLocalDeployer({ ...world, endpoint, ...options });
const targets = async (pointer: string) =>
  (await world.pointers.entries(`${pointer}/${campaign}`)).map(({ target }) => target);
const answering = async () =>
  (await ask(`${endpoint}/predict`, { model: campaign, smiles: ['CCO'] })).body.version;

beforeAll(async () => {
  world = await openWorld();
  const trained = [await world.train('trained'), await world.train('trained', 100)];
  cards = await Promise.all(trained.map((version) => world.registry.card(version)));
  // The poll is slow on purpose: it is the deployer's question that makes the server look.
  server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0, pollMs: 60_000 });
  endpoint = await server.start();
  await server.whenReady();
});
beforeEach(async () => {
  campaign = `solubility-${(campaigns += 1)}`;
  versions = [];
  for (const [index, card] of cards.entries()) {
    versions.push(
      await world.registry.register(campaign, { ...card, campaignId: campaign }, `register/${index}`),
    );
  }
});
afterAll(async () => {
  await server.close();
  await world.close();
});

test('deploys, waits until the server answers with the version, and records what it saw', async () => {
  const [one] = versions as [ModelVersion, ModelVersion];
  expect(await deployer().observe(campaign)).toMatchObject({ status: 'failed', version: null });
  expect(await deployer().deploy(request(one, 'op/1'))).toMatchObject({
    status: 'ready',
    version: one.id,
    endpoint,
  });
  expect(await answering()).toBe('v1');
  expect(await targets('observed')).toEqual([one.id]);
  expect(await deployer().observe(campaign)).toMatchObject({ status: 'ready', version: one.id });
});

test('an operation deploys once; there, on and back again are three moves', async () => {
  const [one, two] = versions as [ModelVersion, ModelVersion];
  for (const [version, operation] of [
    [one, 'a'],
    [one, 'a'],
    [two, 'b'],
    [one, 'c'],
    [one, 'c'],
  ] as const) {
    expect(await deployer().deploy(request(version, operation))).toMatchObject({
      status: 'ready',
      version: version.id,
    });
  }
  expect(await targets('serving')).toEqual([one.id, two.id, one.id]);
  expect(await targets('observed')).toEqual([one.id, two.id, one.id]);

  // A late retry of what has been superseded neither rolls back nor waits.
  expect(await deployer().deploy(request(two, 'b'))).toMatchObject({
    status: 'superseded',
    message: expect.stringMatching(/superseded.*'c'/),
  });
  expect(await answering()).toBe('v1');
});

test('a version that cannot be loaded fails with the reason, and the live one stays', async () => {
  const [one] = versions as [ModelVersion, ModelVersion];
  await deployer().deploy(request(one, 'op/1'));
  const broken = await world.registerBroken(campaign);
  const failed = await deployer({ deadlineMs: 1500 }).deploy(request(broken, 'op/2'));
  expect(failed).toMatchObject({
    status: 'failed',
    version: one.id,
    message: expect.stringMatching(/was not ready within.*no object with sha256/),
  });
  // Bytes that are no model stay what they are: nothing is gained by waiting.
  const garbage = await world.registerBroken(campaign, Buffer.from('no model'));
  const refused = await deployer().deploy(request(garbage, 'op/3'));
  expect(refused).toMatchObject({
    status: 'failed',
    version: one.id,
    message: expect.stringContaining('could not load'),
  });
  expect(await answering()).toBe('v1');
  expect(await targets('observed')).toEqual([one.id]);
});

test('a server that is still loading is waited for, also by who would not wait for one to appear', async () => {
  const [one] = versions as [ModelVersion, ModelVersion];
  const said: string[] = [];
  const onProgress = (message: string) => said.push(message);
  expect(await deployer({ connectMs: 0 }).deploy({ ...request(one, 'op/1'), onProgress })).toMatchObject({
    status: 'ready',
    version: one.id,
  });
  expect(said.join()).toContain('is being loaded');
});

test('without a server it fails soon and says what to do; the version serves once a server runs', async () => {
  const [one] = versions as [ModelVersion, ModelVersion];
  const port = await freePort();
  const nowhere = deployer({ endpoint: `http://127.0.0.1:${port}`, connectMs: 200 });
  const said: string[] = [];
  const outcome = await nowhere.deploy({
    ...request(one, 'op/1'),
    onProgress: (message) => said.push(message),
  });
  expect(outcome).toMatchObject({
    status: 'failed',
    version: null,
    message: expect.stringMatching(/no inference server answers.*titrate up/),
  });
  expect(said[0]).toMatch(/ECONNREFUSED/);
  expect(await nowhere.observe(campaign)).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('ECONNREFUSED'),
  });

  const late = createInferenceServer({ ...world, host: '127.0.0.1', port });
  await late.start();
  try {
    expect(await nowhere.deploy(request(one, 'op/1'))).toMatchObject({ status: 'ready', version: one.id });
    expect(await targets('serving')).toEqual([one.id]);
  } finally {
    await late.close();
  }
});

test('a port that belongs to another program is not mistaken for the server', async () => {
  const stranger = createServer((_request, response) => void response.end('{}'));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  const outcome = await deployer({ endpoint: `http://127.0.0.1:${port}`, deadlineMs: 300 }).deploy(
    request(versions[0]!, 'op/1'),
  );
  expect(outcome).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('not an answer of a titrate inference server'),
  });
  stranger.closeAllConnections();
  await new Promise((resolve) => stranger.close(resolve));
});

test('a cancelled wait ends at once; a model that is not registered is refused before anything moves', async () => {
  const port = await freePort();
  const waiting = deployer({ endpoint: `http://127.0.0.1:${port}` }).deploy({
    ...request(versions[0]!, 'op/1'),
    signal: AbortSignal.timeout(100),
  });
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  const ghost = { ...versions[0]!, id: `${campaign}/v9`, number: 9 };
  await expect(deployer().deploy(request(ghost, 'op/2'))).rejects.toMatchObject({ code: 'not-found' });
  const other = await world.registry.resolve('trained/v1');
  await expect(deployer().deploy(request(other, 'op/3'))).rejects.toMatchObject({ code: 'usage' });
  expect(await targets('serving')).toEqual([versions[0]!.id]);
});
