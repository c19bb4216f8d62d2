import { selectBatch, type SelectedPick } from '../../src/acquisition';
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
import { deriveSeed, selectFeatureRows, Z90 } from '../../src/foundation';
import type { FittedModel } from '../../src/learning';
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

/**
 * Thompson sampling draws jointly over this many candidates, those with the best mean + 2 sigma: a joint draw needs the
 * covariance of all of them, and a candidate outside would have to be drawn more than two standard deviations up to win.
 */
const THOMPSON_CANDIDATES = 2000;

interface Scored {
  readonly moleculeIds: string[];
  readonly smiles: string[];
  readonly mean?: Float64Array;
  readonly sigma?: Float64Array;
  readonly total?: Float64Array;
  readonly draws?: Float64Array[];
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

  /** Predicts shard by shard, so that memory follows the size of a shard and not of the pool. */
  async function score(
    request: AcquireRequest,
    candidates: Molecule[],
    signal: AbortSignal,
    progress: (p: unknown) => void,
  ): Promise<Scored> {
    const base = {
      moleculeIds: candidates.map((m) => m.moleculeId),
      smiles: candidates.map((m) => m.smiles),
    };
    if (!request.model || candidates.length === 0) return base;
    const { family, weights, calibrationScale, features } = request.model;
    const place = new Map(base.moleculeIds.map((id, i) => [id, i]));
    const mean = new Float64Array(candidates.length);
    const sigma = new Float64Array(candidates.length);
    const total = new Float64Array(candidates.length);
    const model = await learning.load(family, await objects.get(weights));
    try {
      let done = 0;
      for (const shard of await reader.shardsOf(features)) {
        const matrix = await reader.matrixOf(shard);
        const rows = matrix.moleculeIds.flatMap((id, row) => (place.has(id) ? [row] : []));
        if (rows.length === 0) continue;
        const prediction = await model.predict(selectFeatureRows(matrix, rows), signal);
        rows.forEach((row, i) => {
          const at = place.get(matrix.moleculeIds[row]!)!;
          mean[at] = prediction.mean[i]!;
          sigma[at] = calibrationScale * prediction.epistemic[i]!;
          total[at] = calibrationScale * Math.hypot(prediction.aleatoric[i]!, prediction.epistemic[i]!);
        });
        done += rows.length;
        progress({ scored: done, of: candidates.length });
      }
      if (request.acquisition.strategy !== 'thompson') return { ...base, mean, sigma, total };
      return thompson(request, { ...base, mean, sigma, total }, model, signal);
    } finally {
      model.dispose();
    }
  }

  async function thompson(
    request: AcquireRequest,
    scored: Required<Omit<Scored, 'draws'>>,
    model: FittedModel,
    signal: AbortSignal,
  ): Promise<Scored> {
    const sign = request.objective.direction === 'maximize' ? 1 : -1;
    const optimism = (i: number) => sign * scored.mean[i]! + 2 * scored.sigma[i]!;
    const kept = [...scored.moleculeIds.keys()]
      .sort((a, b) => optimism(b) - optimism(a) || (scored.moleculeIds[a]! < scored.moleculeIds[b]! ? -1 : 1))
      .slice(0, THOMPSON_CANDIDATES)
      .sort((a, b) => a - b);
    const take = <T>(from: ArrayLike<T>) => kept.map((i) => from[i]!);
    const moleculeIds = take(scored.moleculeIds);
    const features: FeatureMatrix = await reader.rowsFor(request.model!.features, moleculeIds);
    const draws = await model.sample(
      features,
      request.batchSize,
      deriveSeed(request.seed, 'thompson'),
      signal,
    );
    return {
      moleculeIds,
      smiles: take(scored.smiles),
      mean: Float64Array.from(take(scored.mean)),
      sigma: Float64Array.from(take(scored.sigma)),
      total: Float64Array.from(take(scored.total)),
      draws,
    };
  }

  const describe = (scored: Scored, selected: SelectedPick, rank: number): Pick => {
    const { index } = selected;
    const known =
      scored.mean && scored.total
        ? { predicted: scored.mean[index]!, standardDeviation: scored.total[index]! }
        : null;
    return {
      rank,
      moleculeId: selected.moleculeId,
      smiles: scored.smiles[index]!,
      ...(known && {
        ...known,
        interval90: [
          known.predicted - Z90 * known.standardDeviation,
          known.predicted + Z90 * known.standardDeviation,
        ],
      }),
      ...(selected.value !== undefined && { acquisition: selected.value }),
      strategy: selected.strategy,
      reason: selected.reason,
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
        const scored = await score(request, candidates, signal, progress);
        const selected = selectBatch({
          candidates: {
            moleculeIds: scored.moleculeIds,
            ...(scored.mean &&
              scored.sigma && { model: { mean: scored.mean, sigma: scored.sigma, draws: scored.draws } }),
          },
          excluded,
          direction: objective.direction,
          acquisition,
          batchSize,
          incumbent: cut.best?.value ?? null,
          seed,
        });
        const picks = selected.map((pick, i) => describe(scored, pick, i + 1));
        return { picks: await artifacts.putRows(picks), size: picks.length, candidates: candidates.length };
      }),
    );
  }

  return { acquireBatch };
}
