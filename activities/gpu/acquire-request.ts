import type { Evidence } from '../../src/acquisition';
import type {
  ArtifactRef,
  CampaignConfig,
  Cut,
  ModelFamily,
  RuleInputs,
  RuntimePin,
} from '../../src/contracts';
import type { FeatureSet } from '../featurization';
import type { FurtherModel } from './further';

export interface AcquireRequest {
  readonly cut: Cut;
  readonly dataVersion: string;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
  readonly objective: CampaignConfig['objective'];
  readonly acquisition: Omit<CampaignConfig['acquisition'], 'shardsPerTask'>;
  readonly batchSize: number;
  readonly seed: number;
  readonly model: {
    readonly family: ModelFamily;
    readonly weights: ArtifactRef;
    readonly calibrationScale: number;
    readonly features: FeatureSet;
  } | null;
  /** Of each further property of the cut, where there is a model of the first one. */
  readonly others?: readonly FurtherModel[];
  /** Of a campaign with constraints. */
  readonly rules?: {
    readonly inputs: RuleInputs;
    /** Money that earlier batches cost. */
    readonly spent: number;
  };
  /** Features that the batch is designed on while there is no model; left out: then chance decides. */
  readonly design?: FeatureSet;
  /** What the strategy is decided from, beside the cut. */
  readonly evidence?: {
    readonly round: number;
    readonly roundsLeft: number;
    /** Of the model, on molecules it had not seen. */
    readonly heldOut?: Omit<NonNullable<Evidence['heldOut']>, 'spread'>;
  };
  /** Asks what the model expects of the molecules left, for a campaign that may stop because of it. */
  readonly prospects?: { readonly margin: number };
  /** Shortlists of the pool's groups, made beforehand (score.ts). They change nothing but the time. */
  readonly scored?: readonly ArtifactRef[];
  readonly runtime: RuntimePin;
}
