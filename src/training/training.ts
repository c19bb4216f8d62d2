import type { RuntimePin, StepDefinition } from '../contracts';
import type { StepKey, StepOutcome } from '../objects';

/** The activities of the gpu queue that a training job may run by name. */
export const TRAINING_TASKS = ['runTrial', 'evaluateModel', 'trainModel', 'acquireBatch'] as const;
export type TrainingTask = (typeof TRAINING_TASKS)[number];

/** Where models are trained: the part of a round's pin that the machine decides. */
export type TrainingRuntime = Omit<RuntimePin, 'rdkit' | 'ruleSet'>;

export interface TrainingProgress {
  /** Name and state of the job that does the work elsewhere. */
  readonly job: string;
  readonly state: string;
  /** Where a person can watch it. */
  readonly link: string;
}

/** How big the work is, how it is stopped and watched; none of it takes part in the result. */
export interface TrainingOptions {
  /** Labels of the round's cut. */
  readonly labels: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** A cached step, and the task whose run records its output. */
export interface TrainingWork extends TrainingOptions {
  readonly task: TrainingTask;
  readonly step: StepDefinition;
  readonly key: StepKey;
  /** The task's argument, plain JSON. */
  readonly request: unknown;
}

/**
 * Runs the steps that want a large machine. What is recorded in the step cache is the result, wherever it was computed; every
 * adapter gives the same output for the same key. Adapters: local (this process), Vertex AI.
 */
export interface TrainingService {
  readonly kind: 'local' | 'vertex';
  /** Whether `run` computes in this process, for so many labels. */
  runsHere(options: Pick<TrainingOptions, 'labels'>): boolean;
  /** The runtime that `run` computes on for so many labels. @param here describes this process */
  runtime(here: () => Promise<TrainingRuntime>, options: TrainingOptions): Promise<TrainingRuntime>;
  /**
   * @param here computes the step's output in this process
   * @throws TitrateError what `here` throws, wherever it ran; cancelled when `signal` fires; of a service: overloaded (quota),
   * unavailable, config-invalid, not-found, runtime-mismatch, deadline-exceeded.
   */
  run<T>(work: TrainingWork, here: () => Promise<T>): Promise<StepOutcome<T>>;
  close(): Promise<void>;
}
