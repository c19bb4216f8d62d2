import { WORK_BUCKETS, type Instruments } from './instruments';

/** Set by the deploy worker when a round is recorded. */
export const roundMetrics = ({ counter, gauge, histogram }: Instruments) => ({
  stageDuration: histogram(
    'titrate_stage_duration_seconds',
    'Machine time of a stage of a round; cached: whether all of it was found done.',
    WORK_BUCKETS,
    'stage',
    'cached',
  ),
  rounds: counter('titrate_rounds_total', 'Rounds recorded.', 'campaign'),
  machineSeconds: gauge(
    'titrate_round_machine_seconds',
    'Machine time of the last round recorded, all stages.',
    'campaign',
  ),
  labels: counter(
    'titrate_labels_total',
    'Molecules whose results came back, as rounds record them.',
    'campaign',
  ),
});
