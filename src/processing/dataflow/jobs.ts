import type { protos } from '@google-cloud/dataflow';
import { TitrateError } from '../../contracts';
import { gaxConnection, grpcRead, grpcStatus } from '../../foundation';
import { dataflowError } from './job-errors';

export interface DataflowOptions {
  readonly projectId: string;
  readonly region: string;
  /** The Flex Template's specification: `gs://bucket/path.json`. */
  readonly templatePath: string;
  /** Folder for what jobs stage and write, `gs://bucket/folder`. */
  readonly stagingLocation: string;
  readonly serviceAccountEmail?: string;
  readonly network?: string;
  readonly subnetwork?: string;
  readonly maxWorkers: number;
  readonly machineType: string;
  /** Image of the workers; by default the one the template was built with. */
  readonly workerImage?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `host:port` of another endpoint, by TLS; `http://host:port` without (a local server). */
  readonly endpoint?: string;
}

export interface DataflowJob {
  readonly id: string;
  readonly name: string;
  /** `JOB_STATE_RUNNING`, … as in google/dataflow/v1beta3/jobs.proto. */
  readonly state: string;
}

const FINAL_STATES = ['DONE', 'FAILED', 'CANCELLED', 'UPDATED', 'DRAINED'].map(
  (state) => `JOB_STATE_${state}`,
);
/** Told to end, and not gone yet. */
export const isEnding = ({ state }: DataflowJob): boolean =>
  state === 'JOB_STATE_CANCELLING' || state === 'JOB_STATE_DRAINING';
export const isFinal = ({ state }: DataflowJob): boolean => FINAL_STATES.includes(state);

/** The jobs of one project and region. Every method throws TitrateError: unavailable for what may pass, else config-invalid, not-found. */
export interface DataflowJobs {
  /** The active job of a name, else the one made last; null when there is none. */
  find(name: string): Promise<DataflowJob | null>;
  /** Launches the template. @returns null when a job of this name is active already. */
  launch(name: string, parameters: Readonly<Record<string, string>>): Promise<DataflowJob | null>;
  get(id: string): Promise<DataflowJob>;
  /** Asks for the job's end; one that has ended already stays as it is. */
  cancel(id: string): Promise<void>;
  /** Its messages of importance `error`, oldest first. */
  errors(id: string): Promise<string[]>;
  consoleLink(id: string): string;
  close(): Promise<void>;
}

type Job = protos.google.dataflow.v1beta3.IJob;

const MAX_MESSAGES = 100;
/** The async iterators of the client turn pages themselves, and warn unless told so. */
const BY_PAGES = { autoPaginate: false };

async function loadClients(options: DataflowOptions) {
  const dataflow = await import('@google-cloud/dataflow');
  const client = {
    projectId: options.projectId,
    ...gaxConnection('@google-cloud/dataflow', options.endpoint),
  };
  return {
    templates: new dataflow.FlexTemplatesServiceClient(client),
    jobs: new dataflow.JobsV1Beta3Client(client),
    messages: new dataflow.MessagesV1Beta3Client(client),
    states: dataflow.protos.google.dataflow.v1beta3.JobState,
  };
}

/** The client library is loaded, and credentials are looked for, on the first call. */
export function createDataflowJobs(options: DataflowOptions): DataflowJobs {
  const { projectId, region } = options;
  const place = `Dataflow, project '${projectId}', region '${region}'`;
  let loading: ReturnType<typeof loadClients> | undefined;
  const clients = () => (loading ??= loadClients(options));
  const scope = { projectId, location: region };

  const read = <T>(doing: string, where: string, call: () => Promise<T>): Promise<T> =>
    grpcRead(call, (error) => dataflowError(error, doing, where));

  async function described(job: Job | null | undefined, where: string): Promise<DataflowJob> {
    if (!job?.id) {
      throw new TitrateError('unavailable', { what: 'the service answered without a job', where });
    }
    const { states } = await clients();
    const state = job.currentState ?? 0;
    return {
      id: job.id,
      name: job.name ?? '',
      state: typeof state === 'string' ? state : (states[state] ?? 'JOB_STATE_UNKNOWN'),
    };
  }

  return {
    async find(name) {
      const where = `${place}, job '${name}'`;
      return read('looking for the job', where, async () => {
        const { jobs } = await clients();
        const found: { job: DataflowJob; created: number }[] = [];
        for await (const job of jobs.listJobsAsync({ ...scope, name, filter: 'ALL' }, BY_PAGES)) {
          // The filter by name is the service's to honour.
          if (job.name !== name) continue;
          const created = Number(job.createTime?.seconds ?? 0);
          found.push({ job: await described(job, where), created });
        }
        found.sort((a, b) => Number(isFinal(a.job)) - Number(isFinal(b.job)) || b.created - a.created);
        return found[0]?.job ?? null;
      });
    },

    async launch(name, parameters) {
      const where = `${place}, template '${options.templatePath}'`;
      const { templates } = await clients();
      try {
        const [response] = await templates.launchFlexTemplate({
          ...scope,
          launchParameter: {
            jobName: name,
            containerSpecGcsPath: options.templatePath,
            parameters: { ...parameters },
            environment: {
              maxWorkers: options.maxWorkers,
              machineType: options.machineType,
              stagingLocation: `${options.stagingLocation}/staging`,
              tempLocation: `${options.stagingLocation}/temp`,
              serviceAccountEmail: options.serviceAccountEmail,
              network: options.network,
              subnetwork: options.subnetwork,
              sdkContainerImage: options.workerImage,
              additionalUserLabels: { ...options.labels },
            },
          },
        });
        return await described(response.job, where);
      } catch (error) {
        if (grpcStatus(error) === 'alreadyExists') return null;
        throw dataflowError(error, 'launching the job', where);
      }
    },

    async get(id) {
      const where = `${place}, job ${id}`;
      return read('asking for the job', where, async () => {
        const { jobs } = await clients();
        const [job] = await jobs.getJob({ ...scope, jobId: id });
        return described(job, where);
      });
    },

    async cancel(id) {
      const where = `${place}, job ${id}`;
      await read('cancelling the job', where, async () => {
        const { jobs } = await clients();
        const [job] = await jobs.getJob({ ...scope, jobId: id });
        if (isFinal(await described(job, where))) return;
        await jobs.updateJob({ ...scope, jobId: id, job: { requestedState: 'JOB_STATE_CANCELLED' } });
      });
    },

    async errors(id) {
      return read('asking for the messages', `${place}, job ${id}`, async () => {
        const { messages } = await clients();
        const texts: string[] = [];
        const request = { ...scope, jobId: id, minimumImportance: 'JOB_MESSAGE_ERROR' as const };
        for await (const { messageText } of messages.listJobMessagesAsync(request, BY_PAGES)) {
          if (messageText) texts.push(messageText);
          if (texts.length > MAX_MESSAGES) texts.shift();
        }
        return texts;
      });
    },

    consoleLink: (id) =>
      `https://console.cloud.google.com/dataflow/jobs/${region}/${id}?project=${encodeURIComponent(projectId)}`,

    async close() {
      if (!loading) return;
      const { templates, jobs, messages } = await loading;
      await Promise.all([templates.close(), jobs.close(), messages.close()]);
    },
  };
}
