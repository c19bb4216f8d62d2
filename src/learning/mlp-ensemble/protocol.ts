import type { ErrorCode, ErrorParts } from '../../contracts';
import type { BackendChoice, BackendReport } from '../backends';
import type { FeatureRows, InputEncoding } from './inputs';
import type { MemberRequest, TrainedMember } from './train-member';

/** What a member thread is started with. */
export interface ThreadData {
  readonly backend: BackendChoice;
}

/** What a member thread can be asked, and what it answers. */
export interface Jobs {
  /** Which backend the thread runs on, and how many tensors it holds. */
  report: { request: object; answer: { report: BackendReport; tensors: number } };
  train: { request: MemberRequest; answer: TrainedMember & { report: BackendReport; seconds: number } };
  /** Puts members of a model on the backend, there to stay until `release`. Parameters are views of shared memory. */
  hold: {
    request: {
      model: string;
      encoding: InputEncoding;
      members: { member: number; parameters: Float32Array[]; shapes: number[][] }[];
    };
    answer: null;
  };
  /** Outputs [rows, 2] (mean, raw log variance) of each member asked for; null when the thread does not hold them all. */
  predict: {
    request: { model: string; members: number[]; features: FeatureRows };
    answer: Float32Array[] | null;
  };
  release: { request: { model: string }; answer: null };
}
export type JobKind = keyof Jobs;

/** `cancel[0]` becomes 1 when nobody wants the answer any more. */
export interface JobMessage<K extends JobKind = JobKind> {
  readonly id: number;
  readonly kind: K;
  readonly request: Jobs[K]['request'];
  readonly cancel: Int32Array;
}

export type ReplyMessage =
  | { readonly id: number; readonly answer: Jobs[JobKind]['answer'] }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly parts: ErrorParts } };
