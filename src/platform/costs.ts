import type { Metrics } from '../observability';
import { logContext } from '../observability/logging/context';
import { PRICES, valueOf } from './capacity';

const HOUR = 3600;
const TIB = 2 ** 40;
/** vCPUs of the machine whose price stands for a worker's. */
const WORKER_VCPUS = 4;
/** What is spent for no campaign in particular. */
const NOBODY = 'none';

/**
 * Estimates of what is spent, at the list prices of src/platform/capacity: what the work would cost on Google Cloud, wherever it ran. Of the
 * campaign whose activity is at work.
 */
export function createCosts({ cost }: Pick<Metrics, 'cost'>) {
  const spend = (kind: string, usd: number, campaign = logContext().campaign ?? NOBODY) => {
    if (usd > 0) cost.usd.inc({ campaign, kind }, usd);
  };
  return {
    /** @param seconds of one core, measured */
    compute: (seconds: number) =>
      spend('compute', (seconds / HOUR / WORKER_VCPUS) * PRICES['e2-standard-4'].usd),
    /** @param seconds an activity was at work on an accelerator */
    gpu: (seconds: number) => spend('gpu', (seconds / HOUR) * PRICES['n1-standard-8-t4'].usd),
    /** @param bytes billed */
    bigQuery: (bytes: number) => spend('bigquery', (bytes / TIB) * PRICES['bigquery-scanned'].usd),
    /** @param rows standardised by a job */
    dataflow: (rows: number) => {
      const vcpuSeconds = rows * valueOf('standardiseMolecule') * valueOf('vcpuPerCore');
      spend('dataflow', (vcpuSeconds / HOUR) * PRICES['dataflow-vcpu'].usd);
    },
    /** @param seconds that a job took */
    vertex: (seconds: number) => spend('vertex', (seconds / HOUR) * PRICES['vertex-n1-standard-8-t4'].usd),
    /** @param money in the campaign's own currency */
    assay: (money: number) => spend('assay', money),
  };
}

export type Costs = ReturnType<typeof createCosts>;
