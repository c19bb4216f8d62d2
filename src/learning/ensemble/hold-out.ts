import type { LearningTask, Qualifier } from '../../contracts';
import type { Random } from '../../foundation';

/** Labels in the units that networks see, one entry a row: standardised values, or classes 0 and 1; NaN where not measured. */
export interface StandardLabels {
  readonly values: Float64Array;
  readonly qualifiers: readonly Qualifier[];
  readonly replicates: Float64Array;
}

/**
 * Share of the measured (uncensored) rows that a member holds out of its mean. On solubility and lipophilicity with 250
 * labels a fifth costs 0.5 to 2 % of RMSE more than a tenth and gives no better density; on made-up noise it finds more of it.
 */
const HELD_OUT_SHARE = 0.15;

/** With fewer held-out labels than this their error says too little about when to stop: its own relative error is a fifth or more. */
export const MINIMUM_TO_STOP_ON = 50;

export interface HeldOut {
  /** 1 where held out, one entry a row. */
  readonly rows: Uint8Array;
  readonly count: number;
  /** Labels of the property, held out or not. */
  readonly labels: number;
}

/**
 * A member's own random share of the measured rows, at least one and at most half of them. Limits are never held out: alone
 * they do not bound a variance. Of classes a share of each, and none if too few would come together to stop on, because
 * there they teach nothing.
 */
export function holdOut(
  { values, qualifiers }: StandardLabels,
  random: Random,
  task: LearningTask = 'regression',
): HeldOut {
  const rows = new Uint8Array(values.length);
  const labels = values.reduce((sum, value) => sum + Number(!Number.isNaN(value)), 0);
  const choose = (belongs: (row: number) => boolean) => {
    const measured = Array.from(rows.keys()).filter(belongs);
    if (measured.length < 2) return;
    const share = Math.round(HELD_OUT_SHARE * measured.length);
    const count = Math.max(1, Math.min(Math.floor(measured.length / 2), share));
    for (const row of random.shuffle(measured).slice(0, count)) rows[row] = 1;
  };
  if (task === 'regression') choose((row) => qualifiers[row] === '=' && !Number.isNaN(values[row]));
  else if (Math.floor(HELD_OUT_SHARE * labels) >= MINIMUM_TO_STOP_ON)
    for (const value of [0, 1]) choose((row) => values[row] === value);
  return { rows, count: rows.reduce((sum, held) => sum + held, 0), labels };
}
