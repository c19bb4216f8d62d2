import type { RuntimePin, StepDefinition } from '../contracts';

export type { StepDefinition };

/**
 * What a step's output depends on. Hashes only: a uri in here would make equal inputs look different.
 * `runtime` is the part of the campaign's pin that the step's bits depend on.
 */
export interface StepKey {
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
  readonly parameters?: unknown;
  readonly seed?: number;
  readonly runtime?: Partial<RuntimePin>;
}

export interface StepOutcome<T> {
  readonly value: T;
  readonly cached: boolean;
  /** Wall seconds this call took: of computing, or of finding the recorded output. */
  readonly seconds: number;
}

/** Runs each pure step once: the first writer's output is everybody's output. */
export interface StepCache {
  /** `compute` returns plain JSON (ArtifactRefs for bytes). Two callers at once: both get the first record written. */
  run<T>(step: StepDefinition, key: StepKey, compute: () => Promise<T>): Promise<StepOutcome<T>>;
}
