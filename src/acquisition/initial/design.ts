import { TitrateError, type FeatureMatrix } from '../../contracts';
import { priorCovariance } from '../../learning';
import type { ChosenBatch, ChooseRequest } from '../acquisition';
import { Batch } from '../batch';
import { IntegratedVariance } from '../joint/integrated-variance';
import { JointPosterior } from '../joint/posterior';
import { bestOf, firstOf, hashOrder } from '../ranking';
import { designReason, grouped, randomReason } from '../reasons';

/** What a design is made from: a batch without a model, and features that hold vectors. */
export type DesignRequest = Pick<
  ChooseRequest,
  'moleculeIds' | 'featuresOf' | 'batchSize' | 'measured' | 'pending' | 'rules' | 'seed'
>;

/** Candidates that a design looks at, drawn by chance, at least; a large batch looks at more. */
const SAMPLE = 2000;
const SAMPLE_PER_PICK = 2;
/** Molecules measured or at the lab that a design stays away from, at most; more are drawn from by chance. */
const KNOWN = 1000;
/** Variance of a measurement over that of the property, as long as nobody knows it. */
const NOISE = 0.1;
/** Share of the places that chance fills first. */
const BY_CHANCE = 0.5;

/**
 * A batch for when nothing says which molecule is better: the first half of it by chance, then one by one the candidate whose
 * measurement would take most variance away from the pool, given the picks so far (integrated posterior variance: Cohn 1996, Neural
 * Networks 9, 1071; Seo et al. 2000), under the kernel that a Gaussian process begins with. So it is typical of the pool, and no two
 * picks tell the same. The half by chance is there for the model's sake: a design alone holds hardly two molecules alike, and leaves
 * the kernel's scale to guesswork.
 *
 * The pool is a sample of it, by a seeded hash of the ids: the listing's order changes nothing, and 10^6 candidates cost what 2,000 do.
 * @throws as the model's kernel, for features that hold no vectors
 */
export async function designBatch(request: DesignRequest): Promise<ChosenBatch> {
  const { moleculeIds, batchSize, rules, seed } = request;
  const offered = new Set(rules ? moleculeIds.filter((id) => rules.admits(id)) : moleculeIds);
  const draft = rules?.begin(batchSize) ?? null;
  const batch = new Batch(Math.min(draft?.size ?? batchSize, offered.size), offered, draft);
  const candidates = [...offered];
  batch.takeRequired();
  const takeByChance = (from: readonly string[], size: number): void => {
    for (const moleculeId of from) {
      if (batch.picks.length >= size) return;
      if (!batch.allows(moleculeId)) continue;
      batch.take({ moleculeId, strategy: 'random', reason: randomReason(candidates.length, 'no-model') });
    }
  };
  const sample = chanceOrder(candidates, sampleSize(batchSize), seed);
  takeByChance(sample, batch.picks.length + Math.round(batch.left * BY_CHANCE));
  if (batch.left > 0) await fill(request, batch, sample);
  // Rules about whole batches may leave nothing of the sample that fits.
  if (batch.left > 0) takeByChance(chanceOrder(candidates, candidates.length, seed), batch.size);
  return {
    picks: batch.picks,
    decision: {
      parts: [
        { strategy: 'random', batching: 'top', share: BY_CHANCE },
        { strategy: 'nipv', batching: 'joint', share: 1 - BY_CHANCE },
      ],
      kappa: 0,
      randomShare: 0,
      why: `There is no model yet: half by chance, half where a measurement tells most about ${grouped(sample.length)} candidates drawn from the pool.`,
    },
    passedOver: [],
  };
}

const sampleSize = (batchSize: number) => Math.max(SAMPLE, SAMPLE_PER_PICK * batchSize);

function chanceOrder(moleculeIds: readonly string[], count: number, seed: number): string[] {
  const order = hashOrder(moleculeIds, seed, 'design');
  return firstOf(moleculeIds.keys(), count, order).map((i) => moleculeIds[i]!);
}

/** Fills the places that are left, given what is measured, at the lab or picked. */
async function fill(request: DesignRequest, batch: Batch, sample: readonly string[]): Promise<void> {
  const { measured = [], pending = [], seed, featuresOf } = request;
  const inSample = new Set(sample);
  const before = [...new Set([...measured, ...pending])];
  const known = [
    ...chanceOrder(before, KNOWN, seed).filter((id) => !inSample.has(id)),
    ...batch.picks.map(({ moleculeId }) => moleculeId).filter((id) => !inSample.has(id)),
  ];
  const all = [...sample, ...known];
  const features = vectorsOf(await featuresOf(all));
  const covariance = priorCovariance(features);
  const noise = new Float64Array(all.length).fill(NOISE);
  const variance = new IntegratedVariance(new JointPosterior(covariance, noise), covariance, noise);
  all.forEach((id, row) => {
    if (row >= sample.length || batch.has(id)) variance.condition(row);
  });

  const ties = hashOrder(sample, seed, 'tie');
  const open = new Set(sample.keys());
  while (batch.left > 0) {
    const best = bestOf(open, (row) => variance.gain(row), ties);
    if (best < 0) return;
    const gain = variance.gain(best);
    open.delete(best);
    const moleculeId = sample[best]!;
    if (!batch.allows(moleculeId, gain)) continue;
    const taken = variance.condition(best);
    const teaches = taken / all.length;
    batch.take({
      moleculeId,
      strategy: 'nipv',
      value: gain,
      teaches,
      reason: designReason(teaches, sample.length),
    });
  }
}

/** Of several feature sets side by side the first that holds vectors. */
function vectorsOf(features: FeatureMatrix): FeatureMatrix {
  const found = [features, ...(features.parts ?? [])].find(
    ({ layout }) => layout !== 'graph' && layout !== 'bundle',
  );
  if (found) return found;
  throw new TitrateError('internal', { what: 'a batch cannot be designed on graphs', where: 'acquisition' });
}
