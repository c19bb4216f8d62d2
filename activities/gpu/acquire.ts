import { chooseBatch, type ChosenPick } from '../../src/acquisition';
import {
  STEPS,
  type ArtifactRef,
  type CampaignConfig,
  type Cut,
  type FeatureMatrix,
  type ModelFamily,
  type Molecule,
  type Pick,
  type RuntimePin,
} from '../../src/contracts';
import { Z90 } from '../../src/foundation';
import type { StepOutcome } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { featureReader } from './features';

export interface AcquireRequest {
  readonly cut: Cut;
  readonly dataVersion: string;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
  readonly objective: CampaignConfig['objective'];
  readonly acquisition: CampaignConfig['acquisition'];
  readonly batchSize: number;
  readonly seed: number;
  readonly model: {
    readonly family: ModelFamily;
    readonly weights: ArtifactRef;
    readonly calibrationScale: number;
    readonly features: FeatureSet;
  } | null;
  readonly runtime: RuntimePin;
}

export interface AcquiredBatch {
  /** NDJSON of Pick, by rank. */
  readonly picks: ArtifactRef;
  readonly size: number;
  readonly candidates: number;
}

/** Chooses a batch by the round's new surrogate: a pure function of configuration, seed and cut. */
export function createAcquire(ports: TrainingPorts) {
  const { objects, learning, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const reader = featureReader(objects);

  async function candidatesOf(request: AcquireRequest, excluded: ReadonlySet<string>): Promise<Molecule[]> {
    const all: Molecule[] = [];
    for (const shard of await artifacts.getJson<ArtifactRef[]>(request.pool)) {
      for (const molecule of await artifacts.getRows<Molecule>(shard))
        if (!excluded.has(molecule.moleculeId)) all.push(molecule);
    }
    return all;
  }

  /** Shard by shard, so that memory follows the size of a shard and not of the pool. */
  async function* matricesOf(features: FeatureSet): AsyncGenerator<FeatureMatrix> {
    for (const shard of await reader.shardsOf(features)) yield await reader.matrixOf(shard);
  }

  async function choose(
    { model, objective, acquisition, batchSize, cut, seed }: AcquireRequest,
    candidates: readonly Molecule[],
    signal: AbortSignal,
    progress: (p: unknown) => void,
  ): Promise<ChosenPick[]> {
    const loaded =
      model && candidates.length ? await learning.load(model.family, await objects.get(model.weights)) : null;
    try {
      return await chooseBatch({
        moleculeIds: candidates.map(({ moleculeId }) => moleculeId),
        surrogate: model && loaded ? { model: loaded, calibrationScale: model.calibrationScale } : null,
        features: () => (model ? matricesOf(model.features) : []),
        featuresOf: (moleculeIds) => reader.rowsFor(model!.features, moleculeIds),
        direction: objective.direction,
        acquisition,
        batchSize,
        incumbent: cut.best?.value ?? null,
        seed,
        signal,
        onScored: (scored, of) => progress({ scored, of }),
      });
    } finally {
      loaded?.dispose();
    }
  }

  const describe = (chosen: ChosenPick, smiles: string, rank: number): Pick => {
    const { moleculeId, predicted, value, strategy, reason } = chosen;
    return {
      rank,
      moleculeId,
      smiles,
      ...(predicted && {
        predicted: predicted.mean,
        standardDeviation: predicted.total,
        interval90: [predicted.mean - Z90 * predicted.total, predicted.mean + Z90 * predicted.total],
      }),
      ...(value !== undefined && { acquisition: value }),
      strategy,
      reason,
    };
  };

  async function acquireBatch(request: AcquireRequest): Promise<StepOutcome<AcquiredBatch>> {
    const { cut, model, objective, acquisition, batchSize, seed } = request;
    const key = {
      inputs: {
        cut: cut.cutId,
        excluded: cut.excluded.sha256,
        pool: request.dataVersion,
        weights: model ? model.weights.sha256 : 'none',
        features: model ? model.features.digest : 'none',
      },
      parameters: {
        acquisition,
        batchSize,
        direction: objective.direction,
        incumbent: cut.best?.value ?? null,
        scale: model?.calibrationScale ?? null,
      },
      seed,
      runtime: model ? request.runtime : {},
    };
    const work = {
      task: 'acquireBatch',
      step: STEPS.acquireBatch,
      key,
      request,
      labels: cut.labels,
    } as const;
    return withHeartbeat((signal, progress) =>
      training.run({ ...work, signal, onProgress: progress }, async () => {
        const excluded = new Set(
          (await artifacts.getRows<{ moleculeId: string }>(cut.excluded)).map((row) => row.moleculeId),
        );
        const candidates = await candidatesOf(request, excluded);
        const chosen = await choose(request, candidates, signal, progress);
        const smilesOf = new Map(candidates.map(({ moleculeId, smiles }) => [moleculeId, smiles]));
        const picks = chosen.map((pick, i) => describe(pick, smilesOf.get(pick.moleculeId)!, i + 1));
        return { picks: await artifacts.putRows(picks), size: picks.length, candidates: candidates.length };
      }),
    );
  }

  return { acquireBatch };
}
