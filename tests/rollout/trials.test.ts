import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { ModelCard, ModelVersion } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import {
  createLocalDeployer,
  createProduction,
  createScrapedEvidence,
  judgeTrial,
  trialPointer,
  type Deployer,
} from '../../src/rollout';
import { rolloutConfigSchema } from '../../src/contracts';
import { createInferenceServer, type InferenceServer, type TrialStatus } from '../../src/serving';
import { ask, eventually, openWorld, type World } from '../serving/support/world';

let world: World;
let server: InferenceServer;
let endpoint: string;
let deployer: Deployer;
let cards: ModelCard[];
let campaign: string;
let versions: ModelVersion[];
let campaigns = 0;
let operations = 0;
/** How the next candidates misbehave: an option of fixtures/unruly-candidate.cjs. */
let unruly: string | null = null;

function launch(version: ModelVersion): ChildProcess {
  const entry = unruly
    ? path.join(__dirname, 'fixtures/unruly-candidate.cjs')
    : compiledEntry('workers/candidate');
  return fork(entry, [version.id], {
    cwd: world.directory,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
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
}

beforeAll(async () => {
  world = await openWorld();
  const trained = [await world.train('trained'), await world.train('trained', 100)];
  cards = await Promise.all(trained.map((version) => world.registry.card(version)));
  server = createInferenceServer({
    ...world,
    host: '127.0.0.1',
    port: 0,
    pollMs: 60_000,
    traffic: { launch, answerWithinMs: 1000, readyWithinMs: 20_000, maxGrowthBytes: 200 * 2 ** 20 },
  });
  endpoint = await server.start();
  await server.whenReady();
  deployer = createLocalDeployer({ ...world, endpoint });
});
afterAll(async () => {
  await server.close();
  await world.close();
});
beforeEach(async () => {
  unruly = null;
  campaign = `solubility-${(campaigns += 1)}`;
  versions = [];
  for (const [index, card] of cards.entries()) {
    const changes = { ...card, campaignId: campaign };
    versions.push(await world.registry.register(campaign, changes, `register/${index}`));
  }
  await deployer.deploy({ ...by(), version: versions[0]! });
});
afterEach(async () => {
  await deployer.trial({ ...by(), candidate: null });
});

const by = () => ({
  campaignId: campaign,
  operationId: `op/${(operations += 1)}`,
  author: 'ada',
  reason: 'test',
});
const tryOut = (mode: 'canary' | 'shadow', share: number, version = versions[1]!) =>
  deployer.trial({ ...by(), candidate: { version, mode, share } });
const status = async () => (await ask(`${endpoint}/v2/models/${campaign}/trial`)).body as TrialStatus;

async function predict(session?: string, model = campaign) {
  const response = await fetch(`${endpoint}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(session && { 'x-titrate-session': session }) },
    body: JSON.stringify({ model, smiles: ['CCO'] }),
  });
  const body = (await response.json()) as { version: string; predictions: { value: number }[] };
  const named = response.headers.get('x-titrate-model');
  return { status: response.status, version: body.version, named, value: body.predictions?.[0]?.value };
}

/** Asks without a pause until it is stopped. @returns every answer */
function load() {
  const answers: Awaited<ReturnType<typeof predict>>[] = [];
  let on = true;
  const workers = [1, 2].map(async () => {
    while (on) answers.push(await predict());
  });
  return {
    answers,
    async stop() {
      on = false;
      await Promise.all(workers);
      return answers;
    },
  };
}

test('a canary answers its share, a session stays with it while the share grows, and every answer names its version', async () => {
  expect(await tryOut('canary', 20)).toMatchObject({ status: 'ready', version: versions[1]!.id });
  const sessions = Array.from({ length: 60 }, (_, i) => `session-${i}`);
  const versionsOf = async () =>
    new Map(await Promise.all(sessions.map(async (s) => [s, (await predict(s)).version] as const)));
  const few = await versionsOf();
  const many = (await tryOut('canary', 60), await versionsOf());
  const candidates = (of: Map<string, string>) => sessions.filter((s) => of.get(s) === 'v2');
  expect(candidates(few).length).toBeGreaterThan(3);
  expect(candidates(few).length).toBeLessThan(25);
  expect(candidates(many)).toEqual(expect.arrayContaining(candidates(few)));
  expect(candidates(many).length).toBeGreaterThan(24);
  expect(await versionsOf()).toEqual(many);
  // Whoever names a version gets it.
  expect((await predict(undefined, `${campaign}/v1`)).version).toBe('v1');
  expect((await predict(undefined, `${campaign}/v2`)).version).toBe('v2');
  const infer = { inputs: [{ name: 'smiles', shape: [1], datatype: 'BYTES', data: ['CCO'] }] };
  const named = await ask(`${endpoint}/v2/models/${campaign}/versions/v2/infer`, infer);
  expect(named).toMatchObject({ status: 200, body: { model_version: 'v2' } });
});

test('from N to N+1 through trial and promotion, and back, under load: no request fails, each names its version', async () => {
  const [one, two] = versions as [ModelVersion, ModelVersion];
  const production = createProduction({ ...world, deployer });
  await production.put({ ...by(), version: one, held: false });
  const running = load();
  await tryOut('canary', 50);
  await eventually(async () => running.answers.filter(({ version }) => version === 'v2').length > 5);
  expect(await production.advance({ ...by(), version: two })).toMatchObject({ status: 'ready' });
  await deployer.trial({ ...by(), candidate: null, only: two.id });
  const from = running.answers.length;
  await eventually(async () => running.answers.length > from + 10);
  const before = running.answers.length;
  await production.put({ ...by(), version: one, held: true });
  const back = running.answers.length;
  await eventually(async () => running.answers.length > back + 10);
  const answers = await running.stop();
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  // Version 2 predicts a hundred more than version 1, so the number says who made it.
  for (const { version, named, value } of answers) {
    expect(named).toBe(`${campaign}/${version}`);
    expect(value! > 50 ? 'v2' : 'v1').toBe(version);
  }
  expect(answers.slice(from + 2, before).every(({ version }) => version === 'v2')).toBe(true);
  expect(answers.slice(back + 2).every(({ version }) => version === 'v1')).toBe(true);
});

test('shadow: the stable answer is returned, and the difference on the same molecules is counted', async () => {
  const evidence = createScrapedEvidence({ endpoint });
  await tryOut('shadow', 100);
  for (let i = 0; i < 12; i++) expect((await predict()).version).toBe('v1');
  const seen = await eventually(async () => {
    const [candidate] = await evidence.figures(campaign, [versions[1]!.id], 60);
    return candidate!.agreement?.pairs === 12 && candidate;
  });
  expect(seen.requests).toBe(12);
  expect(seen.agreement!.rmsDifference).toBeCloseTo(100, 1);
  expect(seen.agreement!.meanDifference).toBeCloseTo(100, 1);
  const [stable] = await evidence.figures(campaign, [versions[0]!.id], 60);
  expect(stable).toMatchObject({ requests: 12, errors: 0, molecules: 12, rejected: 0 });
});

test('a candidate that is killed at any point costs nobody an answer, and its trial has failed with the reason', async () => {
  // While it starts.
  const starting = tryOut('canary', 50);
  const { pid } = await eventually(async () => {
    const now = await status();
    return now.pid !== null && now;
  });
  process.kill(pid!, 'SIGKILL');
  expect(await starting).toMatchObject({ status: 'failed', message: expect.stringContaining('SIGKILL') });
  await deployer.trial({ ...by(), candidate: null });

  // While it answers.
  await tryOut('canary', 100);
  const running = load();
  await eventually(async () => running.answers.length > 5);
  process.kill((await status()).pid!, 'SIGKILL');
  const from = running.answers.length;
  await eventually(async () => running.answers.length > from + 10);
  const answers = await running.stop();
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(answers.at(-1)!.version).toBe('v1');
  expect(await deployer.observe(campaign)).toMatchObject({
    version: versions[0]!.id,
    candidate: { ready: false, failed: true, message: expect.stringContaining('ended on SIGKILL') },
  });
});

describe('an unruly candidate', () => {
  test('that breaks answers is stood in for, and its errors are its own', async () => {
    unruly = 'broken';
    const evidence = createScrapedEvidence({ endpoint });
    await tryOut('canary', 100);
    for (let i = 0; i < 6; i++) expect(await predict()).toMatchObject({ status: 200, version: 'v1' });
    const [candidate, stable] = await evidence.figures(
      campaign,
      versions.toReversed().map(({ id }) => id),
      60,
    );
    expect(candidate).toMatchObject({ requests: 6, errors: 6 });
    expect(stable).toMatchObject({ requests: 6, errors: 0 });
    const { trial: limits } = rolloutConfigSchema.parse({});
    const verdicts = judgeTrial({ candidate: candidate!, stable: stable!, heldOutRmse: 1, limits });
    expect(verdicts.find(({ check }) => check === 'errors')).toMatchObject({ verdict: 'bad' });
  });

  test('that does not answer in time is stood in for', async () => {
    unruly = 'hanging';
    await tryOut('canary', 100);
    expect(await predict()).toMatchObject({ status: 200, version: 'v1' });
    const [candidate] = await createScrapedEvidence({ endpoint }).figures(campaign, [versions[1]!.id], 60);
    expect(candidate).toMatchObject({ requests: 1, errors: 1 });
  });

  test('that is slow is found by its latency', async () => {
    unruly = 'slow';
    const evidence = createScrapedEvidence({ endpoint });
    await Promise.all(Array.from({ length: 25 }, () => predict()));
    await tryOut('canary', 100);
    const answers = await Promise.all(Array.from({ length: 25 }, () => predict()));
    expect(answers.every(({ version }) => version === 'v2')).toBe(true);
    const [candidate, stable] = await evidence.figures(
      campaign,
      versions.toReversed().map(({ id }) => id),
      60,
    );
    const { trial: limits } = rolloutConfigSchema.parse({});
    const verdicts = judgeTrial({ candidate: candidate!, stable: stable!, heldOutRmse: 1, limits });
    expect(verdicts.find(({ check }) => check === 'latency')).toMatchObject({ verdict: 'bad' });
    expect(verdicts.find(({ check }) => check === 'errors')).toMatchObject({ verdict: 'ok' });
  });

  test('that cannot start fails its trial with its last words', async () => {
    unruly = 'crashing';
    expect(await tryOut('canary', 10)).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/ended with code 3: out of luck/),
    });
    expect(await predict()).toMatchObject({ status: 200, version: 'v1' });
  });

  test('that leaks fails its trial before it takes the machine', async () => {
    unruly = 'leaking';
    await tryOut('canary', 10);
    const failed = await eventually(async () => {
      const now = await status();
      return now.state === 'failed' && now;
    });
    expect(failed.message).toMatch(/memory grew from \d+ to \d+ MiB, and 200 MiB more are allowed/);
  });
});

test('a version whose weights are missing fails with that reason', async () => {
  const broken = await world.registerBroken(campaign);
  expect(await tryOut('canary', 10, broken)).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('no object with sha256'),
  });
});

test('racing trials end in one state, which both are told of; an old operation changes nothing', async () => {
  const third = await world.registry.register(campaign, { ...cards[1]!, campaignId: campaign }, 'third');
  const first = { ...by(), candidate: { version: versions[1]!, mode: 'canary' as const, share: 10 } };
  const outcomes = await Promise.all([deployer.trial(first), tryOut('canary', 30, third)]);
  const head = (await world.pointers.head(trialPointer(campaign)))!.target;
  const winner = head.startsWith(third.id) ? 1 : 0;
  expect(outcomes[winner]).toMatchObject({ status: 'ready' });
  expect(outcomes[1 - winner]).toMatchObject({ status: 'superseded' });
  const standing = [versions[1]!.id, third.id][winner];
  expect((await deployer.observe(campaign)).candidate).toMatchObject({ version: standing, ready: true });
  if (winner === 1) expect(await deployer.trial(first)).toMatchObject({ status: 'superseded' });
  // Ending one's own trial leaves that of another one.
  await deployer.trial({ ...by(), candidate: null, only: 'another/v9' });
  expect((await deployer.observe(campaign)).candidate).toMatchObject({ version: standing });
});

test('a share that is no percentage is refused before anything moves', async () => {
  await expect(tryOut('canary', 120)).rejects.toMatchObject({ code: 'usage' });
  expect((await deployer.observe(campaign)).candidate).toBeNull();
});
