import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createPlan } from '../../activities/gpu/plan';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import type { GpuPorts } from '../../activities/shared/ports';
import type { RunTrialRequest } from '../../activities/gpu';
import type { ExplorationInput, ExplorationOutput } from '../../workflows/exploration';
import { campaignConfigSchema, type Cut, type FeaturizerSpec } from '../../src/contracts';
import { createFileObjectStore } from '../../src/objects';
import { createCampaignLog } from '../../src/tracking';
import { createVizierTuning } from '../../src/training';
import { startServer, workflowOptions } from '../support/temporal';
import { startVizierServer, type VizierServer } from '../training/support/vizier-server';
import { ref } from './support/scripted-lab';

const maccs: FeaturizerSpec = { kind: 'maccs' };

/** The workflow on a real server, the plan and the reports by the real activities, and trials whose error is told by their number. */
describe('an exploration that asks Vizier', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-tuning-'));
  const objects = createFileObjectStore(home);
  let env: TestWorkflowEnvironment;
  let vizier: VizierServer;
  let workers: Worker[];
  let running: Promise<unknown>;
  let tuning: ReturnType<typeof createVizierTuning>;
  const ran: string[] = [];

  const runTrial = ({ trial, rung, rows }: RunTrialRequest) => {
    ran.push(`${rung}:${trial.trialId}`);
    const number = Number(trial.trialId.slice('mlp-vizier-'.length));
    if (number === 7) throw Object.assign(new Error('out of memory'), { name: 'numerical' });
    const rmse = 0.3 + number / 100 - rung / 10;
    const metrics = {
      ...{ n: 40, rmse, mae: rmse, r2: 1 - rmse ** 2, spearman: 0.5 },
      nll: rmse,
      coverage90: 0.9,
    };
    const value = { trialId: trial.trialId, rung, rows, metrics, backend: 'cpu', computeSeconds: 1 };
    return Promise.resolve({ value, cached: false, seconds: 1 });
  };

  beforeAll(async () => {
    vizier = await startVizierServer('a-project', 'us-central1');
    tuning = createVizierTuning({ projectId: 'a-project', region: 'us-central1', endpoint: vizier.endpoint });
    env = await startServer();
    const plan = createPlan({ objects, log: createCampaignLog(objects), tuning } as unknown as GpuPorts);
    const base = { connection: env.nativeConnection, namespace: env.namespace };
    const failing = async (request: RunTrialRequest) => {
      try {
        return await runTrial(request);
      } catch (error) {
        const { ApplicationFailure } = await import('@temporalio/common');
        throw ApplicationFailure.nonRetryable((error as Error).message, 'numerical');
      }
    };
    workers = await Promise.all([
      Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions() }),
      Worker.create({ ...base, taskQueue: 'gpu', activities: { ...plan, runTrial: failing } }),
    ]);
    running = Promise.all(workers.map((worker) => worker.run()));
  });
  afterAll(async () => {
    workers.forEach((worker) => worker.shutdown());
    await running;
    await env.teardown();
    await tuning.close();
    await vizier.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const explore = async (round: number): Promise<ExplorationOutput> => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ moleculeId: `m${i}`, value: i }));
    const cut = {
      ...{ cutId: `cut_${round}`, campaignId: 'tuned', round, labels: 60 },
      training: await jsonArtifacts(objects).putRows(rows),
    } as Cut;
    const config = campaignConfigSchema.parse({
      objective: { property: 'p', direction: 'maximize' },
      pool: { dataset: 'pool' },
      featurizers: [maccs],
      exploration: { families: ['mlp-ensemble'], trialsPerFamily: 9, maxRows: 64 },
    });
    const input: ExplorationInput = {
      cut,
      features: [{ featurizer: maccs, shards: ref('shards'), digest: 'd' }],
      exploration: config.exploration,
      training: config.training,
      seed: 3,
      runtime: {} as ExplorationInput['runtime'],
    };
    return env.client.workflow.execute('exploration', {
      taskQueue: 'orchestration',
      workflowId: `tuned/round/${round}/exploration`,
      args: [input],
      workflowExecutionTimeout: '50 seconds',
    });
  };

  test('asks once, reports every rung, lets go what is told to stop, and completes every trial with its last value', async () => {
    // The second best: it would go on by its rank.
    vizier.hopeless.add('2');
    const { record } = await explore(2);
    expect(record.chosen.trialId).toBe('mlp-vizier-1');
    expect(record.tuner).toEqual({
      kind: 'vizier',
      study: 'tuned',
      trials: Array.from({ length: 9 }, (_, i) => `mlp-vizier-${i + 1}`),
      stopped: ['mlp-vizier-2'],
      notes: [],
    });
    expect(record.failures).toEqual([{ trialId: 'mlp-vizier-7', message: 'out of memory' }]);
    expect(ran.filter((each) => each.startsWith('1:')).sort()).toEqual(['1:mlp-vizier-1', '1:mlp-vizier-3']);
    const [first, second, third] = vizier.trials;
    expect(first!.measurements.map(({ stepCount }) => Number(stepCount))).toEqual(
      record.rungs.map(({ rung }) => rung + 1),
    );
    expect(second!.measurements).toHaveLength(1);
    // On the last rung it reached: 0.3 + 0.03 - rung / 10.
    const worth = third!.finalMeasurement!.metrics[0]!.value;
    const rungs = record.results.filter(({ trialId }) => trialId === 'mlp-vizier-3').map(({ rung }) => rung);
    expect(worth).toBeCloseTo(0.33 - Math.max(...rungs) / 10, 10);
    expect(vizier.trials.map(({ state }) => state)).toEqual(
      Array.from({ length: 9 }, (_, i) => (i === 6 ? 'INFEASIBLE' : 'SUCCEEDED')),
    );
  });

  test('the next round goes on with the same study; a service that falters meanwhile is told in the record', async () => {
    vizier.hopeless.clear();
    vizier.faults.push({ method: 'CompleteTrial', code: 'PERMISSION_DENIED', message: 'revoked' });
    const { record } = await explore(3);
    expect(vizier.studies).toHaveLength(1);
    expect(vizier.trials).toHaveLength(18);
    // Two of the new ones are within one standard error of the best.
    expect(record.chosen.trialId).toMatch(/^mlp-vizier-1[01]$/);
    expect(record.tuner!.notes).toEqual([expect.stringMatching(/was not reported in full: .*revoked/s)]);
  });
});
