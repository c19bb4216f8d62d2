import type { CampaignConfig, FeatureMatrix } from '../contracts';
import { deriveSeed, selectFeatureRows } from '../foundation';
import type { FittedModel } from '../learning';
import type { SelectedPick } from './acquisition';
import { selectBatch } from './select';

/** The model that a batch is chosen by. */
export interface Surrogate {
  readonly model: Pick<FittedModel, 'predict' | 'sample'>;
  /** Standard deviations of the model x scale = calibrated ones. */
  readonly calibrationScale: number;
}

export interface ChooseRequest {
  /** Molecules that may be picked, each once. */
  readonly moleculeIds: readonly string[];
  /** Null while there are too few labels for a model: then chance decides. */
  readonly surrogate: Surrogate | null;
  /** Features of the pool, part by part; rows of molecules that may not be picked are passed over. */
  readonly features: () => AsyncIterable<FeatureMatrix> | Iterable<FeatureMatrix>;
  /** Features of the named molecules, in their order. */
  readonly featuresOf: (moleculeIds: readonly string[]) => Promise<FeatureMatrix> | FeatureMatrix;
  readonly direction: CampaignConfig['objective']['direction'];
  readonly acquisition: CampaignConfig['acquisition'];
  readonly batchSize: number;
  /** Best measured value so far (uncensored); null before any. */
  readonly incumbent: number | null;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onScored?: (done: number, of: number) => void;
}

/** A pick with what the model said of it, calibrated, in the unit of the targets. */
export interface ChosenPick extends SelectedPick {
  readonly predicted?: { readonly mean: number; readonly total: number };
}

/**
 * Thompson sampling draws jointly over this many candidates, those with the best mean + 2 sigma: a joint draw needs the
 * covariance of all of them, and a candidate outside would have to be drawn more than two standard deviations up to win.
 */
const THOMPSON_CANDIDATES = 2000;

interface Scored {
  readonly moleculeIds: readonly string[];
  readonly mean: Float64Array;
  readonly sigma: Float64Array;
  readonly total: Float64Array;
  readonly draws?: readonly Float64Array[];
}

/**
 * Scores the pool by the surrogate and picks a batch: what a campaign does in each round, and the retrospective benchmark in each
 * cycle. A pure function of the request, whatever the parts that the features come in. Memory follows a part, not the pool.
 * @throws as `selectBatch`; cancelled
 */
export async function chooseBatch(request: ChooseRequest): Promise<ChosenPick[]> {
  const { surrogate, moleculeIds, direction, acquisition, batchSize, incumbent, seed } = request;
  const scored = surrogate && moleculeIds.length > 0 ? await score(request, surrogate) : null;
  const { mean, sigma, draws } = scored ?? {};
  const selected = selectBatch({
    candidates: {
      moleculeIds: scored?.moleculeIds ?? moleculeIds,
      ...(mean && sigma && { model: { mean, sigma, draws } }),
    },
    excluded: new Set(),
    ...{ direction, acquisition, batchSize, incumbent, seed },
  });
  if (!scored) return selected;
  return selected.map((pick) => ({
    ...pick,
    predicted: { mean: scored.mean[pick.index]!, total: scored.total[pick.index]! },
  }));
}

async function score(request: ChooseRequest, surrogate: Surrogate): Promise<Scored> {
  const { moleculeIds, acquisition, signal, onScored } = request;
  const { model, calibrationScale } = surrogate;
  const place = new Map(moleculeIds.map((id, i) => [id, i]));
  const [mean, sigma, total] = [0, 0, 0].map(() => new Float64Array(moleculeIds.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let done = 0;
  for await (const part of request.features()) {
    const rows = part.moleculeIds.flatMap((id, row) => (place.has(id) ? [row] : []));
    if (rows.length === 0) continue;
    const wanted = rows.length === part.rows ? part : selectFeatureRows(part, rows);
    const prediction = await model.predict(wanted, signal);
    rows.forEach((row, i) => {
      const at = place.get(part.moleculeIds[row]!)!;
      mean[at] = prediction.mean[i]!;
      sigma[at] = calibrationScale * prediction.epistemic[i]!;
      total[at] = calibrationScale * Math.hypot(prediction.aleatoric[i]!, prediction.epistemic[i]!);
    });
    done += rows.length;
    onScored?.(done, moleculeIds.length);
  }
  const scored = { moleculeIds, mean, sigma, total };
  return acquisition.strategy === 'thompson' ? drawn(request, surrogate, scored) : scored;
}

async function drawn(request: ChooseRequest, { model }: Surrogate, scored: Scored): Promise<Scored> {
  const { moleculeIds: ids, mean, sigma, total } = scored;
  const sign = request.direction === 'maximize' ? 1 : -1;
  const optimism = (i: number) => sign * mean[i]! + 2 * sigma[i]!;
  const kept = [...ids.keys()]
    .sort((a, b) => optimism(b) - optimism(a) || (ids[a]! < ids[b]! ? -1 : 1))
    .slice(0, THOMPSON_CANDIDATES)
    .sort((a, b) => a - b);
  const moleculeIds = kept.map((i) => ids[i]!);
  const take = (from: Float64Array) => Float64Array.from(kept, (i) => from[i]!);
  const features = await request.featuresOf(moleculeIds);
  const seed = deriveSeed(request.seed, 'thompson');
  const draws = await model.sample(features, request.batchSize, seed, request.signal);
  return { moleculeIds, mean: take(mean), sigma: take(sigma), total: take(total), draws };
}
