import type { HeldOutPrediction } from '../../contracts';
import type { ReportContext } from '../context';
import type { LoadedRound } from '../dossier';
import type { Html } from '../html';

/** Sizes of the charts that stand side by side, pixels. */
export const HALF = { width: 490, height: 320 };
export const SQUARE = { width: 490, height: 430 };

/** Rounds that trained and evaluated a model. */
export const evaluated = (context: ReportContext) =>
  context.dossier.rounds.filter((round) => round.record.evaluation !== null);

export const predictionSources = (context: ReportContext, rounds: readonly LoadedRound[]): Html =>
  context.sources.citeEach(
    'held-out predictions',
    rounds.map((round) => [`round ${round.round}`, round.record.evaluation!.predictions] as const),
  );

/** Censored rows of the round's table: their observed value is only a bound. */
export const isBound = (round: LoadedRound, p: HeldOutPrediction) =>
  (round.cut.rows.get(p.moleculeId)?.qualifier ?? '=') !== '=';

/** Where predicted and measured agree. */
export const diagonal = ([low, high]: readonly [number, number]) =>
  ({
    kind: 'line',
    tone: 'muted',
    dashed: true,
    points: [
      { x: low, y: low },
      { x: high, y: high },
    ],
  }) as const;
