import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TrainRequest, TrainedModel } from '../../activities/gpu';
import { createTrainingTasks } from '../../activities/gpu';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import { withPulse } from '../../activities/shared/heartbeat';
import { encodeFeatureMatrix } from '../../src/chemistry';
import { MEDIA_TYPES, type Cut, type ModelSettings, type RuntimePin } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { createLearning, type Learning } from '../../src/learning';
import {
  createFileObjectStore,
  createPointerLog,
  createStepCache,
  type ObjectStore,
  type StepOutcome,
} from '../../src/objects';
import { createLocalTraining, createVertexTraining, type TrainingService } from '../../src/training';
import { fingerprints, noisy, truth } from '../learning/synthetic';
import { startMonitoringServer, type MonitoringServer } from '../observability/support/monitoring-server';
import { startJobServer, type JobServer, type ServerJob } from './support/job-server';

const ROWS = 60;
const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
const SETTINGS: Record<string, ModelSettings> = {
  'gaussian-process': { family: 'gaussian-process', noiseRatios: [0.1] },
  'mlp-ensemble': {
    family: 'mlp-ensemble',
    members: 2,
    hidden: [16],
    dropout: 0.1,
    learningRate: 1e-3,
    weightDecay: 1e-4,
    batchSize: 16,
    epochs: 3,
  },
};

/** The job's own program, as its image starts it, on a store of files. */
describe('a training job as a process', () => {
  const homes = ['here', 'there'].map((name) => mkdtempSync(path.join(os.tmpdir(), `titrate-job-${name}-`)));
  const [here, there] = homes as [string, string];
  const open = (home: string) => createFileObjectStore(path.join(home, 'objects'));
  let server: JobServer;
  let monitoring: MonitoringServer;
  let learning: Learning;
  let runtime: RuntimePin;
  let request: (settings: ModelSettings) => TrainRequest;
  /** What each job's process wrote, and how it ended. */
  const ends: { code: number | null; log: { severity: string; message: string; code?: string }[] }[] = [];

  beforeAll(async () => {
    monitoring = await startMonitoringServer('a-project');
    server = await startJobServer('a-project', 'us-central1');
    server.onCreate = (job) => runContainer(job);
    learning = createLearning({ threads: 2, backend: 'auto' });
    runtime = {
      rdkit: '2026.09.1',
      ruleSet: 'r1',
      ...(await learning.runtime()),
      node: process.versions.node,
    };
    request = await writeInputs(open(here));
    cpSync(here, there, { recursive: true });
  });
  afterAll(async () => {
    await server.stop();
    monitoring.stop();
    await learning.close();
    for (const home of homes) rmSync(home, { recursive: true, force: true });
  });

  async function writeInputs(objects: ObjectStore) {
    const { putRows, putJson } = jsonArtifacts(objects);
    const features = fingerprints(ROWS, 1);
    const values = noisy(truth(features), 0.2, 2);
    const rows = features.moleculeIds.map((moleculeId, i) => ({
      moleculeId,
      smiles: 'C',
      value: values[i]!,
      qualifier: '=',
      replicates: 1,
      spread: 0,
    }));
    const encoded = await objects.put(encodeFeatureMatrix(features), MEDIA_TYPES.features);
    const shards = await putJson([{ features: encoded, rows: ROWS, featurizer: features.spec }]);
    const training = await putRows(rows);
    return (settings: ModelSettings): TrainRequest => ({
      choice: { trialId: 'one', settings, featurizer: features.spec },
      cut: { training, labels: ROWS } as Cut,
      features: { featurizer: features.spec, shards, digest: encoded.sha256 },
      training: { members: 2, epochs: 3, folds: 2 } as TrainRequest['training'],
      seed: 5,
      runtime,
    });
  }

  async function runContainer(job: ServerJob): Promise<void> {
    const { command, args, env } = job.jobSpec.workerPoolSpecs[0]!.containerSpec;
    expect(command[0]).toBe('node');
    job.state = 'JOB_STATE_RUNNING';
    const child = spawn(process.execPath, [...command.slice(1), ...args], {
      cwd: packageRoot,
      env: { PATH: process.env.PATH, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    const lines = Buffer.concat(chunks).toString().split('\n');
    const log = lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as (typeof ends)[0]['log'][0]);
    ends.push({ code, log });
    job.state = code === 0 ? 'JOB_STATE_SUCCEEDED' : 'JOB_STATE_FAILED';
    if (code !== 0) job.error = { code: 9, message: `exited with a non-zero status of ${code}` };
  }

  function activities(home: string, openTraining: (objects: ObjectStore) => TrainingService) {
    const objects = open(home);
    const ports = { objects, steps: createStepCache(objects), pointers: createPointerLog(objects), learning };
    return createTrainingTasks({ ...ports, training: openTraining(objects) });
  }
  const inThisProcess = () => activities(here, (objects) => createLocalTraining(createStepCache(objects)));
  const inJobs = () =>
    activities(there, (objects) =>
      createVertexTraining({
        objects,
        steps: createStepCache(objects),
        pollSeconds: 0.1,
        environment: {
          TITRATE_HOME: there,
          TITRATE_LEARNING_THREADS: '2',
          TITRATE_GOOGLE_PROJECT: 'a-project',
          TITRATE_METRICS_PUSH: 'cloud-monitoring',
          TITRATE_METRICS_ENDPOINT: monitoring.endpoint,
        },
        vertex: {
          projectId: 'a-project',
          region: 'us-central1',
          endpoint: server.endpoint,
          machine: {
            image: `docker.pkg.dev/t@sha256:${'0'.repeat(64)}`,
            machineType: 'n1-standard-4',
            acceleratorCount: 0,
          },
          strategy: 'standard',
          timeoutHours: 1,
          labels: {},
        },
      }),
    );
  /** Time is no part of a result. */
  const timeless = <T extends { computeSeconds: number }>({ value }: StepOutcome<T>) => ({
    ...value,
    computeSeconds: 0,
  });

  test('says the runtime of the machine it is on', async () => {
    const { rdkit: _, ruleSet: __, ...expected } = runtime;
    expect(await withPulse(PULSE, () => inJobs().describeRuntime({ labels: 9000 }))).toEqual(expected);
    expect(ends.splice(0)).toMatchObject([{ code: 0 }]);
  });

  test.each(Object.keys(SETTINGS))(
    '%s: what it trains is what is trained here, bit for bit',
    async (family) => {
      const asked = request(SETTINGS[family]!);
      const local = await withPulse(PULSE, () => inThisProcess().trainModel(asked));
      const remote = await withPulse(PULSE, () => inJobs().trainModel(asked));
      expect(ends.splice(0)).toMatchObject([{ code: 0 }]);
      expect(timeless<TrainedModel>(remote)).toEqual(timeless<TrainedModel>(local));
      const bytes = await open(there).get(remote.value.weights);
      expect(bytes.equals(await open(here).get(local.value.weights))).toBe(true);
    },
  );

  test('evaluates as it is evaluated here', async () => {
    const asked = request(SETTINGS['gaussian-process']!);
    const local = await withPulse(PULSE, () => inThisProcess().evaluateModel(asked));
    const remote = await withPulse(PULSE, () => inJobs().evaluateModel(asked));
    expect(ends.splice(0)).toMatchObject([{ code: 0 }]);
    expect(timeless(remote)).toEqual(timeless(local));
    const written = monitoring.requests
      .at(-1)!
      .timeSeries.find(({ metric }) => metric.type.endsWith('/training_duration_seconds'));
    expect(written).toMatchObject({
      metric: { labels: { family: 'gaussian-process', engine: 'local' } },
      resource: { labels: { job: 'training-job' } },
      points: [{ value: { distributionValue: { count: 1 } } }],
    });
  });

  test('refuses another runtime than the pinned one, and the activity says why', async () => {
    const asked = request(SETTINGS['gaussian-process']!);
    const otherwise = { ...asked, runtime: { ...runtime, node: '18.0.0' } };
    await expect(withPulse(PULSE, () => inJobs().trainModel(otherwise))).rejects.toMatchObject({
      code: 'runtime-mismatch',
      message: expect.stringMatching(
        new RegExp(`node is ${process.versions.node}, the round pinned 18\\.0\\.0.*vertex-ai/locations`),
      ),
    });
    const [end] = ends.splice(0);
    expect(end).toMatchObject({ code: 1, log: [{ severity: 'ERROR', code: 'runtime-mismatch' }] });
  });

  test('what fails in it fails the activity with the same error as here', async () => {
    const asked = request(SETTINGS['gaussian-process']!);
    const [empty] = await Promise.all(homes.map((home) => jsonArtifacts(open(home)).putRows([])));
    const broken = { ...asked, cut: { ...asked.cut, training: empty! } };
    const error = await withPulse(PULSE, () => inThisProcess().evaluateModel(broken)).catch(
      (e: unknown) => e,
    );
    const { code, parts } = error as { code: string; parts: { what: string } };
    await expect(withPulse(PULSE, () => inJobs().evaluateModel(broken))).rejects.toMatchObject({
      code,
      parts: { what: parts.what },
    });
    expect(ends.splice(0)).toMatchObject([{ code: 1, log: [{ severity: 'ERROR', code }] }]);
  });
});
