import { createStepCache } from '../../src/objects';
import { createVertexTraining, readJobRequest, type TrainingWork } from '../../src/training';
import { temporaryStore } from '../processing/support/processing';
import { startJobServer, type JobServer, type ServerJob } from './support/job-server';

const METHODS = ['ListCustomJobs', 'CreateCustomJob', 'GetCustomJob'] as const;
/** What passes, or may have been carried out all the same. */
const CODES = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'ABORTED', 'ALREADY_EXISTS'] as const;
const FAULTS = METHODS.flatMap((method) =>
  CODES.filter((code) => code !== 'ALREADY_EXISTS' || method === 'CreateCustomJob').flatMap((code) =>
    [true, false].map((lost) => [method, code, lost] as const),
  ),
);

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('one training job whatever goes wrong, against a server made from the published protos', () => {
  let server: JobServer;
  let store: ReturnType<typeof temporaryStore>;
  beforeAll(async () => {
    server = await startJobServer('a-project', 'europe-west4');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    store = temporaryStore();
    server.jobs.length = 0;
    server.faults.length = 0;
    server.onCreate = record;
  });
  afterEach(() => store.remove());

  const work: TrainingWork = {
    task: 'trainModel',
    step: { name: 'train-model', version: 1 },
    key: { inputs: { training: 'f'.repeat(64) }, parameters: { members: 5 }, seed: 7 },
    request: { choice: 'this one' },
    labels: 9000,
  };

  /** What the container of a job does; the service has it run for one look. */
  async function record(job: ServerJob): Promise<void> {
    const { args } = job.jobSpec.workerPoolSpecs[0]!.containerSpec;
    const { step, key, request } = await readJobRequest(store.objects, args[1]!);
    await createStepCache(store.objects).run(step, key, async () => ({ trained: request }));
    job.state = 'JOB_STATE_SUCCEEDED';
  }

  async function train() {
    const { objects } = store;
    const training = createVertexTraining({
      objects,
      steps: createStepCache(objects),
      environment: {},
      pollSeconds: 0.02,
      patienceSeconds: 0.3,
      vertex: {
        projectId: 'a-project',
        region: 'europe-west4',
        endpoint: server.endpoint,
        machine: { image: 'pkg.dev/a/training@sha256:0', machineType: 'n1-standard-8', acceleratorCount: 0 },
        strategy: 'standard',
        timeoutHours: 6,
        labels: {},
      },
    });
    try {
      return await training.run(work, () => Promise.reject(new Error('computed in this process')));
    } finally {
      await training.close();
    }
  }

  test.each(FAULTS)('%s answers %s (done all the same: %s)', async (method, code, lost) => {
    // Listings lag behind what was made, as they may.
    server.onCreate = (job) => {
      server.listingsBehind = 2;
      return record(job);
    };
    server.faults.push({ method, code, message: 'fault', lost });
    expect(await train()).toMatchObject({ value: { trained: work.request } });
    expect(server.jobs).toHaveLength(1);
    expect(server.faults).toEqual([]);
  });

  test('a quota that is used up is told, and has made nothing; when there is room again one job is made', async () => {
    server.faults.push({ method: 'CreateCustomJob', code: 'RESOURCE_EXHAUSTED', message: 'T4 per region' });
    await expect(train()).rejects.toMatchObject({ code: 'overloaded' });
    expect(server.jobs).toEqual([]);
    await train();
    expect(server.jobs).toHaveLength(1);
  });
});
