import { TitrateError } from '../contracts';
import type { ChosenBatch, ChosenPick, ChooseRequest, Surrogate } from './acquisition';
import { Batch } from './batch';
import { pickByDeterminant, pickByIntegratedVariance, pickJointly } from './by-covariance';
import { pickCoreSet, pickFarthest } from './by-distance';
import { pickByDraws } from './by-draws';
import { pickAtRandom, pickByRank } from './by-rank';
import { sparseRowsOf } from './distance';
import { decisionFor, utilityRequestFor } from './deciding';
import { explain } from './explain';
import { pickByHypervolume, pickByScalarisedDraws, viewOf } from './pareto';
import { shortlist } from './scoring';
import type { Choosing } from './strategies';
import { isPointwise, needsReference, utilityOf, type UtilityRequest } from './utilities';

/**
 * Chooses a batch: what a campaign does in each round, and the retrospective benchmark in each cycle. A pure function of the request, whatever
 * the parts that the features come in and the order in which molecules are listed.
 *
 * Molecules that the rules ask for come first; then the strategies, part by part, as decided; then `round(randomShare x the rest)` picks by
 * chance, which are drawn before the others and without regard to the model, so that they stay an unbiased yardstick. While there is no model
 * all are drawn by chance. Pending molecules are never picked.
 * Under goal `pareto` properties without a model are left out; with one left, a batch is chosen for the best of it.
 * @throws TitrateError `config-invalid` for an impossible batch size or a strategy that the goal does not have, `internal` for a molecule listed twice, `numerical` for a prediction
 *   that is not a number; as the model; cancelled
 */
export async function chooseBatch(asked: ChooseRequest): Promise<ChosenBatch> {
  checkRequest(asked);
  const view = viewOf(asked);
  const { request, tradeOff } = view;
  const { surrogate, rules, batchSize, seed } = request;
  const draft = rules?.begin(batchSize) ?? null;
  const pending = new Set(request.pending ?? []);
  const offered = new Set(
    request.moleculeIds.filter((id) => !pending.has(id) && (!rules || rules.admits(id))),
  );
  const batch = new Batch(draft ? Math.min(draft.size, batchSize) : batchSize, offered, draft);
  const decision = decisionFor(view, {
    ...{ batchSize: batch.size, pending: pending.size, comparable: await comparable(request, offered) },
  });

  batch.takeRequired();
  const first = batch.picks.length;
  const randomSize = Math.round(batch.left * (surrogate ? decision.randomShare : 0));
  pickAtRandom(batch, first + randomSize, seed, 'share');
  const drawn = batch.picks.length;
  if (surrogate) await pickByModel({ request, batch, decision, surrogate, tradeOff });
  else
    pickAtRandom(
      batch,
      batch.size,
      seed,
      request.acquisition.strategy === 'random' ? 'strategy' : 'no-model',
    );

  const { picks } = batch;
  const ranked: ChosenPick[] = [
    ...picks.slice(0, first),
    ...picks.slice(drawn),
    ...picks.slice(first, drawn),
  ];
  return { picks: await explain(asked, asked.surrogate, ranked), decision, passedOver: batch.passedOver };
}

/** Whether the features tell how alike molecules are: asked where the decision rests on it. */
async function comparable(request: ChooseRequest, offered: ReadonlySet<string>): Promise<boolean> {
  if (!request.surrogate || request.acquisition.strategy !== 'auto' || request.goal?.kind !== 'learn')
    return true;
  const [any] = offered;
  return any === undefined || sparseRowsOf(await request.featuresOf([any])) !== null;
}

type ByModel = Pick<Choosing, 'request' | 'batch' | 'decision' | 'surrogate' | 'tradeOff'>;

/** Fills the batch part by part. A strategy that looks at a sample or a shortlist looks again while places are left. */
async function pickByModel(parts: ByModel): Promise<void> {
  const { request, batch, decision, surrogate, tradeOff } = parts;
  const from = batch.picks.length;
  const places = batch.left;
  const utilityRequest = await utilityRequestOf(parts);
  let share = 0;
  for (const [i, part] of decision.parts.entries()) {
    share += part.share;
    const last = i === decision.parts.length - 1;
    const until = from + (last ? places : Math.round(places * share));
    while (batch.picks.length < until && batch.offered.size > 0) {
      request.signal?.throwIfAborted();
      await strategist({ ...{ request, batch, decision, part, surrogate, tradeOff, utilityRequest, until } });
    }
  }
}

function strategist(choosing: Choosing): Promise<void> | void {
  const { part, batch, until, request, tradeOff } = choosing;
  switch (part.strategy) {
    case 'random':
      return pickAtRandom(batch, until, request.seed, 'strategy');
    case 'ehvi':
      return pickByHypervolume(choosing, tradeOff!);
    case 'thompson':
      return tradeOff ? pickByScalarisedDraws(choosing, tradeOff) : pickByDraws(choosing);
    case 'nipv':
      return pickByIntegratedVariance(choosing);
    case 'max-determinant':
      return pickByDeterminant(choosing);
    case 'core-set':
      return pickCoreSet(choosing);
    case 'maxmin':
      return pickFarthest(choosing);
    default:
      return part.batching === 'joint' ? pickJointly(choosing) : pickByRank(choosing);
  }
}

/** With the best prediction among the candidates, where improvement has nothing measured to start from: a pass of its own. */
async function utilityRequestOf({ request, batch, decision, surrogate }: ByModel) {
  const base = utilityRequestFor(request, decision);
  const wanted = decision.parts.some(
    ({ strategy }) => isPointwise(strategy) && needsReference(strategy, base),
  );
  if (!wanted) return base;
  const best = await bestPrediction(request, surrogate, base, batch.offered);
  return best === undefined ? base : { ...base, reference: best };
}

const bestPrediction = async (
  request: ChooseRequest,
  surrogate: Surrogate,
  base: UtilityRequest,
  offered: ReadonlySet<string>,
): Promise<number | undefined> =>
  (await shortlist(request, surrogate, utilityOf('greedy', base), 1, offered)).mean[0];

function checkRequest({ moleculeIds, batchSize, incumbent }: ChooseRequest): void {
  if (!Number.isInteger(batchSize) || batchSize < 0) {
    throw new TitrateError('config-invalid', {
      what: `a batch of ${batchSize} molecules was asked for`,
      where: 'acquisition.batchSize',
      remedy: 'Give a whole number, 0 or more',
    });
  }
  if (incumbent !== null && !Number.isFinite(incumbent)) {
    throw new TitrateError('numerical', {
      what: `the best measured value is ${incumbent}`,
      where: 'acquisition',
    });
  }
  if (new Set(moleculeIds).size === moleculeIds.length) return;
  const seen = new Set<string>();
  const twice = moleculeIds.find((id) => seen.size === seen.add(id).size);
  throw new TitrateError('internal', {
    what: `candidate ${twice} is listed twice; each molecule must come once`,
    where: 'acquisition',
  });
}
