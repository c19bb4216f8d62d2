import type { PropertyPrediction } from '../contracts';
import { Z90 } from '../foundation';
import type { ChosenPick, ChooseRequest, Surrogate } from './acquisition';
import { SimilarityIndex, sparseRowsOf } from './distance';
import { believe, totalOf } from './scoring';

/** Most measured molecules that neighbours are looked for among; with more, picks go without. */
const MOST_MEASURED = 100_000;

/** Adds what the models say of each pick, and the measured molecule most like it. */
export async function explain(
  request: ChooseRequest,
  surrogate: Surrogate | null,
  picks: readonly ChosenPick[],
): Promise<ChosenPick[]> {
  const further = (request.others ?? []).flatMap(({ property, surrogate: own }) =>
    own ? [{ property, own }] : [],
  );
  if ((!surrogate && further.length === 0) || picks.length === 0) return [...picks];
  const ids = picks.map(({ moleculeId }) => moleculeId);
  const beliefs = surrogate && (await believe(request, surrogate, ids));
  const others = ids.map((): PropertyPrediction[] => []);
  for (const { property, own } of further) {
    const told = await believe(request, own, ids);
    others.forEach((list, i) => list.push(predictionOf(property, told.mean[i]!, totalOf(told, i))));
  }
  const nearest = await nearestMeasured(request, ids);
  return picks.map((pick, i) => ({
    ...pick,
    ...(beliefs && { predicted: { mean: beliefs.mean[i]!, total: totalOf(beliefs, i) } }),
    ...(further.length > 0 && { others: others[i]! }),
    ...(nearest && { nearest: nearest[i]! }),
  }));
}

const predictionOf = (
  property: string,
  predicted: number,
  standardDeviation: number,
): PropertyPrediction => ({
  ...{ property, predicted, standardDeviation },
  interval90: [predicted - Z90 * standardDeviation, predicted + Z90 * standardDeviation],
});

async function nearestMeasured(request: ChooseRequest, ids: readonly string[]) {
  const measured = [...new Set(request.measured ?? [])].sort();
  if (measured.length === 0 || measured.length > MOST_MEASURED) return null;
  const rows = sparseRowsOf(await request.featuresOf([...measured, ...ids]));
  if (!rows) return null;
  const own = { ...rows, rows: measured.length };
  const index = new SimilarityIndex(own);
  const row = new Float64Array(measured.length);
  return ids.map((_, i) => {
    index.similarities(rows, measured.length + i, row);
    let best = 0;
    for (let m = 1; m < row.length; m++) if (row[m]! > row[best]!) best = m;
    return { moleculeId: measured[best]!, similarity: row[best]! };
  });
}
