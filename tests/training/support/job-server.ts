import { pageOf, Refusal, startVertexServer, type VertexServer } from './vertex-server';

/** A CustomJob as it came over the wire, with what the service adds. */
export interface ServerJob {
  readonly name: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createTime: { readonly seconds: number };
  readonly jobSpec: {
    readonly workerPoolSpecs: {
      readonly machineSpec: Readonly<Record<string, unknown>>;
      readonly replicaCount: number;
      readonly containerSpec: {
        readonly imageUri: string;
        readonly command: string[];
        readonly args: string[];
        readonly env: { name: string; value: string }[];
      };
    }[];
    readonly scheduling: Readonly<Record<string, unknown>>;
    readonly serviceAccount: string;
  };
  state: string;
  error?: { code: number; message: string };
}

export interface JobServer extends VertexServer {
  readonly jobs: ServerJob[];
  /** What the container does. */
  onCreate: (job: ServerJob) => void | Promise<void>;
  onCancel: (job: ServerJob) => void;
  /** This many listings are empty, as if they lagged behind. */
  listingsBehind: number;
}

const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;
const IMAGE = /^[a-z0-9.-]+\/.+/;

export async function startJobServer(project: string, region: string): Promise<JobServer> {
  const jobs: ServerJob[] = [];
  const jobOf = ({ name }: { name: string }) => {
    const job = jobs.find((each) => each.name === name);
    if (!job) throw new Refusal('NOT_FOUND', `${name} is not there`);
    return job;
  };
  const methods = {
    CreateCustomJob({ parent, customJob }: { parent: string; customJob: ServerJob }) {
      for (const [key, value] of Object.entries(customJob.labels))
        if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
          throw new Refusal('INVALID_ARGUMENT', `label ${key}=${value}`);
      const [pool] = customJob.jobSpec.workerPoolSpecs;
      if (!customJob.displayName || !pool || !IMAGE.test(pool.containerSpec.imageUri))
        throw new Refusal('INVALID_ARGUMENT', 'display name, worker pool and image are required');
      const number = jobs.length + 1;
      const job: ServerJob = {
        ...customJob,
        name: `${parent}/customJobs/${number}`,
        createTime: { seconds: 1000 + number },
        state: 'JOB_STATE_PENDING',
      };
      jobs.push(job);
      void Promise.resolve(server.onCreate(job)).catch((error: Error) => {
        job.error = { code: 13, message: error.message };
        job.state = 'JOB_STATE_FAILED';
      });
      return job;
    },
    GetCustomJob: (request: { name: string }) => jobOf(request),
    ListCustomJobs({ filter, pageToken }: { filter: string; pageToken: string }) {
      if (server.listingsBehind > 0) {
        server.listingsBehind--;
        return { customJobs: [] };
      }
      const [, key, value] = /^labels\.(\w+)=([\w-]+)$/.exec(filter) ?? [];
      if (!key) throw new Refusal('INVALID_ARGUMENT', `filter ${filter}`);
      const { items, nextPageToken } = pageOf(
        jobs.filter(({ labels }) => labels[key] === value),
        pageToken,
      );
      return { customJobs: items, nextPageToken };
    },
    CancelCustomJob(request: { name: string }) {
      const job = jobOf(request);
      if (/SUCCEEDED|FAILED|CANCELLED/.test(job.state))
        throw new Refusal('FAILED_PRECONDITION', `the job is ${job.state}`);
      job.state = 'JOB_STATE_CANCELLING';
      server.onCancel(job);
      return {};
    },
  };
  const plain = await startVertexServer(project, region, {
    'google/cloud/aiplatform/v1/job_service#google.cloud.aiplatform.v1.JobService': methods,
  });
  const server: JobServer = Object.assign(plain, {
    jobs,
    onCreate: () => undefined,
    onCancel: (job: ServerJob) => {
      job.state = 'JOB_STATE_CANCELLED';
    },
    listingsBehind: 0,
  });
  return server;
}
