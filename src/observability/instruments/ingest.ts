import type { BulkProcessor } from '../../processing';
import type { Landing } from '../../sources';
import type { Metrics } from '../metrics/metrics';

/** A landing whose bytes are counted. */
export function observeLanding(landing: Landing, { intake }: Pick<Metrics, 'intake'>): Landing {
  return {
    async land(...given) {
      const landed = await landing.land(...given);
      intake.ingestBytes.inc(landed.raw.bytes);
      return landed;
    },
  };
}

/**
 * A processor whose rows are counted; a source that was standardised before counts nothing.
 * @param onRows told the rows of each source that was computed
 */
export function observeProcessor(
  processor: BulkProcessor,
  { intake }: Pick<Metrics, 'intake'>,
  onRows: (rows: number) => void = () => {},
): BulkProcessor {
  return {
    kind: processor.kind,
    async standardise(request, options) {
      const outcome = await processor.standardise(request, options);
      const { accepted, quarantined } = outcome.value;
      if (!outcome.cached) {
        intake.ingestRows.inc({ outcome: 'accepted' }, accepted);
        intake.ingestRows.inc({ outcome: 'quarantined' }, quarantined);
        onRows(accepted + quarantined);
      }
      return outcome;
    },
    close: () => processor.close(),
  };
}
