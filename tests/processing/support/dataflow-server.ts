import path from 'node:path';
import { Server, ServerCredentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/**
 * A server of the Dataflow API made from the protos that @google-cloud/dataflow publishes. It holds jobs in memory and keeps to what
 * the protos say of names and states (one active job a name; final states stay). It checks transport and the shape of messages, and says
 * nothing of how Google's service behaves.
 */
export interface DataflowServer {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  readonly jobs: ServerJob[];
  /** Every LaunchFlexTemplateRequest, as it came over the wire. */
  readonly launches: LaunchRequest[];
  /** Calls by method name. */
  readonly calls: Record<string, number>;
  /** Runs when a job has been launched; what workers would do. */
  onLaunch: (job: ServerJob) => void | Promise<void>;
  /** The next call of a method fails so, once for each entry. `lost`: the work is done and only the answer is not given. */
  readonly faults: { method: string; code: keyof typeof status; message: string; lost?: boolean }[];
  /** This many listings of jobs are empty, as if they lagged behind. */
  listingsBehind: number;
  stop(): Promise<void>;
}

export interface ServerJob {
  readonly id: string;
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly createTime: { seconds: number };
  currentState: string;
  readonly messages: { messageText: string; messageImportance: string }[];
}

export interface LaunchRequest {
  readonly projectId: string;
  readonly location: string;
  readonly launchParameter: {
    readonly jobName: string;
    readonly containerSpecGcsPath: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly environment: Readonly<Record<string, unknown>>;
  };
}

const FINAL = /_(DONE|FAILED|CANCELLED|UPDATED|DRAINED)$/;
const IMPORTANCE = ['UNKNOWN', 'DEBUG', 'DETAILED', 'BASIC', 'WARNING', 'ERROR'].map(
  (word) => `JOB_MESSAGE_${word}`,
);
/** Small pages, so that the client has to turn them. */
const PAGE = 2;

interface Call<Request> {
  readonly request: Request;
}
type Reply = (error: { code: number; details: string } | null, response?: unknown) => void;

const failure = (code: keyof typeof status, details: string) => ({ code: status[code], details });

function services() {
  const folderOf = (name: string) => path.join(path.dirname(require.resolve(name)), '..');
  const definition = loadSync(
    ['jobs', 'messages', 'templates'].map((file) => `google/dataflow/v1beta3/${file}.proto`),
    {
      includeDirs: [
        path.join(folderOf('@google-cloud/dataflow'), 'protos'),
        path.join(folderOf('google-gax'), 'protos'),
      ],
      longs: Number,
      enums: String,
      defaults: true,
    },
  );
  const service = (name: string) =>
    definition[`google.dataflow.v1beta3.${name}`] as unknown as ServiceDefinition;
  return {
    jobs: service('JobsV1Beta3'),
    messages: service('MessagesV1Beta3'),
    templates: service('FlexTemplatesService'),
  };
}

export async function startDataflowServer(project: string, region: string): Promise<DataflowServer> {
  const server = new Server();
  const state: Omit<DataflowServer, 'endpoint' | 'stop'> = {
    jobs: [],
    launches: [],
    calls: {},
    faults: [],
    listingsBehind: 0,
    onLaunch: () => undefined,
  };

  /** Counts, injects faults, checks project and region, answers. */
  const method =
    <Request extends { projectId: string; location: string }>(
      name: string,
      work: (request: Request) => unknown,
    ) =>
    ({ request }: Call<Request>, reply: Reply) => {
      state.calls[name] = (state.calls[name] ?? 0) + 1;
      const at = state.faults.findIndex((fault) => fault.method === name);
      const fault = at < 0 ? undefined : state.faults.splice(at, 1)[0]!;
      if (fault && !fault.lost) return reply(failure(fault.code, fault.message));
      if (request.projectId !== project || request.location !== region)
        return reply(failure('PERMISSION_DENIED', `no access to ${request.projectId}/${request.location}`));
      try {
        const response = work(request);
        reply(fault ? failure(fault.code, fault.message) : null, response);
      } catch (error) {
        reply(error as { code: number; details: string });
      }
    };

  const jobOf = (id: string) => {
    const job = state.jobs.find((each) => each.id === id);
    if (!job) throw failure('NOT_FOUND', `job ${id} is not there`);
    return job;
  };
  const page = <T>(items: readonly T[], token: string) => {
    const from = token === '' ? 0 : Number(token);
    const next = from + PAGE < items.length ? String(from + PAGE) : '';
    return { items: items.slice(from, from + PAGE), nextPageToken: next };
  };
  const described = ({ id, name, currentState, createTime }: ServerJob) => ({
    id,
    projectId: project,
    name,
    currentState,
    createTime,
  });

  const { jobs, messages, templates } = services();
  server.addService(templates, {
    LaunchFlexTemplate: method('LaunchFlexTemplate', (request: LaunchRequest) => {
      const { jobName, containerSpecGcsPath, parameters } = request.launchParameter;
      if (!/^[a-z]([-a-z0-9]{0,1022}[a-z0-9])?$/.test(jobName))
        throw failure('INVALID_ARGUMENT', `'${jobName}' is not a job name`);
      if (!containerSpecGcsPath.startsWith('gs://')) throw failure('INVALID_ARGUMENT', 'no template');
      state.launches.push(request);
      if (state.jobs.some((job) => job.name === jobName && !FINAL.test(job.currentState)))
        throw failure('ALREADY_EXISTS', `There is already an active job named ${jobName}.`);
      const number = state.jobs.length + 1;
      const job: ServerJob = {
        id: `2026-11-24_00_00_00-${number}`,
        name: jobName,
        parameters,
        createTime: { seconds: 1_000 + number },
        currentState: 'JOB_STATE_QUEUED',
        messages: [],
      };
      state.jobs.push(job);
      void Promise.resolve(state.onLaunch(job)).catch((error: Error) => {
        job.messages.push({ messageText: error.message, messageImportance: 'JOB_MESSAGE_ERROR' });
        job.currentState = 'JOB_STATE_FAILED';
      });
      return { job: described(job) };
    }),
  });
  server.addService(jobs, {
    GetJob: method('GetJob', (request: { jobId: string } & LaunchRequest) => described(jobOf(request.jobId))),
    ListJobs: method('ListJobs', (request: { name: string; pageToken: string } & LaunchRequest) => {
      if (state.listingsBehind > 0) {
        state.listingsBehind--;
        return { jobs: [] };
      }
      const found = state.jobs.filter((job) => !request.name || job.name === request.name);
      const { items, nextPageToken } = page(found, request.pageToken);
      return { jobs: items.map(described), nextPageToken };
    }),
    UpdateJob: method(
      'UpdateJob',
      (request: { jobId: string; job: { requestedState: string } } & LaunchRequest) => {
        const job = jobOf(request.jobId);
        if (FINAL.test(job.currentState)) throw failure('FAILED_PRECONDITION', 'the job has ended');
        job.currentState = request.job.requestedState;
        return described(job);
      },
    ),
  });
  server.addService(messages, {
    ListJobMessages: method(
      'ListJobMessages',
      (request: { jobId: string; minimumImportance: string; pageToken: string } & LaunchRequest) => {
        const least = IMPORTANCE.indexOf(request.minimumImportance);
        const all = jobOf(request.jobId).messages.filter(
          ({ messageImportance }) => IMPORTANCE.indexOf(messageImportance) >= least,
        );
        const { items, nextPageToken } = page(all, request.pageToken);
        return { jobMessages: items, nextPageToken };
      },
    ),
  });

  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return Object.assign(state, {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      server.forceShutdown();
    },
  });
}
