import type { ErrorCode, ErrorParts, FeatureMatrix } from '../../contracts';
import type { Prediction } from '../learning';
import type { ForestColumns } from './columns';
import type { GrownTrees, GrowTask } from './grow-trees';
import type { Forest } from './predict-rows';
import type { TrainingColumns } from './training-columns';

/** What a thread can be asked, and what it answers. */
export interface Jobs {
  encode: {
    request: { readonly features: FeatureMatrix };
    answer: { readonly columns: ForestColumns; readonly training: TrainingColumns };
  };
  grow: { request: GrowTask; answer: GrownTrees };
  predict: { request: { readonly forest: Forest; readonly features: FeatureMatrix }; answer: Prediction };
  covariance: {
    request: { readonly forest: Forest; readonly features: FeatureMatrix };
    answer: Float64Array;
  };
  sample: {
    request: {
      readonly forest: Forest;
      readonly features: FeatureMatrix;
      readonly count: number;
      readonly seed: number;
    };
    answer: Float64Array[];
  };
}
export type JobKind = keyof Jobs;

export interface JobMessage<K extends JobKind> {
  readonly request: Jobs[K]['request'];
  /** Shared; 1 once nobody wants the answer any more. */
  readonly cancel: Int32Array;
}

/** Errors go as data, because structured cloning strips an error of its class and code. */
export type Reply<K extends JobKind> =
  | { readonly value: Jobs[K]['answer']; readonly seconds: number }
  | { readonly error: { readonly code: ErrorCode; readonly parts: ErrorParts } };
