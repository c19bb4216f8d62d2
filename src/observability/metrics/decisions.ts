import type { Instruments } from './instruments';

/** Set where batches are chosen. */
export const acquisitionMetrics = ({ counter }: Instruments) => ({
  candidates: counter('titrate_acquisition_candidates_total', 'Candidates scored for batches.'),
  variances: counter(
    'titrate_acquisition_variances_total',
    'Variances of candidates: computed, or skipped because no pick could come of them.',
    'outcome',
  ),
  batchMolecules: counter(
    'titrate_batch_molecules_total',
    'Molecules handed out, by the strategy that chose them.',
    'campaign',
    'strategy',
  ),
});

/** What a verdict is as a number. */
export const DRIFT_VERDICT_VALUES = { 'not-enough-data': 0, ok: 1, watch: 2, act: 3 } as const;

/** Set by the drift watch. */
export const driftMetrics = ({ counter, gauge }: Instruments) => ({
  verdict: gauge(
    'titrate_drift_verdict',
    'Verdict of the last look: 0 not enough data, 1 ok, 2 watch, 3 act.',
    'campaign',
    'detector',
  ),
  effectSize: gauge(
    'titrate_drift_effect_size',
    "Effect size of the last look, in the detector's own measure.",
    'campaign',
    'detector',
  ),
  looks: counter('titrate_drift_looks_total', 'Looks by verdict.', 'campaign', 'verdict'),
  actions: counter('titrate_drift_actions_total', 'What was done about drift.', 'campaign', 'action'),
  lastLook: gauge('titrate_drift_last_look_timestamp_seconds', 'When drift was last looked for.', 'campaign'),
});

/** Set where rollouts end. */
export const rolloutMetrics = ({ counter }: Instruments) => ({
  rollouts: counter(
    'titrate_rollouts_total',
    'Rollouts of model versions that ended, by outcome.',
    'campaign',
    'outcome',
  ),
  trialDecisions: counter(
    'titrate_inference_trial_decisions_total',
    'Trials of model versions that ended: promoted, rolled-back.',
    'verdict',
  ),
});

/** Kinds of cost. */
export const COST_KINDS = ['compute', 'gpu', 'bigquery', 'dataflow', 'vertex', 'assay'] as const;

/** Set by all that spend. */
export const costMetrics = ({ counter }: Instruments) => ({
  usd: counter(
    'titrate_cost_usd_total',
    'Estimated cost in US dollars, at the list prices of this release; assays at the costs the campaign names.',
    'campaign',
    'kind',
  ),
});
