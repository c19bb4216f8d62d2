import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { ModelCard, ModelVersion, VersionFigures } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { createLocalDeployer, createScrapedEvidence, type Deployer } from '../../src/rollout';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { createKeyAuthenticator, newApiKey } from '../../src/serving/access';
import { ask, eventually, MOLECULES, openWorld, type World } from './support/world';

const PER_MINUTE = 100;
/** May ask for as many molecules a minute; a stream waits for the next one. */
const few = newApiKey();
const { key, sha256 } = newApiKey();
let world: World;
let server: InferenceServer;
let endpoint: string;
let deployer: Deployer;
let cards: ModelCard[];
let campaign: string;
let versions: [ModelVersion, ModelVersion];
let campaigns = 0;
let operations = 0;
/** How the next candidates misbehave: an option of fixtures/unruly-candidate.cjs. */
let unruly: string | null = null;
let candidate: ChildProcess;

function launch({ id }: ModelVersion): ChildProcess {
  const fixture = path.join(__dirname, '../rollout/fixtures/unruly-candidate.cjs');
  candidate = fork(unruly ? fixture : compiledEntry('workers/candidate'), [id], {
    ...{ cwd: world.directory, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] },
    env: {
      ...process.env,
      UNRULY: unruly ?? '',
      CANDIDATE: compiledEntry('workers/candidate'),
      TITRATE_HOME: world.directory,
      TITRATE_CHEMISTRY_THREADS: '1',
      TITRATE_LEARNING_THREADS: '1',
      TITRATE_LEARNING_BACKEND: 'cpu',
      TITRATE_LOG_LEVEL: 'warn',
    },
  });
  return candidate;
}

beforeAll(async () => {
  world = await openWorld();
  // Version 2 predicts a hundred more than version 1, so the number says who made it.
  const trained = [await world.train('trained'), await world.train('trained', 100)];
  cards = await Promise.all(trained.map((version) => world.registry.card(version)));
  server = createInferenceServer({
    ...{ ...world, host: '127.0.0.1', port: 0, pollMs: 60_000 },
    traffic: { launch, answerWithinMs: 1000 },
    access: {
      authenticator: createKeyAuthenticator([
        { name: 'ada', sha256, scopes: ['admin'] },
        { name: 'few', sha256: few.sha256, scopes: ['predict'], moleculesPerMinute: PER_MINUTE },
      ]),
    },
  });
  endpoint = await server.start();
  await server.whenReady();
  deployer = createLocalDeployer({
    ...{ ...world, endpoint, headers: () => ({ authorization: `Bearer ${key}` }) },
  });
});
afterAll(async () => {
  await server.close();
  await world.close();
});
beforeEach(async () => {
  unruly = null;
  campaign = `solubility-${(campaigns += 1)}`;
  const registered = [];
  for (const [index, card] of cards.entries()) {
    const changes = { ...card, campaignId: campaign };
    registered.push(await world.registry.register(campaign, changes, `register/${index}`));
  }
  versions = registered as [ModelVersion, ModelVersion];
  await deployer.deploy({ ...by(), version: versions[0] });
});
afterEach(async () => {
  await deployer.trial({ ...by(), candidate: null });
});

const by = () => ({
  ...{ campaignId: campaign, operationId: `op/${(operations += 1)}`, author: 'ada', reason: 'test' },
});
const tryOut = (mode: 'canary' | 'shadow', share: number) =>
  deployer.trial({ ...by(), candidate: { version: versions[1], mode, share } });
const figures = async () =>
  (await createScrapedEvidence({ endpoint }).figures(
    campaign,
    versions.map(({ id }) => id),
    3600,
  )) as [VersionFigures, VersionFigures];
const post = (at: string, type: string, body: Body, more: Record<string, string> = {}) =>
  fetch(`${endpoint}${at}`, {
    ...{ method: 'POST', body, duplex: 'half' },
    headers: { 'content-type': type, authorization: `Bearer ${key}`, ...more },
  } as RequestInit);
const stream = (body: Body, more: Record<string, string> = {}, model = campaign) =>
  post(`/predict/batch?model=${model}`, 'application/x-ndjson', body, more);
type Body = string | ReadableStream;
type Line = { line: number; value?: number; error?: string; problem?: { code: string; detail: string } };
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const asLines = (smiles: readonly string[]) => smiles.map((one) => `${JSON.stringify(one)}\n`).join('');

/** A stream that is written and read a part at a time. */
async function openStream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const asked = stream(readable);
  void writer.write(Buffer.from('"CCO"\n'));
  const response = await asked;
  const reader = response.body!.getReader();
  const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
  return {
    named: response.headers.get('x-titrate-model'),
    first: await next(),
    async write(smiles: readonly string[]): Promise<Line[]> {
      await writer.write(Buffer.from(asLines(smiles)));
      return linesOf(await next());
    },
    end: () => writer.close(),
    next,
  };
}

describe('a stream of molecules', () => {
  test('falls to the candidate by the same rule as a request, whole, and its answers are counted by version', async () => {
    await tryOut('canary', 40);
    const molecules = Array.from({ length: 100 }, (_, i) => MOLECULES[i % 30]!);
    const fell = { v1: 0, v2: 0 };
    for (const session of Array.from({ length: 12 }, (_, i) => `session-${i}`)) {
      const response = await stream(`${asLines(molecules)}"C1CC"\nnot json\n`, {
        'x-titrate-session': session,
      });
      const lines = linesOf(await response.text());
      const version = response.headers.get('x-titrate-model')!.split('/')[1] as 'v1' | 'v2';
      fell[version] += 1;
      expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 102 }, (_, i) => i + 1));
      for (const { value } of lines.slice(0, 100)) expect(value! > 50).toBe(version === 'v2');
      expect(lines.slice(100).every(({ error }) => error !== undefined)).toBe(true);
      const asked = await post('/predict', 'application/json', `{"model":"${campaign}","smiles":["C"]}`, {
        'x-titrate-session': session,
      });
      expect(asked.headers.get('x-titrate-model')).toBe(`${campaign}/${version}`);
    }
    expect(Math.min(fell.v1, fell.v2)).toBeGreaterThan(1);
    const [one, two] = await figures();
    for (const [figure, count] of [
      [one, fell.v1],
      [two, fell.v2],
    ] as const) {
      expect(figure).toMatchObject({
        requests: 2 * count,
        errors: 0,
        molecules: 101 * count,
        rejected: count,
      });
      expect(figure.latencySeconds!.p99).toBeGreaterThan(0);
    }
    expect(two.prediction!.mean - one.prediction!.mean).toBeCloseTo(100, 0);
    // Whoever names a version gets it.
    const named = await stream('"C"\n', {}, `${campaign}/v2`);
    expect(named.headers.get('x-titrate-model')).toBe(versions[1].id);
    expect((await figures())[1].requests).toBe(2 * fell.v2 + 1);
  });

  test("that the candidate cannot answer is the stable model's, from its first line on", async () => {
    unruly = 'broken';
    await tryOut('canary', 100);
    const response = await stream(asLines(MOLECULES));
    expect(response.headers.get('x-titrate-model')).toBe(versions[0].id);
    const lines = linesOf(await response.text());
    expect(lines).toHaveLength(30);
    expect(lines.every(({ value }) => value! < 50)).toBe(true);
    expect(await figures()).toMatchObject([
      { requests: 1, errors: 0, molecules: 30 },
      { requests: 1, errors: 1, molecules: 0 },
    ]);
  });

  test('goes on under its version when the trial ends by promotion, and says so when it ends otherwise', async () => {
    await tryOut('canary', 100);
    const promoted = await openStream();
    expect(promoted.named).toBe(versions[1].id);
    await deployer.deploy({ ...by(), version: versions[1] });
    await deployer.trial({ ...by(), candidate: null });
    for (const { value } of await promoted.write(['CCN', 'CCC'])) expect(value).toBeGreaterThan(50);
    await promoted.end();
    expect(await promoted.next()).toBe('');

    await deployer.deploy({ ...by(), version: versions[0] });
    await tryOut('canary', 100);
    const withdrawn = await openStream();
    await deployer.trial({ ...by(), candidate: null });
    const [last] = await withdrawn.write(['CCN']);
    expect(last!.problem).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(/trial .* has ended/),
    });
    await eventually(async () => (await figures())[1].requests === 2);
    expect((await figures())[1].errors).toBe(0);
  });

  test('is cut off with the reason when the process of the candidate dies, and that is its error', async () => {
    await tryOut('canary', 100);
    const asked = await openStream();
    candidate.kill('SIGKILL');
    const [last] = await asked.write(['CCN']);
    expect(last!.problem).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(/did not answer/),
    });
    await eventually(async () => (await figures())[1].errors === 1);
  });

  test('is not copied to a candidate in shadow, and that is counted', async () => {
    await tryOut('shadow', 100);
    const response = await stream(asLines(MOLECULES));
    expect(response.headers.get('x-titrate-model')).toBe(versions[0].id);
    expect(linesOf(await response.text())).toHaveLength(30);
    const text = await (await fetch(`${endpoint}/metrics`)).text();
    expect(text).toContain(`titrate_traffic_shadow_skipped_total{model="${campaign}",version="v2"} 1`);
  });
});

test('what a caller may ask for counts as well when a candidate answers, and once where stable stands in', async () => {
  const asking = { authorization: `Bearer ${few.key}` };
  const predict = (count: number) =>
    post(
      '/predict',
      'application/json',
      JSON.stringify({ model: campaign, smiles: MOLECULES.slice(0, count) }),
      asking,
    );
  unruly = 'broken';
  await tryOut('canary', 100);
  expect((await predict(30)).status).toBe(200);
  expect((await (await stream(asLines(MOLECULES), asking)).text()).trim().split('\n')).toHaveLength(30);
  await deployer.trial({ ...by(), candidate: null });
  unruly = null;
  await tryOut('canary', 100);
  expect((await predict(30)).headers.get('x-titrate-model')).toBe(versions[1].id);
  expect((await predict(10)).status).toBe(200);
  expect((await predict(1)).status).toBe(429);
});

test('binary tensors are counted by their values, by stable, by a candidate, and compared in shadow', async () => {
  const smiles = ['CCO', 'not a molecule', 'CCN'];
  const infer = async (parameters: object) => {
    const head = JSON.stringify({
      ...{ parameters, inputs: [{ name: 'smiles', shape: [3], datatype: 'BYTES', data: smiles }] },
    });
    const at = `/v2/models/${campaign}/infer`;
    const length = { 'inference-header-content-length': String(head.length) };
    const response = await post(at, 'application/octet-stream', head, length);
    expect(response.headers.get('content-type')).toMatch(/octet-stream/);
    await response.arrayBuffer();
    return response.headers.get('x-titrate-model')!.split('/')[1];
  };
  const asBytes = { binary_data_output: true };
  const told = (await ask(`${endpoint}/v2/health/live`)).body;
  expect(told).toEqual({ live: true });
  expect(await infer(asBytes)).toBe('v1');
  await tryOut('canary', 100);
  expect(await infer(asBytes)).toBe('v2');
  const [one, two] = await figures();
  for (const figure of [one, two]) expect(figure).toMatchObject({ requests: 1, molecules: 2, rejected: 1 });
  expect(two.prediction!.mean - one.prediction!.mean).toBeCloseTo(100, 0);
  await tryOut('shadow', 100);
  expect(await infer(asBytes)).toBe('v1');
  const shadow = await eventually(async () => (await figures())[1].agreement);
  expect(shadow).toMatchObject({ pairs: 2, meanDifference: expect.closeTo(100, 0) });
});
