import type { RuntimePin } from '../../contracts';

/** The engines of TensorFlow.js that can train here, the best first. */
export const BACKENDS = [
  'tensorflow-gpu',
  'tensorflow',
  'wasm',
  'cpu',
] as const satisfies readonly RuntimePin['backend'][];
export type BackendName = (typeof BACKENDS)[number];

/** `auto` takes the best one that works. */
export type BackendChoice = 'auto' | BackendName;

/** One backend that was passed over, and why. */
export interface SkippedBackend {
  readonly backend: BackendName;
  readonly reason: string;
}

/** What a thread trains with. The same report on two machines means the same bits from the same request. */
export interface BackendReport {
  readonly backend: BackendName;
  /** Version of the engine below the operations, and the revision of our own kernels where there are any. */
  readonly backendVersion: string;
  /** Processor architecture and the vector instructions that the backend's arithmetic depends on, e.g. `x64+simd`. */
  readonly cpu: string;
  readonly skipped: readonly SkippedBackend[];
}
