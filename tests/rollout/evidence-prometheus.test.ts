import { fork } from 'node:child_process';
import { compiledEntry } from '../../src/foundation';
import {
  createLocalDeployer,
  createPrometheusEvidence,
  createScrapedEvidence,
  type Deployer,
  type ServingEvidence,
} from '../../src/rollout';
import type { ModelVersion, VersionFigures } from '../../src/contracts';
import { createInferenceServer, type CandidateMessage, type InferenceServer } from '../../src/serving';
import { complaintsAbout, describeWithPrometheus, startPrometheus } from '../support/prometheus';
import { ask, eventually, MOLECULES, openWorld, type World } from '../serving/support/world';

const CAMPAIGN = 'solubility-42';
/** Long enough for all that a test asks for. */
const WHOLE_S = 600;

describeWithPrometheus('a running Prometheus', () => {
  let world: World;
  let server: InferenceServer;
  let endpoint: string;
  let deployer: Deployer;
  let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
  let evidence: ServingEvidence;
  let versions: [ModelVersion, ModelVersion];
  let candidate: Extract<CandidateMessage, { kind: 'ready' }> | null = null;
  let operations = 0;

  const by = () => ({
    ...{ campaignId: CAMPAIGN, operationId: `op/${(operations += 1)}`, author: 'ada', reason: 'test' },
  });
  const launch = ({ id }: ModelVersion) => {
    const child = fork(compiledEntry('workers/candidate'), [id], {
      ...{ cwd: world.directory, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] },
      env: {
        ...process.env,
        TITRATE_HOME: world.directory,
        TITRATE_CHEMISTRY_THREADS: '1',
        TITRATE_LEARNING_THREADS: '1',
        TITRATE_LEARNING_BACKEND: 'cpu',
        TITRATE_LOG_LEVEL: 'warn',
      },
    });
    child.on('message', (message: CandidateMessage) => {
      if (message.kind === 'ready') candidate = message;
    });
    return child;
  };
  const open = (port: number) =>
    createInferenceServer({ ...world, host: '127.0.0.1', port, pollMs: 60_000, traffic: { launch } });
  const tryOut = (mode: 'canary' | 'shadow', share: number) =>
    deployer.trial({ ...by(), candidate: { version: versions[1], mode, share } });
  /** Each a request of its own, the last one with a molecule that none can be. */
  const predict = async (count: number) => {
    for (let i = 0; i < count; i++)
      await ask(`${endpoint}/predict`, { smiles: [MOLECULES[i % 30]!, i === count - 1 ? 'C1CC' : 'CCN'] });
  };
  const figures = (of: ServingEvidence, seconds = WHOLE_S) =>
    of.figures(
      CAMPAIGN,
      versions.map(({ id }) => id),
      seconds,
    );
  const requests = (of: readonly VersionFigures[]) => of.reduce((sum, one) => sum + one.requests, 0);
  /** Prometheus' figures, once it has scraped all that was asked. */
  const caughtUp = (count: number) =>
    eventually(async () => {
      const now = await figures(evidence);
      return Math.abs(requests(now) - count) < 1e-6 && now;
    });

  beforeAll(async () => {
    world = await openWorld();
    server = open(0);
    endpoint = await server.start();
    await server.whenReady();
    prometheus = await startPrometheus(endpoint);
    evidence = createPrometheusEvidence({ endpoint: prometheus.endpoint, scrapeSeconds: 1 });
    deployer = createLocalDeployer({ ...world, endpoint });
    // Values of both signs.
    versions = [await world.train(CAMPAIGN, -1), await world.train(CAMPAIGN, -1.25)];
    await deployer.deploy({ ...by(), version: versions[0] });
  }, 60_000);
  afterAll(async () => {
    await server.close();
    await prometheus.close();
    await world.close();
  });

  test('says of a trial what the server itself says, also of series that began while it looked', async () => {
    await tryOut('canary', 50);
    await predict(20);
    const lines = MOLECULES.map((one) => JSON.stringify(one)).join('\n');
    const streamed = await fetch(`${endpoint}/predict/batch`, {
      ...{ method: 'POST', body: lines, headers: { 'content-type': 'application/x-ndjson' } },
    });
    expect((await streamed.text()).trim().split('\n')).toHaveLength(30);
    await tryOut('shadow', 100);
    await predict(5);
    const counted = await eventually(async () => {
      const now = await figures(createScrapedEvidence({ endpoint }));
      return now[1]!.agreement?.pairs === 9 && now;
    });
    expect(requests(counted)).toBe(20 + 1 + 5 + 5);
    expect(counted.every(({ prediction }) => prediction !== null)).toBe(true);
    const seen = await caughtUp(31);
    seen.forEach((one, i) => {
      const same = counted[i]!;
      const figure = (value: number | undefined) => expect.closeTo(value!, 9) as number;
      expect(one).toEqual({
        ...same,
        latencySeconds: {
          p50: figure(same.latencySeconds?.p50),
          p99: figure(same.latencySeconds?.p99),
        },
        prediction: {
          mean: figure(same.prediction?.mean),
          standardDeviation: figure(same.prediction?.standardDeviation),
        },
        agreement: same.agreement && {
          pairs: same.agreement.pairs,
          meanDifference: figure(same.agreement.meanDifference),
          rmsDifference: figure(same.agreement.rmsDifference),
        },
      });
    });
    expect(seen[1]!.agreement!.meanDifference).toBeCloseTo(-0.25, 1);

    // A stretch of time that begins after all that, and one that holds what came later.
    await eventually(async () => requests(await figures(evidence, 3)) === 0);
    await deployer.trial({ ...by(), candidate: null });
    await predict(4);
    await eventually(async () => requests(await figures(evidence, 5)) === 4);
  }, 60_000);

  test('a server that is started anew counts from nothing, and no figure is torn by it', async () => {
    const before = (await figures(evidence))[0]!;
    await server.close();
    server = open(Number(new URL(endpoint).port));
    await server.start();
    await server.whenReady();
    await predict(8);
    const [now] = await eventually(async () => {
      const found = await figures(evidence);
      return found[0]!.molecules !== before.molecules && found;
    });
    expect(now!.requests).toBeGreaterThan(0);
    const values = (await ask(`${endpoint}/predict`, { smiles: MOLECULES })).body.predictions as {
      value: number;
    }[];
    const range = values.map(({ value }) => value);
    expect(now!.prediction!.mean).toBeGreaterThan(Math.min(...range));
    expect(now!.prediction!.mean).toBeLessThan(Math.max(...range));
  }, 60_000);

  test('promtool has no complaint about the metrics of a server and of a candidate on trial', async () => {
    await tryOut('canary', 100);
    await predict(3);
    const text = async (at: string, headers = {}) => (await fetch(`${at}/metrics`, { headers })).text();
    expect(complaintsAbout(await text(endpoint))).toBe('');
    const own = await text(candidate!.address, { authorization: `Bearer ${candidate!.key}` });
    expect(own).toMatch(/titrate_inference_model_requests_total\{[^}]*version="v2"[^}]*\} \d/);
    expect(complaintsAbout(own)).toBe('');
  });
});
