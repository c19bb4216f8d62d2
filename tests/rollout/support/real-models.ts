import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createDeployActivities } from '../../../activities/deploy';
import { createFeaturizationActivities, type FeatureSet } from '../../../activities/featurization';
import { createTrainingTasks } from '../../../activities/gpu';
import { jsonArtifacts } from '../../../activities/shared/artifacts';
import { withPulse } from '../../../activities/shared/heartbeat';
import type { Chemistry } from '../../../src/chemistry';
import {
  moleculeCapsSchema,
  rolloutConfigSchema,
  ruleSetName,
  standardisationSchema,
  type ArtifactRef,
  type Cut,
  type FeaturizerSpec,
  type ModelCard,
  type ModelSettings,
  type ModelVersion,
  type RuntimePin,
  type TrainingRow,
} from '../../../src/contracts';
import { compiledEntry, createRandom, hashOf, packageRoot } from '../../../src/foundation';
import { createLearning } from '../../../src/learning';
import { createStepCache } from '../../../src/objects';
import { createInlineProcessor } from '../../../src/processing';
import { createLocalDeployer, createScrapedEvidence, type Deployer } from '../../../src/rollout';
import { createInferenceServer } from '../../../src/serving';
import { createCampaignLog, createLocalTracker, createTrackingSpool } from '../../../src/tracking';
import { createLocalTraining } from '../../../src/training';
import type { RolloutInput, RolloutOutput } from '../../../workflows/rollout';
import type { TrainingInput, TrainingOutput } from '../../../workflows/training';
import { openWorld, type World } from '../../serving/support/world';
import { startServer, workflowOptions } from '../../support/temporal';
import { failureInterceptor } from '../../../workers/failure-interceptor';

export const CAMPAIGN = 'solubility';
export const FINGERPRINTS: FeaturizerSpec = { kind: 'morgan', radius: 2, bits: 1024, counts: 'simulated' };
export const GP: ModelSettings = { family: 'gaussian-process', noiseRatios: [0.1] };

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
/** A row of the example: id, name, SMILES, logS, class; those whose name has a comma are left out. */
const ROW = /^\d+,[^",]*,([^",]+),(-?[\d.]+),/;

export interface Training {
  readonly settings?: ModelSettings;
  readonly rows?: readonly TrainingRow[];
  /** What training is given as the features of `FINGERPRINTS`. Default: these. */
  readonly features?: FeatureSet;
}

export interface RealModels {
  readonly world: World;
  readonly deployer: Deployer;
  /** Measured molecules of the example, sorted by id. */
  readonly rows: readonly TrainingRow[];
  /** Chemistry of the deploy worker from now on. */
  useChemistry(chemistry: Chemistry): void;
  featurise(featurizer: FeaturizerSpec): Promise<FeatureSet>;
  /** By the workflow `training`: evaluated on held-out folds, calibrated, trained on every label, registered. */
  train(training?: Training): Promise<ModelVersion>;
  /** The same card with changes, registered as training registers its own. */
  register(card: ModelCard): Promise<ModelVersion>;
  /** By the workflow `rollout`, started as `titrate deploy` starts it. */
  deploy(version: ModelVersion, limits?: object): Promise<RolloutOutput>;
  /** Asks the server for predictions without a pause until the returned function is called. */
  load(): () => Promise<void>;
  close(): Promise<void>;
}

/**
 * Everything between a file of measurements and users, real and small: molecules of the solubility example, a Temporal server, workers
 * for training and deploying, and an inference server that starts candidates as processes.
 * @param count molecules, drawn by a seed
 */
export async function openRealModels(count: number): Promise<RealModels> {
  const world = await openWorld();
  const { objects, pointers, registry } = world;
  const steps = createStepCache(objects);
  const server = createInferenceServer({
    ...{ ...world, host: '127.0.0.1', port: 0, pollMs: 60_000 },
    traffic: { launch: (version) => launch(world.directory, version) },
  });
  const endpoint = await server.start();
  await server.whenReady();
  const deployer = createLocalDeployer({ pointers, registry, endpoint });
  let chemistry = world.chemistry;
  const current = withChanges(world.chemistry, {
    prepare: (...args) => chemistry.prepare(...args),
    featurise: (...args) => chemistry.featurise(...args),
  });
  const trainer = createLearning({ threads: 1, backend: 'wasm' });
  const env = await startServer();
  const workers = await startWorkers(env, {
    gpu: createTrainingTasks({
      ...{ objects, steps, pointers, learning: trainer, training: createLocalTraining(steps) },
    }),
    deploy: createDeployActivities({
      ...{ objects, steps, pointers, registry, deployer, chemistry: current, learning: world.learning },
      ...{ signer: null, modelUpload: null, reports: path.join(world.directory, 'reports') },
      evidence: createScrapedEvidence({ endpoint }),
      log: createCampaignLog(objects),
      spool: createTrackingSpool(objects),
      tracker: createLocalTracker(objects),
    }),
  });
  const running = Promise.all(workers.map((worker) => worker.run()));

  const rows = await readRows(world.chemistry, count);
  const { putRows, putJson } = jsonArtifacts(objects);
  const shards = await putJson([
    await putRows(rows.map(({ moleculeId, smiles }) => ({ moleculeId, smiles }))),
  ]);
  const featurization = createFeaturizationActivities({
    ...{ objects, steps, pointers, chemistry: world.chemistry },
    processor: createInlineProcessor({ objects, steps, chemistry: world.chemistry }),
  });
  const featurise = (featurizer: FeaturizerSpec) =>
    withPulse(PULSE, async () => {
      const { value } = await featurization.featuriseShard({ shards, index: 0, featurizer });
      return featurization.assembleFeatures({ featurizer, shards: [value] });
    });
  const usual = await featurise(FINGERPRINTS);
  const runtime: RuntimePin = {
    ...{ ...(await trainer.runtime()), rdkit: await world.chemistry.version() },
    ...{ ruleSet: ruleSetName(standardisationSchema.parse({})), node: process.versions.node },
  };
  let operations = 0;

  return {
    ...{ world, deployer, rows, featurise },
    useChemistry: (next) => void (chemistry = next),

    async train({ settings = GP, rows: labelled = rows, features = usual } = {}) {
      const input: TrainingInput = {
        ...{ campaignId: CAMPAIGN, round: (operations += 1), seed: 7, runtime, features },
        objective: { property: 'logS', unit: 'log(mol/L)', direction: 'maximize', goal: 'best' },
        training: { members: 2, epochs: 1, folds: 2 } as TrainingInput['training'],
        choice: { trialId: 'chosen', settings, featurizer: FINGERPRINTS },
        cut: cutOf(await putRows([...labelled]), labelled.length),
      };
      const trained = (await env.client.workflow.execute('training', {
        ...{ taskQueue: 'orchestration', workflowId: `training-${operations}`, args: [input] },
      })) as TrainingOutput;
      return trained.version;
    },

    register: (card) => registry.register(CAMPAIGN, card, `register/${(operations += 1)}`),

    async deploy(version, limits = {}) {
      const input: RolloutInput = {
        ...{ campaignId: CAMPAIGN, round: 1, version, notify: null },
        limits: rolloutConfigSchema.parse(limits),
        asked: { by: 'ada', reason: 'by hand', operationId: `cli/${(operations += 1)}` },
      };
      return (await env.client.workflow.execute('rollout', {
        ...{ taskQueue: 'orchestration', workflowId: `rollout-${operations}`, args: [input] },
      })) as RolloutOutput;
    },

    load: () => startLoad(endpoint, rows),

    async close() {
      workers.forEach((worker) => worker.shutdown());
      await running;
      await env.teardown();
      await server.close();
      await trainer.close();
      await world.close();
    },
  };
}

/** A port that does some things in another way. */
export const withChanges = <T extends object>(port: T, changes: Partial<T>): T =>
  new Proxy(port, {
    get(target, name) {
      if (name in changes) return changes[name as keyof T];
      const value = target[name as keyof T];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

function startWorkers(env: TestWorkflowEnvironment, queues: Record<'gpu' | 'deploy', object>) {
  const base = {
    ...{ connection: env.nativeConnection, namespace: env.namespace },
    interceptors: { activity: [failureInterceptor] },
  };
  return Promise.all([
    Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions() }),
    ...Object.entries(queues).map(([taskQueue, activities]) =>
      Worker.create({ ...base, taskQueue, activities }),
    ),
  ]);
}

function launch(home: string, version: ModelVersion) {
  return fork(compiledEntry('workers/candidate'), [version.id], {
    ...{ cwd: home, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] },
    env: {
      ...process.env,
      TITRATE_HOME: home,
      TITRATE_CHEMISTRY_THREADS: '1',
      TITRATE_LEARNING_THREADS: '1',
      TITRATE_LEARNING_BACKEND: 'cpu',
      TITRATE_LOG_LEVEL: 'warn',
    },
  });
}

async function readRows(chemistry: Chemistry, count: number): Promise<TrainingRow[]> {
  const file = path.join(packageRoot, 'examples/solubility/measured.csv');
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  const parsed = lines.flatMap((line) => {
    const found = ROW.exec(line);
    return found ? [{ text: found[1]!, value: Number(found[2]) }] : [];
  });
  const drawn = createRandom(3).shuffle(parsed).slice(0, count);
  const outcomes = await chemistry.standardise(
    drawn.map(({ text }) => ({ notation: 'smiles', text })),
    moleculeCapsSchema.parse({}),
    standardisationSchema.parse({}),
  );
  const rows = outcomes.flatMap((outcome, i): TrainingRow[] => {
    if (!outcome.ok) return [];
    const { moleculeId, smiles } = outcome.molecule;
    return [{ moleculeId, smiles, value: drawn[i]!.value, qualifier: '=', replicates: 1, spread: 0 }];
  });
  const byId = new Map(rows.map((row) => [row.moleculeId, row]));
  return [...byId.values()].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
}

function cutOf(training: ArtifactRef, labels: number): Cut {
  return {
    ...{
      cutId: hashOf(training.sha256).slice(0, 12),
      campaignId: CAMPAIGN,
      round: 1,
      dataVersion: 'example',
    },
    ...{ training, labels, measured: labels, censored: 0, failed: 0, abandoned: 0, pendingCount: 0 },
    ...{ resultIds: training, pending: training, excluded: training },
  } as Cut;
}

function startLoad(endpoint: string, rows: readonly TrainingRow[]): () => Promise<void> {
  let on = true;
  const asking = [0, 1].map(async (offset) => {
    for (let i = offset; on; i += 2) {
      await fetch(`${endpoint}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: CAMPAIGN, smiles: [rows[i % rows.length]!.smiles] }),
      }).then((response) => response.arrayBuffer());
    }
  });
  return async () => {
    on = false;
    await Promise.all(asking);
  };
}
