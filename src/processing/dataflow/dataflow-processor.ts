import { setTimeout as sleep } from 'node:timers/promises';
import { MEDIA_TYPES, STEPS, TitrateError, type ArtifactRef, type StandardisedPart } from '../../contracts';
import { stepHash, type ObjectStore, type StepCache } from '../../objects';
import { PART_ROWS, type BulkProcessor, type BulkProgress } from '../bulk-processor';
import { cancelled, orCancelled } from '../concurrency';
import { writeFrame } from '../frames';
import { createRecordReader } from '../record-reader';
import { standardiseSource, type OpenRecords } from '../standardise-source';
import { partJobOf, type FramedPart, type PartManifest } from '../standardiser-protocol';
import { partKey, sourceKey, type StandardiseInputs } from '../step-keys';
import { jobFailure } from './job-errors';
import {
  createDataflowJobs,
  isEnding,
  isFinal,
  type DataflowJob,
  type DataflowJobs,
  type DataflowOptions,
} from './jobs';

export interface DataflowProcessorOptions {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  /** The same store as a uri, `gs://bucket/prefix`: the job's workers open it themselves. */
  readonly storeUri: string;
  /** RDKit's version here; the job's image must have the same one. */
  readonly chemistryVersion: string | (() => Promise<string>);
  readonly dataflow: DataflowOptions;
  /** Between two looks at the job, seconds. Default 15. */
  readonly pollSeconds?: number;
  /**
   * Whether the job is to go on when `signal` fires, by the signal's reason: when this process only shuts down, the retry finds
   * the job. Default: it is cancelled.
   */
  readonly keepJobOn?: (reason: unknown) => boolean;
  /** Records a part; takes part in the keys. Default PART_ROWS. */
  readonly partRows?: number;
}

const DEFAULT_POLL_SECONDS = 15;
/** Parts looked up at once, while a job runs. */
const LOOKUPS_AT_ONCE = 16;
/** Enough of the hash that no two sources share a name; a job's name is also a label, of 63 characters at most. */
const NAME_HASH_DIGITS = 32;

/**
 * Standardises on Google Cloud Dataflow. The source is framed here: the records of each part that is not recorded yet go into the
 * temporary area of the object store. A job of the template in infra/dataflow gives the parts to its workers, which store and record
 * them under the same keys as the inline processor; what is recorded is the result, and is verified part by part.
 *
 * The job's name comes from the source's step hash: a retry finds the job that is running, and needs no second one.
 */
export function createDataflowProcessor(options: DataflowProcessorOptions): BulkProcessor {
  const { objects, steps, chemistryVersion, partRows = PART_ROWS } = options;
  const jobs = createDataflowJobs(options.dataflow);
  return {
    kind: 'dataflow',
    async standardise(request, { signal, onProgress } = {}) {
      const rdkit = typeof chemistryVersion === 'string' ? chemistryVersion : await chemistryVersion();
      return standardiseSource({ objects, steps, rdkit, partRows, signal }, request, (inputs, open) =>
        new DataflowRun(options, jobs, inputs, request.landed.raw, signal, onProgress).parts(open),
      );
    },
    close: () => jobs.close(),
  };
}

/** A part of the source: recorded, or still to be recorded by the job. */
interface PartState {
  readonly part: number;
  framed?: FramedPart;
  output?: StandardisedPart;
}

const notRecorded = () => new TitrateError('cancelled', { what: 'the part is not recorded' });

class DataflowRun {
  private readonly states: PartState[] = [];

  constructor(
    private readonly options: DataflowProcessorOptions,
    private readonly jobs: DataflowJobs,
    private readonly inputs: StandardiseInputs,
    private readonly raw: ArtifactRef,
    private readonly signal: AbortSignal | undefined,
    private readonly onProgress: ((progress: BulkProgress) => void) | undefined,
  ) {}

  async parts(open: OpenRecords): Promise<StandardisedPart[]> {
    await this.frame(open);
    if (this.states.some(({ output }) => !output)) await this.runJob();
    return this.states.map((state) => verified(state, this.inputs.source.uri));
  }

  /** The recorded output of a part; null when there is none. Nothing is computed, and nothing recorded. */
  private async recorded(part: number): Promise<StandardisedPart | null> {
    try {
      const key = partKey(this.inputs, part);
      // As a cancellation: whoever waits for this look-up must not take it for the part's failure.
      const outcome = await this.options.steps.run(STEPS.standardisePart, key, () =>
        Promise.reject(notRecorded()),
      );
      return outcome.value;
    } catch (error) {
      if (error instanceof TitrateError && error.code === 'cancelled') return null;
      throw error;
    }
  }

  private async frame(open: OpenRecords): Promise<void> {
    const { options, inputs, signal } = this;
    const where = inputs.source.uri;
    let bytes: number | undefined;
    const reader = createRecordReader(open((position) => (bytes = position)));
    try {
      for (let part = 0; !(await orCancelled(reader.atEnd(), signal, where)); part++) {
        const state: PartState = { part, output: (await this.recorded(part)) ?? undefined };
        if (state.output) {
          await orCancelled(reader.skip(inputs.partRows), signal, where);
        } else {
          const frame = await orCancelled(
            writeFrame(options.objects, reader, inputs.partRows),
            signal,
            where,
          );
          state.framed = { part, ...frame };
        }
        this.states.push(state);
        this.report({ state: 'FRAMING', bytes, totalBytes: this.raw.bytes });
      }
    } finally {
      reader.close();
    }
  }

  private async runJob(): Promise<void> {
    const { options, jobs, inputs, signal } = this;
    const name = `titrate-standardise-${stepHash(STEPS.standardiseSource, sourceKey(inputs)).slice(0, NAME_HASH_DIGITS)}`;
    let job = await this.findOrLaunch(name);
    try {
      for (;;) {
        await this.lookUp();
        this.report({ state: job.state, job: job.id });
        if (this.states.every(({ output }) => output)) return;
        if (isFinal(job)) break;
        if (signal?.aborted) throw cancelled(inputs.source.uri);
        const pause = (options.pollSeconds ?? DEFAULT_POLL_SECONDS) * 1000;
        await sleep(pause, undefined, { signal }).catch(() => undefined);
        if (signal?.aborted) throw cancelled(inputs.source.uri);
        job = await orCancelled(jobs.get(job.id), signal, inputs.source.uri);
      }
    } catch (error) {
      if (signal?.aborted && !options.keepJobOn?.(signal.reason)) await jobs.cancel(job.id);
      throw error;
    }
    await this.refuse(job);
  }

  private async findOrLaunch(name: string): Promise<DataflowJob> {
    const { options, jobs, inputs, signal } = this;
    const parts = this.states.flatMap(({ framed }) => framed ?? []);
    const active = async () => {
      for (;;) {
        const found = await jobs.find(name);
        if (!found || isFinal(found)) return null;
        // One that is on its way out does no more parts, and keeps its name until it is gone.
        if (!isEnding(found)) return found;
        this.report({ state: found.state, job: found.id });
        await sleep((options.pollSeconds ?? DEFAULT_POLL_SECONDS) * 1000, undefined, { signal }).catch(
          () => undefined,
        );
        if (signal?.aborted) throw cancelled(inputs.source.uri);
      }
    };
    const running = await active();
    if (running) return running;

    // A job of this name that has ended left parts undone: it failed, was cancelled, or they were pruned since.
    const content: PartManifest = { job: partJobOf(inputs, STEPS.standardisePart.version), parts };
    const body = Buffer.from(JSON.stringify(content));
    const manifest = await options.objects.put(body, MEDIA_TYPES.json);
    const uri = options.objects.externalUri(manifest.sha256);
    if (uri === null) {
      throw new TitrateError('config-invalid', {
        what: 'Dataflow cannot read the object store of this machine',
        where: inputs.source.uri,
        remedy: 'Use an object store on Google Cloud Storage, or the bulk processor `inline`',
      });
    }
    const launched = await jobs.launch(name, {
      manifest: uri,
      store: options.storeUri,
      result: `${options.dataflow.stagingLocation}/results/${name}.json`,
    });
    const job = launched ?? (await active());
    if (job) return job;
    throw new TitrateError('unavailable', {
      what: 'a job of this name is active, says the launch, and cannot be found',
      where: `Dataflow job '${name}'`,
      remedy: 'Try again in a minute',
    });
  }

  /** Takes note of parts that have been recorded since. */
  private async lookUp(): Promise<void> {
    const open = this.states.filter(({ output }) => !output);
    for (let at = 0; at < open.length; at += LOOKUPS_AT_ONCE) {
      const some = open.slice(at, at + LOOKUPS_AT_ONCE);
      await Promise.all(
        some.map(async (state) => (state.output = (await this.recorded(state.part)) ?? undefined)),
      );
    }
  }

  /** Of a job that has ended without all parts. @throws always */
  private async refuse(job: DataflowJob): Promise<never> {
    const { jobs, inputs } = this;
    const where = `${inputs.source.uri}, Dataflow job ${job.id}`;
    const link = jobs.consoleLink(job.id);
    if (job.state === 'JOB_STATE_FAILED') throw jobFailure(await jobs.errors(job.id), where, link);
    const missing = this.states.filter(({ output }) => !output).map(({ part }) => part);
    throw new TitrateError(job.state === 'JOB_STATE_CANCELLED' ? 'unavailable' : 'internal', {
      what: `the job ended as ${job.state}, and ${missing.length} of ${this.states.length} parts are not recorded (the first: ${missing[0]})`,
      where,
      remedy: `Look at ${link} and ingest again: parts that are done stay done`,
    });
  }

  private report(progress: Omit<BulkProgress, 'rows'>): void {
    const rows = this.states.reduce((sum, { output }) => sum + (output ? rowsOf(output) : 0), 0);
    this.onProgress?.({ rows, ...progress });
  }
}

const rowsOf = ({ accepted, quarantined }: StandardisedPart) => accepted + quarantined;

/** Every record that was framed came back, accepted or quarantined. */
function verified({ part, framed, output }: PartState, where: string): StandardisedPart {
  if (output && (!framed || rowsOf(output) === framed.records)) return output;
  throw new TitrateError('internal', {
    what: output
      ? `part ${part} has ${framed!.records} records, and ${rowsOf(output)} of them came back`
      : `part ${part} did not come back`,
    where,
  });
}
