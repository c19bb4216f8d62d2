import { STEPS, type StandardiseRequest } from '../../src/contracts';
import { createStepCache, type ObjectStore } from '../../src/objects';
import {
  createDataflowProcessor,
  createInlineProcessor,
  type BulkProgress,
  type DataflowProcessorOptions,
} from '../../src/processing';
import { Lanes } from '../../src/processing/concurrency';
import { readFrame } from '../../src/processing/frames';
import { createRecordReader } from '../../src/processing/record-reader';
import { standardisePart } from '../../src/processing/standardise-part';
import { inputsOf, type PartManifest } from '../../src/processing/standardiser-protocol';
import { startDataflowServer, type DataflowServer, type ServerJob } from './support/dataflow-server';
import { landText, PlainChemistry, readParts, smilesCsv, temporaryStore } from './support/processing';

const PROJECT = 'a-project';
const REGION = 'europe-west4';
const PART_ROWS = 10;

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('the Dataflow processor, against a server made from the published protos', () => {
  let server: DataflowServer;
  let store: ReturnType<typeof temporaryStore>;
  let objects: ObjectStore;
  let request: StandardiseRequest;
  const chemistry = new PlainChemistry();

  beforeEach(async () => {
    server = await startDataflowServer(PROJECT, REGION);
    store = temporaryStore();
    objects = { ...store.objects, externalUri: (sha256) => `gs://bucket/objects/${sha256}` };
    request = await landText(objects, smilesCsv(47));
    chemistry.molecules = 0;
    server.onLaunch = (job) => work(job);
  });
  afterEach(async () => {
    await server.stop();
    store.remove();
  });

  const options = (changes: Partial<DataflowProcessorOptions> = {}): DataflowProcessorOptions => ({
    objects,
    // A cache of its own: what another process would have.
    steps: createStepCache(objects),
    storeUri: 'gs://bucket',
    chemistryVersion: '2026.09.1',
    dataflow: {
      projectId: PROJECT,
      region: REGION,
      templatePath: 'gs://bucket/templates/standardiser.json',
      stagingLocation: 'gs://bucket/dataflow',
      serviceAccountEmail: 'workers@a-project.iam.gserviceaccount.com',
      maxWorkers: 7,
      machineType: 'n2-standard-4',
      labels: { campaign: 'esol-42' },
      endpoint: server.endpoint,
    },
    pollSeconds: 0.02,
    partRows: PART_ROWS,
    ...changes,
  });
  async function standardise(
    changes: Partial<DataflowProcessorOptions> = {},
    run: { signal?: AbortSignal; onProgress?: (progress: BulkProgress) => void } = {},
  ) {
    const processor = createDataflowProcessor(options(changes));
    try {
      return await processor.standardise(request, run);
    } finally {
      await processor.close();
    }
  }

  /** Does what the workers of a job do. @param upTo parts, then the job stays as it is */
  async function work(job: ServerJob, upTo = Infinity): Promise<void> {
    const sha256 = job.parameters.manifest!.split('/').at(-1)!;
    const { job: common, parts } = JSON.parse((await objects.get({ sha256 })).toString()) as PartManifest;
    const steps = createStepCache(objects);
    job.currentState = 'JOB_STATE_RUNNING';
    for (const part of parts.slice(0, upTo)) {
      const reader = createRecordReader(readFrame(objects, part));
      const context = { inputs: inputsOf(common), objects, steps, chemistry, lanes: new Lanes(2) };
      await standardisePart(context, part.part, reader, () => undefined);
    }
    if (upTo === Infinity) job.currentState = 'JOB_STATE_DONE';
  }

  test('gives exactly what the inline processor gives', async () => {
    const progress: BulkProgress[] = [];
    const outcome = await standardise({}, { onProgress: (each) => progress.push(each) });
    const other = temporaryStore();
    const inlineRequest = await landText(other.objects, smilesCsv(47));
    const inline = await createInlineProcessor({ ...other, chemistry, partRows: PART_ROWS }).standardise(
      inlineRequest,
    );
    other.remove();
    expect(outcome.value).toEqual(inline.value);
    expect(outcome).toMatchObject({ cached: false, value: { accepted: 41, quarantined: 6 } });
    expect((await readParts(objects, outcome.value.parts)).parts).toHaveLength(5);

    const { launchParameter } = server.launches[0]!;
    expect(launchParameter).toMatchObject({
      jobName: expect.stringMatching(/^titrate-standardise-[0-9a-f]{32}$/),
      containerSpecGcsPath: 'gs://bucket/templates/standardiser.json',
      parameters: {
        manifest: expect.stringMatching(/^gs:\/\/bucket\/objects\/[0-9a-f]{64}$/),
        store: 'gs://bucket',
        result: `gs://bucket/dataflow/results/${launchParameter.jobName}.json`,
      },
      environment: {
        maxWorkers: 7,
        machineType: 'n2-standard-4',
        serviceAccountEmail: 'workers@a-project.iam.gserviceaccount.com',
        stagingLocation: 'gs://bucket/dataflow/staging',
        tempLocation: 'gs://bucket/dataflow/temp',
        additionalUserLabels: { campaign: 'esol-42' },
      },
    });
    expect(progress[0]).toMatchObject({ rows: 0, state: 'FRAMING', totalBytes: request.landed.raw.bytes });
    expect(progress.at(-1)).toMatchObject({ rows: 47, job: server.jobs[0]!.id });
  });

  test('what is recorded needs no job', async () => {
    await standardise();
    const again = await standardise();
    expect(again.cached).toBe(true);
    expect(server.launches).toHaveLength(1);
  });

  test('a launcher that dies finds its job again, and a job has the missing parts only', async () => {
    server.onLaunch = (job) => work(job, 2);
    const stop = new AbortController();
    const dying = standardise(
      { keepJobOn: (reason) => reason === 'shutdown' },
      { signal: stop.signal, onProgress: ({ rows }) => rows >= 20 && stop.abort('shutdown') },
    );
    await expect(dying).rejects.toMatchObject({ code: 'cancelled' });
    const [job] = server.jobs;
    expect(job!.currentState).toBe('JOB_STATE_RUNNING');

    setTimeout(() => void work(job!), 100);
    const { value } = await standardise();
    expect(server.launches).toHaveLength(1);
    expect(value.accepted + value.quarantined).toBe(47);
  });

  test('a job that ended early is followed by another one, for what it left', async () => {
    server.onLaunch = async (job) => {
      await work(job, 3);
      job.currentState = 'JOB_STATE_CANCELLED';
    };
    await expect(standardise()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /ended as JOB_STATE_CANCELLED, and 2 of 5 parts.*console\.cloud\.google\.com\/dataflow/s,
      ),
    });
    server.onLaunch = (job) => work(job);
    const { value } = await standardise();
    expect(value.accepted + value.quarantined).toBe(47);
    expect(server.jobs.map((job) => job.name)).toEqual([server.jobs[0]!.name, server.jobs[0]!.name]);
    const manifest = await objects.get({ sha256: server.jobs[1]!.parameters.manifest!.split('/').at(-1)! });
    expect((JSON.parse(manifest.toString()) as PartManifest).parts.map(({ part }) => part)).toEqual([3, 4]);
  });

  test('a job on its way out is waited for, and followed by another one', async () => {
    server.onLaunch = (job) => work(job, 2);
    const stop = new AbortController();
    const onProgress = ({ rows }: BulkProgress) => rows >= 10 && stop.abort();
    await expect(standardise({}, { signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'cancelled',
    });
    server.jobs[0]!.currentState = 'JOB_STATE_CANCELLING';
    server.onLaunch = (job) => work(job);
    const seen: (string | undefined)[] = [];
    const again = standardise(
      {},
      {
        onProgress: ({ state }) => {
          seen.push(state);
          if (state === 'JOB_STATE_CANCELLING') server.jobs[0]!.currentState = 'JOB_STATE_CANCELLED';
        },
      },
    );
    const { value } = await again;
    expect(value.accepted + value.quarantined).toBe(47);
    expect(seen).toContain('JOB_STATE_CANCELLING');
    expect(server.jobs).toHaveLength(2);
  });

  test('is cancelled with the signal', async () => {
    server.onLaunch = (job) => work(job, 1);
    const stop = new AbortController();
    const work_ = standardise(
      {},
      { signal: stop.signal, onProgress: ({ rows }) => rows >= 10 && stop.abort() },
    );
    await expect(work_).rejects.toMatchObject({ code: 'cancelled' });
    expect(server.jobs.map((job) => job.currentState)).toEqual(['JOB_STATE_CANCELLED']);
  });

  test('a launch whose answer was lost has launched: the retry attaches to the job', async () => {
    server.faults.push({ method: 'LaunchFlexTemplate', code: 'UNAVAILABLE', message: 'reset', lost: true });
    await expect(standardise()).rejects.toMatchObject({ code: 'unavailable' });
    await standardise();
    expect(server.jobs).toHaveLength(1);
  });

  test('a launch that meets a job of its name attaches to it', async () => {
    server.onLaunch = (job) => work(job, 1);
    const stop = new AbortController();
    const onProgress = ({ rows }: BulkProgress) => rows >= 10 && stop.abort();
    const first = standardise({ keepJobOn: () => true }, { signal: stop.signal, onProgress });
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });

    server.listingsBehind = 1;
    setTimeout(() => void work(server.jobs[0]!), 50);
    await expect(standardise()).resolves.toMatchObject({ value: { accepted: 41 } });
    expect(server.calls.LaunchFlexTemplate).toBe(2);
    expect(server.jobs).toHaveLength(1);
  });

  test('trouble that passes is waited out while a job is watched', async () => {
    server.onLaunch = (job) => {
      for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED'] as const)
        server.faults.push({ method: 'GetJob', code, message: 'not now' });
      setTimeout(() => void work(job), 50);
    };
    await expect(standardise()).resolves.toMatchObject({ value: { accepted: 41 } });
    expect(server.calls.GetJob).toBeGreaterThan(3);
  });

  test.each([
    ['The container image does not exist', 'internal'],
    ['ZONE_RESOURCE_POOL_EXHAUSTED: no machines just now', 'unavailable'],
  ])('a job that fails is an error with its messages: %s', async (messageText, code) => {
    server.onLaunch = (job) => {
      job.messages.push(
        { messageText: 'Worker configuration: n2-standard-4', messageImportance: 'JOB_MESSAGE_BASIC' },
        { messageText: 'first', messageImportance: 'JOB_MESSAGE_ERROR' },
        { messageText: 'second', messageImportance: 'JOB_MESSAGE_ERROR' },
        { messageText, messageImportance: 'JOB_MESSAGE_ERROR' },
      );
      job.currentState = 'JOB_STATE_FAILED';
    };
    const error = (await standardise().catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(`first / second / ${messageText}`);
    expect(error.message).not.toContain('Worker configuration');
    expect(error.message).toContain(
      `https://console.cloud.google.com/dataflow/jobs/${REGION}/${server.jobs[0]!.id}?project=${PROJECT}`,
    );
  });

  test('a job that says it is done, and has left a part out, is not believed', async () => {
    server.onLaunch = async (job) => {
      await work(job, 4);
      job.currentState = 'JOB_STATE_DONE';
    };
    await expect(standardise()).rejects.toMatchObject({
      message: expect.stringContaining('1 of 5 parts are not recorded (the first: 4)'),
    });
  });

  test('a part that came back with fewer rows than were framed is not believed', async () => {
    server.onLaunch = async (job) => {
      const sha256 = job.parameters.manifest!.split('/').at(-1)!;
      const { job: common } = JSON.parse((await objects.get({ sha256 })).toString()) as PartManifest;
      const { partKey } = await import('../../src/processing/step-keys');
      const empty = await objects.put(Buffer.from(''), 'application/x-ndjson');
      const lie = { rows: empty, quarantine: empty, accepted: 3, quarantined: 0 };
      await createStepCache(objects).run(
        STEPS.standardisePart,
        partKey(inputsOf(common), 1),
        async () => lie,
      );
      await work(job);
    };
    await expect(standardise()).rejects.toMatchObject({
      message: expect.stringContaining('part 1 has 10 records, and 3 of them came back'),
    });
  });

  test.each([
    ['PERMISSION_DENIED', 'config-invalid', /roles\/dataflow\.developer/],
    ['NOT_FOUND', 'not-found', /path of the template/],
    ['INVALID_ARGUMENT', 'config-invalid', /infra\/dataflow\/README\.md/],
  ] as const)('a launch that is refused says what to do: %s', async (refusal, code, remedy) => {
    server.faults.push({ method: 'LaunchFlexTemplate', code: refusal, message: 'refused' });
    await expect(standardise()).rejects.toMatchObject({ code, message: expect.stringMatching(remedy) });
    expect(server.jobs).toEqual([]);
  });

  test('a store that Dataflow cannot read is refused before anything is launched', async () => {
    await expect(standardise({ objects: store.objects })).rejects.toMatchObject({ code: 'config-invalid' });
    expect(server.launches).toEqual([]);
  });
});
