import { WORK_BUCKETS, type Instruments } from './instruments';

/** Set where models are explored and trained. */
export const trainingMetrics = ({ counter, gauge, histogram }: Instruments) => ({
  trials: counter(
    'titrate_training_trials_total',
    'Trials of settings by outcome: computed, cached, failed.',
    'family',
    'outcome',
  ),
  duration: histogram(
    'titrate_training_duration_seconds',
    'Time of a trial, an evaluation or a final training that was computed, by engine: local, vertex.',
    WORK_BUCKETS,
    'family',
    'engine',
  ),
  labels: gauge('titrate_training_labels', 'Labels of the last cut a model was trained on.'),
  gpuBusy: counter(
    'titrate_gpu_busy_seconds_total',
    'Time with a training or scoring activity at work on an accelerator.',
  ),
});

/** Set when a model version is registered. */
export const modelMetrics = ({ gauge }: Instruments) => ({
  rmse: gauge(
    'titrate_model_heldout_rmse',
    'RMSE on held-out molecules, in the unit of the property.',
    'campaign',
  ),
  coverage: gauge(
    'titrate_model_heldout_coverage',
    'Share of held-out values inside the 90 % interval, 0 to 1.',
    'campaign',
  ),
  rankCorrelation: gauge(
    'titrate_model_heldout_rank_correlation',
    "Spearman's correlation of prediction and value on held-out molecules, -1 to 1.",
    'campaign',
  ),
});
