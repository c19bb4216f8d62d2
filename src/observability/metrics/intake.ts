import type { Instruments } from './instruments';

const DELAY_BUCKETS = [1, 10, 60, 600, 3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400];

/** Set where results and sources come in. */
export const intakeMetrics = ({ counter, histogram }: Instruments) => ({
  results: counter(
    'titrate_intake_results_total',
    'Posted results by what became of them: accepted, duplicate, quarantined, rejected.',
    'campaign',
    'outcome',
  ),
  delay: histogram(
    'titrate_intake_delay_seconds',
    'From the time a result says it was measured at to its commit.',
    DELAY_BUCKETS,
  ),
  ingestRows: counter(
    'titrate_ingest_rows_total',
    'Records of ingested sources by what became of them: accepted, quarantined.',
    'outcome',
  ),
  ingestBytes: counter('titrate_ingest_bytes_total', 'Size of the sources landed.'),
});
