import { duration, percent } from '../../format';
import { learningHours } from '../money';
import { sum } from '../numbers';
import { suggest, type Rule } from './rule';

const HOUR = 3600;
const ACCELERATED = 'tensorflow-gpu';
/** A machine that is used more than this is not idle. */
const MOST_USED = 0.5;

/** A machine with a GPU, by the time in which something was computed on the GPU. */
export const idleAccelerator: Rule = (figures) => {
  const { record, installation, rates } = figures.input;
  const onGpu = record.rounds.some(({ summary }) => summary.backend === ACCELERATED);
  const held =
    onGpu || (installation.training === 'vertex' && installation.acceleratorCount > 0)
      ? learningHours(figures.input) * HOUR
      : 0;
  if (held === 0) return null;
  const used = sum(record.rounds, ({ exploration, evaluation }) =>
    sum(
      [...(exploration?.results ?? []), ...(evaluation ? [evaluation] : [])].filter(
        ({ backend }) => backend === ACCELERATED,
      ),
      ({ computeSeconds }) => computeSeconds,
    ),
  );
  if (used > MOST_USED * held) return null;
  const families = [...new Set(record.rounds.flatMap(({ summary }) => summary.family ?? []))];
  return suggest(
    'idle-accelerator',
    {
      kind: 'money',
      amount: ((held - used) / HOUR) * rates.learningMachineHour,
      of: figures.money.usd,
    },
    {
      suggestion:
        installation.training === 'vertex'
          ? 'Train without an accelerator: training.acceleratorCount 0, or raise training.vertexFromLabels'
          : 'Give the gpu workers machines without a GPU, or explore networks only where they win',
      figure: `machines with a GPU were held for ${duration(held)}, and something was computed on one for ${duration(used)}, ${percent(used / held, 1)} of that; models chosen: ${families.join(', ') || 'none'}`,
    },
  );
};
