import { TitrateError } from '../contracts';
import type { Candidates, SelectedPick, SelectRequest } from './acquisition';
import { expectedImprovement, logExpectedImprovement } from './improvement';
import { descending, firstOf, hashOrder, type Order } from './ranking';
import { eiReason, greedyReason, randomReason, thompsonReason, ucbReason } from './reasons';

type Model = NonNullable<Candidates['model']>;

/**
 * The next batch: a pure function of the request.
 *
 * - `random`: uniform over the candidates that are not excluded; also what happens while there is no model.
 * - `greedy`: the best predicted mean.
 * - `ucb`: mean + kappa sigma when maximising, mean - kappa sigma when minimising (Srinivas et al. 2010).
 * - `ei`: expected improvement on the incumbent (Jones et al. 1998), ranked by its logarithm so that candidates far from the
 *   incumbent stay in order (Ament et al. 2023). While every measurement is censored, the best predicted mean stands in.
 * - `thompson`: posterior draw k picks its best candidate not yet taken (Kandasamy et al. 2018); with fewer draws than picks
 *   the draws go round again.
 *
 * `round(randomShare x batch)` of the picks are drawn first, uniformly from all candidates and without regard to the model,
 * so that they stay an unbiased yardstick; they come last in the answer, under strategy `random`. Ties go by a seeded hash
 * of the molecule's id: permuting the candidates never changes the batch.
 *
 * @returns picks in rank order; all candidates where fewer are left than asked for, none where none are left.
 * @throws TitrateError `config-invalid` for an impossible batch size, `internal` for arrays of the wrong length, a molecule
 *   listed twice or missing posterior draws, `numerical` for a prediction that is not a number.
 */
export function selectBatch(request: SelectRequest): SelectedPick[] {
  const { candidates, excluded, acquisition, batchSize, seed } = request;
  const { moleculeIds, model } = candidates;
  checkRequest(request);
  const eligible: number[] = [];
  for (let i = 0; i < moleculeIds.length; i++) if (!excluded.has(moleculeIds[i]!)) eligible.push(i);
  if (model) checkPredictions(candidates, model, eligible);

  const size = Math.min(batchSize, eligible.length);
  const byModel = model !== undefined && acquisition.strategy !== 'random';
  const randomSize = byModel ? Math.round(size * acquisition.randomShare) : size;
  const why = !model ? 'no-model' : byModel ? 'share' : 'strategy';
  const random = firstOf(eligible, randomSize, hashOrder(moleculeIds, seed, 'random')).map(
    (index): SelectedPick => {
      return {
        index,
        moleculeId: moleculeIds[index]!,
        strategy: 'random',
        reason: randomReason(eligible.length, why),
      };
    },
  );
  if (!byModel || random.length === size) return random;

  const taken = new Set(random.map((pick) => pick.index));
  const left = eligible.filter((index) => !taken.has(index));
  return [...pickByModel(request, model, left, size - random.length), ...random];
}

function pickByModel(request: SelectRequest, model: Model, left: number[], count: number): SelectedPick[] {
  const { candidates, acquisition, direction, seed, incumbent } = request;
  const { moleculeIds } = candidates;
  const { mean, sigma } = model;
  const strategy = acquisition.strategy;
  const sign = direction === 'maximize' ? 1 : -1;
  const ties = hashOrder(moleculeIds, seed, 'tie');
  const utility = mean.map((m) => sign * m);
  const ranked = (
    order: Order,
    describe: (index: number) => { value: number; reason: string },
  ): SelectedPick[] =>
    firstOf(left, count, order).map((index) => {
      return { index, moleculeId: moleculeIds[index]!, strategy, ...describe(index) };
    });

  switch (strategy) {
    case 'greedy':
      return ranked(descending(utility, ties), (i) => {
        return { value: mean[i]!, reason: greedyReason(mean[i]!, sigma[i]!, direction, incumbent) };
      });
    case 'ucb': {
      const { kappa } = acquisition;
      return ranked(
        descending(
          utility.map((u, i) => u + kappa * sigma[i]!),
          ties,
        ),
        (i) => {
          const bound = mean[i]! + sign * kappa * sigma[i]!;
          return { value: bound, reason: ucbReason(mean[i]!, sigma[i]!, bound, kappa, direction, incumbent) };
        },
      );
    }
    case 'ei': {
      const reference = incumbent ?? sign * left.reduce((best, i) => Math.max(best, utility[i]!), -Infinity);
      const score = new Float64Array(mean.length).fill(NaN);
      for (const i of left) score[i] = logExpectedImprovement(utility[i]!, sigma[i]!, sign * reference);
      // Where even the logarithm has run out (sigma = 0 and no gain), the better mean goes first.
      return ranked(descending(score, descending(utility, ties)), (i) => {
        const value = expectedImprovement(utility[i]!, sigma[i]!, sign * reference);
        const referenceIs = incumbent === null ? 'predicted' : 'measured';
        return { value, reason: eiReason(mean[i]!, sigma[i]!, value, reference, referenceIs) };
      });
    }
    case 'thompson':
      return pickByDraws(request, model, left, count, sign, ties);
    case 'random':
      throw new TitrateError('internal', { what: 'random picks need no model' });
  }
}

function pickByDraws(
  request: SelectRequest,
  model: Model,
  left: number[],
  count: number,
  sign: number,
  ties: Order,
): SelectedPick[] {
  const { moleculeIds } = request.candidates;
  const draws = model.draws ?? [];
  const utilities = draws.map((draw) => (sign === 1 ? draw : draw.map((value) => -value)));
  const taken = new Set<number>();
  return Array.from({ length: count }, (_, k): SelectedPick => {
    const at = k % draws.length;
    const order = descending(utilities[at]!, ties);
    let best = -1;
    for (const index of left) if (!taken.has(index) && (best < 0 || order(index, best) < 0)) best = index;
    taken.add(best);
    const value = draws[at]![best]!;
    const reason = thompsonReason(model.mean[best]!, model.sigma[best]!, value, at + 1, draws.length);
    return { index: best, moleculeId: moleculeIds[best]!, strategy: 'thompson', value, reason };
  });
}

function checkRequest({ candidates, batchSize, acquisition, incumbent }: SelectRequest): void {
  const { moleculeIds, model } = candidates;
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
  if (new Set(moleculeIds).size !== moleculeIds.length) {
    const seen = new Set<string>();
    const twice = moleculeIds.find((id) => seen.size === seen.add(id).size);
    throw new TitrateError('internal', {
      what: `candidate ${twice} is listed twice; each molecule must come once`,
      where: 'acquisition',
    });
  }
  if (!model) return;
  const columns: [string, Float64Array][] = [
    ['mean', model.mean],
    ['sigma', model.sigma],
  ];
  model.draws?.forEach((draw, k) => columns.push([`draw ${k + 1}`, draw]));
  for (const [name, column] of columns) {
    if (column.length !== moleculeIds.length) {
      throw new TitrateError('internal', {
        what: `${name} has ${column.length} values for ${moleculeIds.length} candidates`,
        where: 'acquisition',
      });
    }
  }
  if (acquisition.strategy === 'thompson' && !model.draws?.length) {
    throw new TitrateError('internal', {
      what: 'Thompson sampling was asked for without posterior draws',
      where: 'acquisition',
      remedy: "Pass the model's joint draws over the candidates, one for each pick",
    });
  }
}

/** Every candidate that may be picked needs finite numbers: one NaN would silently sort anywhere. */
function checkPredictions({ moleculeIds }: Candidates, model: Model, eligible: readonly number[]): void {
  for (const i of eligible) {
    const drawn = model.draws?.findIndex((draw) => !Number.isFinite(draw[i]!)) ?? -1;
    if (
      Number.isFinite(model.mean[i]!) &&
      Number.isFinite(model.sigma[i]!) &&
      model.sigma[i]! >= 0 &&
      drawn < 0
    )
      continue;
    const draw = drawn < 0 ? '' : `, draw ${drawn + 1} = ${model.draws![drawn]![i]}`;
    throw new TitrateError('numerical', {
      what: `the model predicts mean ${model.mean[i]}, sigma ${model.sigma[i]}${draw}; expected finite numbers and sigma of 0 or more`,
      where: `candidate ${moleculeIds[i]}`,
      remedy: 'Look at the training of this round: a model that predicts no number cannot choose a batch',
    });
  }
}
