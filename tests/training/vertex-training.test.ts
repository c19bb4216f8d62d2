import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { TitrateError } from '../../src/contracts';
import { createNumberedLog, createStepCache, stepHash } from '../../src/objects';
import { LOCAL_CHECKS } from '../../src/cli/doctor-checks';
import { loadSettings } from '../../src/platform/settings';
import {
  createVertexTraining,
  readJobRequest,
  recordFailure,
  type TrainingProgress,
  type TrainingWork,
  type VertexTrainingOptions,
} from '../../src/training';
import { temporaryStore } from '../processing/support/processing';
import { eventually } from '../support/eventually';
import { startJobServer, type JobServer, type ServerJob } from './support/job-server';

const PROJECT = 'a-project';
const REGION = 'europe-west4';
const IMAGE = `europe-west4-docker.pkg.dev/a-project/titrate/training@sha256:${'0'.repeat(64)}`;

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('training in jobs of Vertex AI, against a server made from the published protos', () => {
  let server: JobServer;
  let store: ReturnType<typeof temporaryStore>;

  beforeAll(async () => {
    server = await startJobServer(PROJECT, REGION);
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    store = temporaryStore();
    server.jobs.length = 0;
    server.faults.length = 0;
    for (const name of Object.keys(server.calls)) delete server.calls[name];
    server.listingsBehind = 0;
    server.onCreate = (job) => record(job);
    server.onCancel = (job) => {
      job.state = 'JOB_STATE_CANCELLED';
    };
  });
  afterEach(() => store.remove());

  /** What can be handed to another process too. */
  const plainOptions = (changes: Partial<VertexTrainingOptions['vertex']> = {}) => ({
    environment: { TITRATE_OBJECTS_STORE: 'gcs', TITRATE_OBJECTS_BUCKET: 'bucket' },
    pollSeconds: 0.02,
    patienceSeconds: 0.3,
    vertex: {
      projectId: PROJECT,
      region: REGION,
      endpoint: server.endpoint,
      machine: {
        image: IMAGE,
        machineType: 'n1-standard-8',
        acceleratorType: 'NVIDIA_TESLA_T4',
        acceleratorCount: 2,
      },
      strategy: 'spot' as const,
      timeoutHours: 6,
      serviceAccountEmail: 'training@a-project.iam.gserviceaccount.com',
      labels: { application: 'titrate' },
      ...changes,
    },
  });
  const work: TrainingWork = {
    task: 'trainModel',
    step: { name: 'train-model', version: 1 },
    key: { inputs: { training: 'f'.repeat(64) }, parameters: { members: 5 }, seed: 7 },
    request: { choice: 'this one' },
    labels: 9000,
  };
  const hash = stepHash(work.step, work.key);
  const here = () => Promise.reject(new Error('computed in this process'));

  async function train(
    changes: Partial<VertexTrainingOptions> = {},
    options: Partial<TrainingWork> = {},
  ): Promise<{ value: unknown; cached: boolean }> {
    const { objects } = store;
    // A cache of its own: what another process would have.
    const training = createVertexTraining({
      ...plainOptions(),
      objects,
      steps: createStepCache(objects),
      ...changes,
    });
    try {
      return await training.run({ ...work, ...options }, here);
    } finally {
      await training.close();
    }
  }

  const containerOf = (job: ServerJob) => job.jobSpec.workerPoolSpecs[0]!.containerSpec;
  const argumentsOf = (job: ServerJob) => {
    const { args } = containerOf(job);
    expect([args[0], args[2]]).toEqual(['--request', '--claim']);
    return { request: args[1]!, claim: Number(args[3]) };
  };
  /** Does what the container of a job does. */
  async function record(job: ServerJob): Promise<void> {
    const { step, key, request } = await readJobRequest(store.objects, argumentsOf(job).request);
    job.state = 'JOB_STATE_RUNNING';
    await createStepCache(store.objects).run(step, key, async () => ({ trained: request }));
    job.state = 'JOB_STATE_SUCCEEDED';
  }
  const OUTPUT = { trained: work.request };
  const until = (done: () => boolean) =>
    eventually(
      () => Promise.resolve(done()),
      (value) => value,
    );
  const living = () => server.jobs.filter(({ state }) => !/SUCCEEDED|FAILED|CANCELLED/.test(state));

  test('a step runs in one job, described as the settings have it, and its recorded output is the result', async () => {
    const progress: TrainingProgress[] = [];
    const outcome = await train({}, { onProgress: (each) => progress.push(each) });
    expect(outcome).toMatchObject({ value: OUTPUT, cached: false });
    const [job] = server.jobs;
    expect(job).toMatchObject({
      displayName: `titrate-train-model-${hash.slice(0, 12)}-1`,
      labels: { application: 'titrate', titrate_step: hash.slice(0, 63), titrate_claim: '1' },
      jobSpec: {
        workerPoolSpecs: [
          {
            machineSpec: {
              machineType: 'n1-standard-8',
              acceleratorType: 'NVIDIA_TESLA_T4',
              acceleratorCount: 2,
            },
            replicaCount: 1,
            containerSpec: {
              imageUri: IMAGE,
              command: ['node', '--enable-source-maps', 'dist/workers/training-job.js'],
              env: [
                { name: 'TITRATE_OBJECTS_STORE', value: 'gcs' },
                { name: 'TITRATE_OBJECTS_BUCKET', value: 'bucket' },
              ],
            },
          },
        ],
        scheduling: { timeout: { seconds: 21600 }, strategy: 'SPOT', restartJobOnWorkerRestart: true },
        serviceAccount: 'training@a-project.iam.gserviceaccount.com',
      },
    });
    expect(progress.at(-1)).toEqual({
      job: job!.name,
      state: 'JOB_STATE_SUCCEEDED',
      link: `https://console.cloud.google.com/vertex-ai/locations/${REGION}/training/1?project=${PROJECT}`,
    });

    expect(await train()).toMatchObject({ value: OUTPUT, cached: true });
    expect(server.jobs).toHaveLength(1);
  });

  test('a creation whose answer was lost has created: the job is found by its label', async () => {
    server.faults.push({ method: 'CreateCustomJob', code: 'UNAVAILABLE', message: 'reset', lost: true });
    // The listing does not show it at once, either.
    server.onCreate = (job) => {
      server.listingsBehind = 2;
      return record(job);
    };
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs).toHaveLength(1);
  });

  test('a creation that failed without a trace is made again, once nothing can come of it any more', async () => {
    server.faults.push({ method: 'CreateCustomJob', code: 'DEADLINE_EXCEEDED', message: 'late' });
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs.map(({ labels }) => labels.titrate_claim)).toEqual(['2']);
  });

  test('a service that never answers a creation is given up, and says so', async () => {
    for (let i = 0; i < 3; i++)
      server.faults.push({ method: 'CreateCustomJob', code: 'UNAVAILABLE', message: 'down' });
    await expect(train()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/down/),
    });
    expect(server.jobs).toEqual([]);
  });

  test('three processes at the same moment have one job', async () => {
    server.onCreate = async (job) => {
      await until(() => server.calls.GetCustomJob! >= 6);
      await record(job);
    };
    const outcomes = await Promise.all([train(), train(), train()]);
    expect(outcomes.map(({ value }) => value)).toEqual([OUTPUT, OUTPUT, OUTPUT]);
    expect(server.jobs).toHaveLength(1);
  });

  test('a claim without a job, of a process that died in between, is waited out', async () => {
    const log = createNumberedLog(store.objects, `training-jobs/${hash}`);
    await log.append(() => ({ kind: 'claim', token: 'of the dead', at: '2026-11-26T00:00:00Z' }));
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs.map(({ labels }) => labels.titrate_claim)).toEqual(['2']);
  });

  function startClient() {
    const script = path.join(__dirname, 'support/waiting-client.cjs');
    const argument = [store.directory, JSON.stringify(plainOptions()), JSON.stringify(work)];
    return spawn(process.execPath, [script, ...argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  test('a process killed while it waits is followed by another one, on the same job', async () => {
    server.onCreate = (job) => {
      job.state = 'JOB_STATE_RUNNING';
    };
    const client = startClient();
    const ended = once(client, 'exit');
    for await (const text of client.stdout) if (String(text).includes('RUNNING')) break;
    client.kill('SIGKILL');
    await ended;

    const [job] = server.jobs;
    let recorded: Promise<void> | undefined;
    const onProgress = ({ state }: TrainingProgress) => {
      if (state === 'JOB_STATE_RUNNING') recorded ??= record(job!);
    };
    expect(await train({}, { onProgress })).toMatchObject({ value: OUTPUT });
    await recorded;
    expect(server.jobs).toHaveLength(1);
  });

  test('a process killed while its request was on the way is followed by another one, on the same job', async () => {
    const client = startClient();
    const ended = once(client, 'exit');
    // The request has arrived, and nobody hears the answer.
    server.onCreate = (job) => {
      client.kill('SIGKILL');
      job.state = 'JOB_STATE_RUNNING';
    };
    await ended;
    const [job] = server.jobs;
    void record(job!);
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs).toHaveLength(1);
  });

  test('a shutdown leaves the job alone, and the retry finds it', async () => {
    server.onCreate = (job) => {
      job.state = 'JOB_STATE_RUNNING';
    };
    const stop = new AbortController();
    const first = train(
      { keepJobOn: (reason) => reason === 'shutdown' },
      { signal: stop.signal, onProgress: () => stop.abort('shutdown') },
    );
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    expect(living()).toHaveLength(1);
    void record(server.jobs[0]!);
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs).toHaveLength(1);
  });

  test('a cancellation cancels the job, and waits until it has ended', async () => {
    server.onCreate = (job) => {
      job.state = 'JOB_STATE_RUNNING';
    };
    const seen: string[] = [];
    server.onCancel = () => undefined;
    const stop = new AbortController();
    const onProgress = ({ state }: TrainingProgress) => {
      seen.push(state);
      if (state === 'JOB_STATE_RUNNING') stop.abort();
      if (state === 'JOB_STATE_CANCELLING') server.jobs[0]!.state = 'JOB_STATE_CANCELLED';
    };
    await expect(train({}, { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toContain('JOB_STATE_CANCELLING');
    expect(server.jobs.map(({ state }) => state)).toEqual(['JOB_STATE_CANCELLED']);

    server.onCreate = (job) => record(job);
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs).toHaveLength(2);
  });

  test('of two living jobs, should there ever be two, the older one goes on', async () => {
    server.onCreate = (job) => {
      job.state = 'JOB_STATE_RUNNING';
    };
    const stop = new AbortController();
    const signal = stop.signal;
    const first = train({ keepJobOn: () => true }, { signal, onProgress: () => stop.abort() });
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    const [job] = server.jobs;
    server.jobs.push({ ...job!, name: `${server.parent}/customJobs/2`, createTime: { seconds: 2000 } });

    void until(() => server.jobs[1]!.state === 'JOB_STATE_CANCELLED').then(() => record(job!));
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs.map(({ state }) => state)).toEqual(['JOB_STATE_SUCCEEDED', 'JOB_STATE_CANCELLED']);
  });

  test('trouble that passes is waited out while a job is looked for and watched', async () => {
    for (const method of ['ListCustomJobs', 'GetCustomJob'])
      for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'] as const)
        server.faults.push({ method, code, message: 'not now' });
    server.onCreate = async (job) => {
      await until(() => server.calls.GetCustomJob! > 2);
      await record(job);
    };
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs).toHaveLength(1);
  });

  test.each([
    ['RESOURCE_EXHAUSTED', 'overloaded', /iam-admin\/quotas.*training\.strategy: spot/],
    ['PERMISSION_DENIED', 'config-invalid', /roles\/aiplatform\.user/],
    ['NOT_FOUND', 'not-found', /google\.region/],
    ['INVALID_ARGUMENT', 'config-invalid', /not every machine type takes every accelerator/],
    ['FAILED_PRECONDITION', 'config-invalid', /aiplatform\.googleapis\.com/],
  ] as const)(
    'a refusal says what to do, and the next try waits for nothing: %s',
    async (refusal, code, remedy) => {
      const message = 'Quota exceeded for aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus';
      server.faults.push({ method: 'CreateCustomJob', code: refusal, message });
      const error = await train().catch((thrown: unknown) => thrown as TitrateError);
      expect(error).toMatchObject({ code, message: expect.stringMatching(remedy) });
      expect((error as TitrateError).message).toContain(message);
      expect(server.jobs).toEqual([]);
      // An hour would be the patience, were the claim still open.
      expect(await train({ patienceSeconds: 3600 })).toMatchObject({ value: OUTPUT });
    },
  );

  test('an accelerator that Vertex AI does not know is refused before anything is created', async () => {
    const machine = { ...plainOptions().vertex.machine, acceleratorType: 'NVIDIA_TESLA_T44' };
    const { vertex } = plainOptions({ machine });
    await expect(train({ vertex })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('NVIDIA_TESLA_T4,'),
    });
    expect(server.calls.CreateCustomJob).toBeUndefined();
  });

  test("a job's failure is the error of the code that ran in it", async () => {
    server.onCreate = async (job) => {
      const error = new TitrateError('numerical', {
        what: 'the kernel is not positive definite',
        where: 'fold 3',
        remedy: 'Look for duplicates',
      });
      await recordFailure(store.objects, hash, argumentsOf(job).claim, error);
      job.error = { code: 9, message: 'The replica workerpool0-0 exited with a non-zero status of 1.' };
      job.state = 'JOB_STATE_FAILED';
    };
    const error = await train().catch((thrown: unknown) => thrown as TitrateError);
    expect(error).toMatchObject({ code: 'numerical', retryable: false });
    expect((error as TitrateError).message).toMatch(
      /^fold 3: the kernel is not positive definite\. Look for duplicates\. The job's log: https:/,
    );
    // Mended, it is another job.
    server.onCreate = (job) => record(job);
    expect(await train()).toMatchObject({ value: OUTPUT });
    expect(server.jobs.map(({ labels }) => labels.titrate_claim)).toEqual(['1', '2']);
  });

  test.each([
    ['Quota limit custom_model_training_nvidia_t4_gpus exceeded', 'overloaded', /ask for more of the quota/],
    [
      'ZONE_RESOURCE_POOL_EXHAUSTED: insufficient resources',
      'unavailable',
      /no such machines in europe-west4/,
    ],
    ['Internal error occurred', 'unavailable', /Look at its log/],
    ['The image cannot be pulled', 'internal', /Look at its log/],
  ])('a job that fails before our code runs says why: %s', async (message, code, remedy) => {
    server.onCreate = (job) => {
      job.error = { code: 8, message };
      job.state = 'JOB_STATE_FAILED';
    };
    const error = await train().catch((thrown: unknown) => thrown as TitrateError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(remedy) });
    expect((error as TitrateError).message).toContain(message);
  });

  test('a job that says it succeeded, and has recorded nothing, is not believed', async () => {
    server.onCreate = (job) => {
      job.state = 'JOB_STATE_SUCCEEDED';
    };
    await expect(train()).rejects.toMatchObject({ code: 'runtime-mismatch' });
  });

  test('the doctor sees whether jobs can be listed', async () => {
    const check = LOCAL_CHECKS.find(({ name }) => name === 'training')!;
    const settings = loadSettings(
      {
        google: { project: PROJECT, region: REGION },
        objects: { store: 'gcs', bucket: 'b' },
        training: { engine: 'vertex', image: IMAGE, endpoint: server.endpoint },
      },
      {},
    );
    expect(await check.run(settings)).toMatchObject({
      verdict: 'ok',
      found: 'Vertex AI, europe-west4, n1-standard-8 with 1 NVIDIA_TESLA_T4, from 5000 labels',
    });
    server.faults.push({ method: 'ListCustomJobs', code: 'PERMISSION_DENIED', message: 'denied' });
    const refused = await check.run(settings);
    expect(refused).toMatchObject({
      verdict: 'fail',
      remedy: expect.stringMatching(/roles\/aiplatform\.user/),
    });
    expect(await check.run(loadSettings({}, {}))).toEqual({ verdict: 'ok', found: 'on this machine' });
  });

  test('the runtime of an image on a machine is asked for once, of the machine', async () => {
    const runtime = {
      backend: 'tensorflow-gpu',
      backendVersion: '2.15.1',
      cpu: 'x64',
      memberThreads: 1,
      node: '22',
    };
    server.onCreate = async (job) => {
      const { task, step, key } = await readJobRequest(store.objects, argumentsOf(job).request);
      expect(task).toBe('describeRuntime');
      await createStepCache(store.objects).run(step, key, async () => runtime);
      job.state = 'JOB_STATE_SUCCEEDED';
    };
    const describe = async (machine = plainOptions().vertex.machine) => {
      const { objects } = store;
      const options = { ...plainOptions({ machine }), objects, steps: createStepCache(objects) };
      const training = createVertexTraining(options);
      const found = await training.runtime(here, { labels: 9000 });
      await training.close();
      return found;
    };
    expect(await describe()).toEqual(runtime);
    expect(await describe()).toEqual(runtime);
    expect(server.jobs).toHaveLength(1);
    await describe({ ...plainOptions().vertex.machine, machineType: 'a2-highgpu-1g' });
    expect(server.jobs).toHaveLength(2);
  });
});
