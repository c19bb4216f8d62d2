import type { ErrorCode, ErrorParts, LearningTask } from '../../contracts';
import type { BackendChoice, BackendReport } from '../backends';
import type { StandardLabels } from './hold-out';
import type { TargetScale } from './labels';
import type { Encoding, EnsembleSettings, FeatureRows } from './network-kind';

/** What a member thread is started with. */
export interface ThreadData {
  readonly backend: BackendChoice;
  /** For threads that start: see `selectBackend`. */
  readonly startCell: Int32Array;
}

/** One network to train. */
export interface MemberRequest {
  readonly settings: EnsembleSettings;
  readonly features: FeatureRows;
  readonly task: LearningTask;
  /** Standardised, one entry a property; see `standardiseAll`. */
  readonly labels: readonly StandardLabels[];
  /** The member's own seed. */
  readonly seed: number;
}

export interface TrainedMember {
  /** The same for every member of one fit. */
  readonly encoding: Encoding;
  /** Shapes of the plan's `parameterShapes`. */
  readonly parameters: Float32Array[];
  /** Classification: how outputs become logits, one entry a property; else empty. */
  readonly logitScales: readonly TargetScale[];
  /** From 1: the epoch whose weights these are. */
  readonly bestEpoch: number;
  /** Mean negative log likelihoods over that epoch, nats, of standardised targets, dropout on. */
  readonly trainingLoss: number;
  /** The same of the rows held out of the member's mean; 0 where there are none. */
  readonly heldOutLoss: number;
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
      settings: EnsembleSettings;
      encoding: Encoding;
      members: { member: number; parameters: Float32Array[]; shapes: number[][] }[];
    };
    answer: null;
  };
  /** Outputs [rows, outputs] of each member asked for; null when the thread does not hold them all. */
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
