import { Readable } from 'node:stream';
import {
  ERROR_KINDS,
  MEDIA_TYPES,
  TitrateError,
  type ErrorCode,
  type ErrorParts,
  type StepDefinition,
} from '../contracts';
import type { ObjectStore, StepKey } from '../objects';
import type { TrainingTask } from './training';

/** What a training job is told: which task to run with which argument, and what it must record. An artifact of the object store. */
export interface JobRequest {
  readonly task: TrainingTask | 'describeRuntime';
  readonly step: StepDefinition;
  /** `stepHash` of the step and its key: a job of another release would record its output elsewhere. */
  readonly hash: string;
  readonly key: StepKey;
  readonly request: unknown;
}

/**
 * Name and version of the step that records which runtime a kind of machine with a certain image is. It is no step of a campaign: the
 * image's digest, which is part of the key, stands for its source.
 */
export const RUNTIME_STEP: StepDefinition = { name: 'training-runtime', version: 1 };

/** Puts it into the temporary area, where nobody has to clear it away. @returns its sha256. */
export async function writeJobRequest(objects: ObjectStore, request: JobRequest): Promise<string> {
  const body = Buffer.from(JSON.stringify(request));
  return (await objects.land(Readable.from([body]), MEDIA_TYPES.json)).sha256;
}

export async function readJobRequest(objects: ObjectStore, sha256: string): Promise<JobRequest> {
  return JSON.parse((await objects.get({ sha256 })).toString('utf8')) as JobRequest;
}

/** Record prefix of everything about the jobs of a step. */
export const jobRecords = (hash: string): string => `training-jobs/${hash}`;
const failureRecord = (hash: string, claim: number) => `${jobRecords(hash)}/failures/${claim}`;

interface FailureRecord {
  readonly code: ErrorCode;
  readonly parts: ErrorParts;
}

/** Leaves word of why a job failed; the first failure of a job stands. */
export async function recordFailure(
  objects: ObjectStore,
  hash: string,
  claim: number,
  { code, parts }: TitrateError,
): Promise<void> {
  const record: FailureRecord = { code, parts };
  await objects.createRecord(failureRecord(hash, claim), Buffer.from(JSON.stringify(record)));
}

/** Why a job failed, in its own words; null when it left none. @param link where its log is */
export async function recordedFailure(
  objects: ObjectStore,
  hash: string,
  claim: number,
  link: string,
): Promise<TitrateError | null> {
  const bytes = await objects.readRecord(failureRecord(hash, claim));
  if (bytes === null) return null;
  const { code, parts } = JSON.parse(bytes.toString('utf8')) as FailureRecord;
  const remedy = [parts.remedy, `The job's log: ${link}`].filter(Boolean).join('. ');
  // An image of another release may know codes that this one does not.
  return new TitrateError(code in ERROR_KINDS ? code : 'internal', { ...parts, remedy });
}
