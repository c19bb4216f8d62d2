import type { ReportContext } from '../context';
import type { LoadedCut, LoadedRound } from '../dossier';
import { section } from '../elements';
import { count, plural } from '../format';
import { markup, type Html } from '../html';
import { calibrationPlot } from './calibration';
import { coveragePerRound, errorPerRound } from './model-by-round';
import { heldOutScatter } from './scatter';

/** The page's material as it would be if further property `i` were the first: its table, its held-out predictions, its unit. */
function asFirst(context: ReportContext, i: number): ReportContext {
  const { dossier, objective } = context;
  const { property, direction, unit } = objective.others![i]!;
  const cuts = new Map(
    dossier.cuts.map((cut): [LoadedCut, LoadedCut] => {
      const rows = cut.others[i] ?? new Map();
      return [cut, { ...cut, rows, labelled: [...rows.values()] }];
    }),
  );
  const rounds = dossier.rounds.map((round): LoadedRound => ({
    ...round,
    cut: cuts.get(round.cut)!,
    record: { ...round.record, evaluation: round.record.others?.[i]?.evaluation ?? null },
    predictions: round.others[i] ?? [],
  }));
  const latest = dossier.latest && cuts.get(dossier.latest)!;
  return {
    ...context,
    objective: { ...objective, property, direction, unit },
    dossier: { ...dossier, rounds, cuts: [...cuts.values()], latest },
  };
}

/** How good the model of each further property is; nothing for a campaign of one. */
export function furtherSections(context: ReportContext): readonly Html[] {
  return (context.objective.others ?? []).map(({ property }, i) => {
    const own = asFirst(context, i);
    const known = context.dossier.latest?.cut.others?.[i];
    const words =
      known &&
      markup`<p>
        ${plural(known.labels, 'molecule')} with a value: ${count(known.measured)} measured,
        ${count(known.censored)} as bounds; ${count(known.failed)} failed.
      </p>`;
    const evaluated = own.dossier.rounds.some(({ record }) => record.evaluation);
    return section(
      `property-${i + 2}`,
      `How good the model of ${property} is`,
      markup`${words}${
        evaluated
          ? markup`<div class="figures">${heldOutScatter(own)}${errorPerRound(own)}${calibrationPlot(own)}${coveragePerRound(own)}</div>`
          : markup`<p class="note">There were too few values for a model of it.</p>`
      }`,
    );
  });
}
