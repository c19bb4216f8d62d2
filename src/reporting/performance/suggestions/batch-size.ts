import { duration, percent, plural } from '../../format';
import { rmseNoise, sum } from '../numbers';
import { between, elapsedOf } from '../rounds';
import { suggest, type Rule } from './rule';

/** Batches that add less than this part to what is known change the model little; the batches of ADR and benchmarks add more. */
const ADDED = 0.1;
/** Fewer than these are not worth a turn of the lab. */
const LEAST_BATCH = 8;
const LEAST_ROUNDS = 3;

/**
 * Small batches with a lab that takes its time for each. A batch of B for b halves, thirds, … the turns; what a turn takes is taken to
 * hang on the turn and not on the number of molecules, which holds for labs that work by plates.
 */
export const batchSize: Rule = (figures) => {
  const { work, record } = figures.input;
  const turns = figures.rounds.flatMap((round) => {
    const own = work.find((one) => one.round === round.round);
    const next = work.find((one) => one.round === round.round + 1);
    return own && next && round.batchSize > 0 ? [{ round, own, next, lab: between(own, next) }] : [];
  });
  // The batch before there is a model is of a size of its own.
  const learnt = turns.filter(({ round }) => round.rmse !== null);
  const { batchSize: size } = record.config.acquisition;
  const wanted = Math.max(LEAST_BATCH, Math.floor(ADDED * figures.labels.labels));
  if (learnt.length < LEAST_ROUNDS || 2 * size > wanted) return null;
  const errors = learnt.map(({ round }) => round.rmse!);
  const fell = 1 - errors.at(-1)! / errors[0]!;
  const perTurn = fell / (errors.length - 1);
  const noise = rmseNoise(figures.labels.labels);
  if (perTurn > noise) return null;
  const lab = sum(learnt, (turn) => turn.lab);
  const machine = sum(learnt, ({ own }) => elapsedOf(own));
  return suggest(
    'batch-size',
    {
      kind: 'elapsed',
      amount: (lab + machine) * (1 - size / wanted),
      of: figures.time.elapsedSeconds,
    },
    {
      suggestion: `Hand out more at a time: acquisition.batchSize from ${size} to ${wanted}, with fewer rounds (budget.rounds)`,
      figure:
        `${plural(learnt.length, 'turn')} of ${plural(size, 'molecule')} took ${duration(lab)} between rounds and ${duration(machine)} of rounds; ` +
        `each added ${percent(size / figures.labels.labels, 1)} to the labels, and the error moved by ${percent(perTurn, 1)} a turn, its noise being ${percent(noise, 1)}`,
    },
  );
};
