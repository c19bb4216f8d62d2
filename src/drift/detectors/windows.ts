import type { DriftReference } from '../reference';
import type { DriftSample } from '../sample';

/** What a detector is given. */
export interface WindowsAgainstReference {
  readonly reference: DriftReference;
  /** One window, or several taken together. */
  readonly window: DriftSample;
  /** How many were taken together. */
  readonly windows: number;
  /** The p-value below which a change counts. */
  readonly alpha: number;
}
