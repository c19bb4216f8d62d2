import type { Chemistry } from '../../src/chemistry';
import type { PerformanceReport } from '../../src/contracts';
import type { Datasets } from '../../src/datasets';
import type { Learning } from '../../src/learning';
import type { ObjectStore, PointerLog, StepCache } from '../../src/objects';
import type { BulkProcessor } from '../../src/processing';
import type { CardSigner, Deployer, ServingEvidence } from '../../src/rollout';
import type { Landing } from '../../src/sources';
import type { CampaignLog, ExperimentTracker, ModelRegistry, TrackingSpool } from '../../src/tracking';
import type { ModelUpload, TrainingService, TuningService } from '../../src/training';
import type { Warehouse } from '../../src/warehouse';

/** What every activity may use. Each queue's factory asks for the part that its work needs, and nothing else is started. */
export interface StoragePorts {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  readonly pointers: PointerLog;
}

export interface WarehousePorts extends StoragePorts {
  readonly datasets: Datasets;
  readonly landing: Landing;
  readonly warehouse: Warehouse;
  readonly log: CampaignLog;
  /** Where relative source paths start. */
  readonly workingDirectory: string;
}

export interface FeaturizationPorts extends StoragePorts {
  readonly chemistry: Chemistry;
  readonly processor: BulkProcessor;
}

export interface TrainingPorts extends StoragePorts {
  readonly learning: Learning;
  readonly training: TrainingService;
}

export interface GpuPorts extends TrainingPorts {
  /** Of every campaign: where earlier explorations are read. */
  readonly log: Pick<CampaignLog, 'roundRecords'>;
  /** null: settings are drawn here. */
  readonly tuning: TuningService | null;
}

export interface DeployPorts extends StoragePorts {
  readonly registry: ModelRegistry;
  readonly deployer: Deployer;
  /** What candidates on trial are judged by. */
  readonly evidence: ServingEvidence;
  /** Signs what is registered; null where no key is configured. */
  readonly signer: CardSigner | null;
  readonly log: CampaignLog;
  readonly spool: TrackingSpool;
  readonly tracker: ExperimentTracker;
  /** null: registered models are not uploaded. */
  readonly modelUpload: ModelUpload | null;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  /** Directory of the rendered reports. */
  readonly reports: string;
  /** Where a campaign's time, money and labels went; left out, its report does not say. */
  readonly performance?: (campaignId: string) => Promise<PerformanceReport>;
}
