import { valueOf } from './assumptions';
import type { Prices } from './prices';

/** What an hour of a machine that a campaign keeps busy costs, USD. */
export interface Rates {
  /** Of one core that standardises and featurises: its part of a spot node. */
  readonly featurizationCoreHour: number;
  /** Of a machine with a GPU that learns, explores and scores. */
  readonly learningMachineHour: number;
  /** That such a machine is kept after a round, seconds. */
  readonly idleSeconds: number;
}

const VCPUS_OF_A_SPOT_NODE = 8;

/** @param vertex whether rounds train in jobs of Vertex AI, which keep no machine. */
export function ratesOf(prices: Prices, { vertex }: { vertex: boolean }): Rates {
  return {
    featurizationCoreHour: (prices['e2-standard-8-spot'].usd / VCPUS_OF_A_SPOT_NODE) * valueOf('vcpuPerCore'),
    learningMachineHour: prices[vertex ? 'vertex-n1-standard-8-t4' : 'n1-standard-8-t4'].usd,
    idleSeconds: vertex ? valueOf('jobStart') * valueOf('jobsPerRound') : valueOf('idleNode'),
  };
}
