import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createDeployActivities } from '../../activities/deploy';
import { createFeaturizationActivities } from '../../activities/featurization';
import { createGpuActivities } from '../../activities/gpu';
import { createWarehouseActivities } from '../../activities/warehouse';
import { verifySeal } from '../../src/acquisition';
import { runLabSimulator } from '../../src/cli/lab/simulator';
import { readTruths, truthFilesOf } from '../../src/cli/lab/truth';
import type {
  BatchSheet,
  CampaignConfigInput,
  CampaignHistory,
  CampaignOutcome,
  CampaignStatus,
  CurrentBatch,
  Receipt,
} from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { openPorts, type Ports } from '../../src/platform/composition';
import { openEvidence } from '../../src/platform/evidence';
import { homePaths, loadSettings } from '../../src/platform/settings';
import { failureInterceptor } from '../../workers/failure-interceptor';
import { eventually } from '../support/eventually';
import { startServer, startWorkers } from '../support/temporal';

const MOLECULES = 120;

/** Measured solubility, and the heavy atoms of the same molecules: what dissolves well is small, so there is something to trade off. */
function writeTruth(directory: string): string {
  const example = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8');
  const [, ...rows] = example.split(/\r?\n/).filter(Boolean);
  const lines = rows
    .filter((row) => !row.includes('"'))
    .filter((_, i) => i % 8 === 0)
    .slice(0, MOLECULES)
    .map((row) => {
      const [id, , smiles, logS] = row.split(',') as [string, string, string, string];
      const atoms = smiles.replace(/\[([A-Z][a-z]?)[^\]]*\]/g, '$1').match(/Cl|Br|[BCNOFPSI]|[cnops]/g);
      return [id, smiles, logS, atoms!.length].join(',');
    });
  const file = path.join(directory, 'truth.csv');
  writeFileSync(file, ['id,smiles,logS,atoms', ...lines].join('\n'));
  return file;
}

const config = (seed: number): CampaignConfigInput => ({
  seed,
  objective: {
    ...{ property: 'logS', direction: 'maximize', unit: 'log(mol/L)', goal: 'pareto', reference: -12 },
    others: [{ property: 'atoms', direction: 'maximize', reference: 0 }],
  },
  pool: { sources: [{ uri: 'truth.csv', smilesColumn: 'smiles', compoundIdColumn: 'id' }] },
  featurizers: [{ kind: 'morgan', radius: 2, bits: 1024, counts: 'simulated' }],
  exploration: { families: ['gaussian-process'], trialsPerFamily: 1, folds: 2, maxRows: 48 },
  training: { folds: 2 },
  acquisition: { batchSize: 10, initialSize: 24 },
  budget: { rounds: 3 },
  rollout: { enabled: false },
  drift: { enabled: false },
});

describe('a campaign of two properties, on real parts', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-several-'));
  let env: TestWorkflowEnvironment;
  let ports: Ports;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    writeTruth(home);
    env = await startServer();
    const settings = loadSettings({ home, workingDirectory: home, logLevel: 'error' }, {});
    ports = openPorts(settings);
    const [chemistry, learning] = [ports.chemistry(), ports.learning()];
    const activities = {
      warehouse: createWarehouseActivities({
        ...{ ...ports, landing: ports.landing(), warehouse: await ports.warehouse(), workingDirectory: home },
      }),
      featurization: createFeaturizationActivities({ ...ports, chemistry, processor: ports.processor() }),
      gpu: createGpuActivities({ ...ports, learning, training: ports.training(), tuning: null }),
      deploy: createDeployActivities({
        ...{ ...ports, chemistry, learning, modelUpload: null, signer: null },
        ...{ evidence: openEvidence(settings, {}), reports: homePaths(settings).reports },
      }),
    };
    ({ stop } = await startWorkers(env, activities, { activity: [failureInterceptor] }));
  }, 120_000);
  afterAll(async () => {
    await stop();
    await ports.close();
    await env.teardown();
    rmSync(home, { recursive: true, force: true });
  });

  const loadSheet = async (sha256: string) =>
    JSON.parse((await ports.objects.get({ sha256 })).toString('utf8')) as BatchSheet;

  test('chooses by what it would add to the front, which grows round by round though values are missing', async () => {
    const handle = await env.client.workflow.start('activeLearningCampaign', {
      ...{ taskQueue: 'orchestration', workflowId: 'two', args: [config(7)] },
    });
    const batch = await eventually(
      () => handle.query<CurrentBatch>('currentBatch'),
      ({ batchId }) => batchId !== null,
      { seconds: 60, every: 50 },
    );
    const [pick] = batch.sheet!.picks;
    const row = { moleculeId: pick!.moleculeId, value: 1, batchId: batch.batchId! };
    const { receipts } = await handle.executeUpdate<{ receipts: Receipt[] }, [object]>('submitResults', {
      args: [
        {
          results: [
            { ...row, resultId: 'u', property: 'atom' },
            { ...row, resultId: 'w', property: 'atoms', outcome: 'failed', value: undefined },
          ],
        },
      ],
    });
    expect(receipts).toMatchObject([
      { resultId: 'w', status: 'accepted' },
      { resultId: 'u', status: 'rejected', message: expect.stringContaining("did you mean 'atoms'?") },
    ]);
    await handle.signal('labResults', { results: [{ ...row, resultId: 's', property: 'pKa' }] });

    const properties = truthFilesOf(['truth.csv'], ['logS', 'atoms'], home);
    const { pool } = (await ports.log.read('two')).config;
    const [truth, atoms] = await readTruths(properties, { chemistry: ports.chemistry(), ...pool });
    const simulated = await runLabSimulator({
      ...{ client: env.client, campaignId: 'two', truth: truth!.values, loadSheet },
      further: new Map([['atoms', atoms!.values]]),
      ...{ seed: 3, lateShare: 0, missingShare: 0.2, pollMs: 50, betweenMessagesMs: 0 },
    });
    expect(simulated.batches).toBe(3);

    const outcome = (await handle.result()) as CampaignOutcome;
    expect(outcome).toMatchObject({ stopReason: 'budget', rounds: 3 });
    const { rounds, events } = await handle.query<CampaignHistory>('history');
    expect(events.filter(({ kind }) => kind === 'result-rejected').map(({ message }) => message)).toEqual([
      expect.stringContaining("u: the campaign does not measure 'atom'"),
      expect.stringContaining("s: the campaign does not measure 'pKa'; it measures 'logS', 'atoms'"),
    ]);
    const fronts = rounds.map(({ front }) => front);
    expect(fronts[0]).toBeNull();
    const volumes = fronts.slice(1).map((front) => front!.hypervolume);
    expect([...volumes].sort((a, b) => a - b)).toEqual(volumes);
    expect(volumes.at(-1)).toBeGreaterThan(volumes[0]!);
    expect(fronts.at(-1)!.reference).toEqual([-12, 0]);
    expect(outcome.front).toEqual(fronts.at(-1));
    expect(rounds.map(({ chosenBy }) => chosenBy?.strategy)).toEqual([
      ...[expect.anything(), expect.stringContaining('ehvi'), expect.stringContaining('ehvi'), undefined],
    ]);
    // Some of the second property is missing, and its model is judged on what there is.
    const last = rounds.at(-1)!;
    expect(last.others).toMatchObject([{ property: 'atoms', metrics: { coverage90: expect.any(Number) } }]);
    expect(last.others![0]!.failed).toBeGreaterThan(0);
    expect(last.others![0]!.labels).toBeLessThan(last.labels);
    expect((await handle.query<CampaignStatus>('status')).front).toEqual(last.front);

    const record = await ports.log.read('two');
    const second = record.rounds[1]!;
    expect(second.others).toMatchObject([
      { property: 'atoms', evaluation: { metrics: { n: expect.any(Number) } } },
    ]);
    const sheet = await loadSheet(second.sheet!.sha256);
    expect(verifySeal(sheet)).toBe(true);
    expect(sheet.others).toEqual([{ property: 'atoms', direction: 'maximize' }]);
    expect(sheet.picks[0]!.others).toMatchObject([{ property: 'atoms', predicted: expect.any(Number) }]);
    const html = (await ports.objects.get(outcome.report!)).toString('utf8');
    expect(html).toContain('atoms');
  }, 240_000);
});
