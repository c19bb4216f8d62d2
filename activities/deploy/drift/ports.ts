import type { Datasets } from '../../../src/datasets';
import type { Metrics } from '../../../src/observability';
import type { DriftLog } from '../../../src/tracking';
import type { DeployPorts } from '../../shared/ports';

/** The schedules of drift watches, and the campaigns they are of. */
export interface DriftSchedules {
  /** Made, or set to this interval where it is there. @param every such as '6 hours' */
  ensure(campaignId: string, every: string): Promise<void>;
  /** One that is gone already stays so. */
  remove(campaignId: string): Promise<void>;
  /** Whether the campaign goes on. */
  isRunning(campaignId: string): Promise<boolean>;
}

/** What watching for drift, and answering it, needs. */
export interface DriftPorts extends Pick<
  DeployPorts,
  'objects' | 'steps' | 'registry' | 'log' | 'chemistry' | 'learning'
> {
  readonly datasets: Pick<Datasets, 'version' | 'findMolecules'>;
  readonly driftLog: DriftLog;
  readonly schedules: DriftSchedules;
  /** Directory of the serving log; null where nothing is kept of what is asked. */
  readonly predictions: string | null;
  readonly metrics: Metrics;
  /** Signs what is sent to a webhook; null: it is sent unsigned. */
  readonly webhookSecret: string | null;
}
