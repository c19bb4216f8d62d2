import type { protos } from '@google-cloud/aiplatform';
import { TitrateError } from '../../contracts';
import {
  BY_PAGES,
  CREATE_DEADLINE_MS,
  vertexConnection,
  type VertexConnection,
  type VertexPlace,
} from './service';

/** The machine of a job. */
export interface JobMachine {
  /** The image by its digest: `region-docker.pkg.dev/…@sha256:…`. */
  readonly image: string;
  /** e.g. `n1-standard-8` */
  readonly machineType: string;
  /** Name in google/cloud/aiplatform/v1/accelerator_type.proto, e.g. `NVIDIA_TESLA_T4`. */
  readonly acceleratorType?: string;
  /** 0: no accelerator. */
  readonly acceleratorCount: number;
}

export interface JobsOptions extends VertexPlace {
  readonly machine: JobMachine;
  /** How machines are had: at once, cheaper and taken away at times, or when there are some. */
  readonly strategy: 'standard' | 'spot' | 'flex-start';
  /** A job that runs longer is ended, hours. */
  readonly timeoutHours: number;
  readonly serviceAccountEmail?: string;
  /** `projects/NUMBER/global/networks/NAME` of a peered network. */
  readonly network?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface CustomJob {
  /** `projects/…/customJobs/123` */
  readonly name: string;
  /** `JOB_STATE_RUNNING`, … as in google/cloud/aiplatform/v1/job_state.proto. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** ms since the epoch */
  readonly created: number;
  /** What the service says of a failure. */
  readonly error?: string;
}

export interface JobTask {
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const FINAL_STATES = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED', 'PARTIALLY_SUCCEEDED'].map(
  (state) => `JOB_STATE_${state}`,
);
export const isFinal = ({ state }: CustomJob): boolean => FINAL_STATES.includes(state);
/** Told to end, and not gone yet. */
export const isEnding = ({ state }: CustomJob): boolean => state === 'JOB_STATE_CANCELLING';

/** The custom jobs of one project and region, on machines of one kind. `create` throws what the client does, all else TitrateError. */
export interface CustomJobs {
  /** Every job with the label, oldest first. */
  list(label: string, value: string): Promise<CustomJob[]>;
  create(task: JobTask): Promise<CustomJob>;
  get(name: string): Promise<CustomJob>;
  /** Asks for the job's end; one that has ended already stays as it is. */
  cancel(name: string): Promise<void>;
  consoleLink(name: string): string;
  explain(error: unknown, doing: string): TitrateError;
  close(): Promise<void>;
}

type Job = protos.google.cloud.aiplatform.v1.ICustomJob;

async function loadClient(clientOptions: VertexConnection['clientOptions']) {
  const { v1, protos } = await import('@google-cloud/aiplatform');
  const { JobState, AcceleratorType } = protos.google.cloud.aiplatform.v1;
  return {
    jobs: new v1.JobServiceClient({ ...clientOptions }),
    states: JobState,
    accelerators: AcceleratorType,
  };
}

const STRATEGIES = { standard: 'STANDARD', spot: 'SPOT', 'flex-start': 'FLEX_START' } as const;
const HOUR_SECONDS = 3600;
/** How long a flex-start job waits for its machine before it fails, seconds: a day, as the activity that waits for it. */
const FLEX_START_WAIT_SECONDS = 24 * HOUR_SECONDS;

/** The client library is loaded, and credentials are looked for, on the first call. */
export function createCustomJobs(options: JobsOptions): CustomJobs {
  const { projectId, region, machine } = options;
  const { parent, where, clientOptions, explain, read } = vertexConnection(options);
  let loading: ReturnType<typeof loadClient> | undefined;
  const client = () => (loading ??= loadClient(clientOptions));

  async function described(job: Job): Promise<CustomJob> {
    if (!job.name)
      throw new TitrateError('unavailable', { what: 'the service answered without a job', where });
    const { states } = await client();
    const state = job.state ?? 0;
    const seconds = Number(job.createTime?.seconds ?? 0);
    return {
      name: job.name,
      state: typeof state === 'string' ? state : (states[state] ?? 'JOB_STATE_UNSPECIFIED'),
      labels: job.labels ?? {},
      created: seconds * 1000 + Number(job.createTime?.nanos ?? 0) / 1e6,
      error: job.error?.message ?? undefined,
    };
  }

  async function machineSpec() {
    const { machineType, acceleratorType, acceleratorCount } = machine;
    if (acceleratorCount === 0) return { machineType };
    const { accelerators } = await client();
    const type = accelerators[acceleratorType as keyof typeof accelerators];
    if (type === undefined) {
      throw new TitrateError('config-invalid', {
        what: `'${acceleratorType}' is no accelerator of Vertex AI`,
        where: 'training.acceleratorType',
        remedy: `Known: ${Object.keys(accelerators)
          .filter((name) => /NVIDIA/.test(name))
          .join(', ')}`,
      });
    }
    return { machineType, acceleratorType: type, acceleratorCount };
  }

  return {
    async list(label, value) {
      return read('looking for the job', where, async () => {
        const { jobs } = await client();
        const found: CustomJob[] = [];
        const request = { parent, filter: `labels.${label}=${value}` };
        for await (const job of jobs.listCustomJobsAsync(request, BY_PAGES)) {
          // The filter is the service's to honour.
          if (job.labels?.[label] === value) found.push(await described(job));
        }
        return found.sort((a, b) => a.created - b.created || (a.name < b.name ? -1 : 1));
      });
    },

    async create({ displayName, labels, command, args, environment }) {
      const { jobs } = await client();
      const customJob = {
        displayName,
        labels: { ...options.labels, ...labels },
        jobSpec: {
          workerPoolSpecs: [
            {
              machineSpec: await machineSpec(),
              replicaCount: 1,
              containerSpec: {
                imageUri: machine.image,
                command: [...command],
                args: [...args],
                env: Object.entries(environment).map(([name, value]) => ({ name, value })),
              },
            },
          ],
          scheduling: {
            timeout: { seconds: Math.round(options.timeoutHours * HOUR_SECONDS) },
            strategy: STRATEGIES[options.strategy],
            // A machine that is taken away: the job begins again on another, and finds what was recorded.
            restartJobOnWorkerRestart: options.strategy !== 'standard',
            ...(options.strategy === 'flex-start' && {
              maxWaitDuration: { seconds: FLEX_START_WAIT_SECONDS },
            }),
          },
          serviceAccount: options.serviceAccountEmail,
          network: options.network,
        },
      };
      const [job] = await jobs.createCustomJob({ parent, customJob }, { timeout: CREATE_DEADLINE_MS });
      return described(job);
    },

    async get(name) {
      return read('asking for the job', `${where}, ${name}`, async () => {
        const { jobs } = await client();
        const [job] = await jobs.getCustomJob({ name });
        return described(job);
      });
    },

    async cancel(name) {
      await read('cancelling the job', `${where}, ${name}`, async () => {
        const { jobs } = await client();
        const [job] = await jobs.getCustomJob({ name });
        if (isFinal(await described(job))) return;
        await jobs.cancelCustomJob({ name });
      });
    },

    consoleLink: (name) =>
      `https://console.cloud.google.com/vertex-ai/locations/${region}/training/${name.split('/').at(-1)}?project=${encodeURIComponent(projectId)}`,
    explain,

    async close() {
      if (loading) await (await loading).jobs.close();
    },
  };
}
