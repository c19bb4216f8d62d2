import type { TrialResult } from '../../../contracts';
import { duration, percent, plural } from '../../format';
import { rmseNoise, sum } from '../numbers';
import { exploredRounds, secondsOf, usable, usesNetworks, type Explored } from './explored';
import { suggest, type Rule } from './rule';

/** Pairs of a longer and a shorter training that must agree. */
const LEAST_PAIRS = 4;

interface Pair {
  readonly explored: Explored;
  readonly longer: TrialResult;
  readonly shorter: TrialResult;
  /** Share of the longer one's epochs. */
  readonly part: number;
}

/** Trials of networks that were trained on the same rows twice, with less effort and with more. */
function pairsOf(explored: Explored): Pair[] {
  const { results, rungs } = explored.record;
  const effort = new Map(rungs.map((rung) => [rung.rung, rung.effort]));
  const networks = results.filter((one) => usesNetworks(one) && usable(one));
  return networks.flatMap((longer) =>
    networks
      .filter(
        (one) => one.trialId === longer.trialId && one.rung === longer.rung - 1 && one.rows === longer.rows,
      )
      .map((shorter) => ({
        ...{ explored, longer, shorter },
        part: (effort.get(shorter.rung) ?? 1) / (effort.get(longer.rung) ?? 1),
      }))
      .filter(({ part }) => part < 1),
  );
}

/** Epochs beyond those after which the error no longer fell. */
export const needlessEpochs: Rule = (figures) => {
  const pairs = exploredRounds(figures).flatMap(pairsOf);
  if (pairs.length < LEAST_PAIRS) return null;
  const better = pairs.map(({ longer, shorter }) => 1 - longer.metrics.rmse / shorter.metrics.rmse);
  const mean = sum(better, (value) => value) / pairs.length;
  const noise = sum(pairs, ({ longer }) => rmseNoise(longer.metrics.n)) / pairs.length;
  if (mean > noise / 2) return null;
  const saved = sum(pairs, ({ explored, longer, part }) => secondsOf(explored, [longer]) * (1 - part));
  const { epochs } = figures.input.record.config.exploration;
  const part = Math.max(...pairs.map((pair) => pair.part));
  return suggest(
    'needless-epochs',
    { kind: 'work', amount: saved, of: figures.time.workSeconds },
    {
      suggestion: `Train for less: exploration.epochs from ${epochs} to ${Math.max(1, Math.ceil(epochs * part))}, and training.epochs likewise`,
      figure: `${plural(pairs.length, 'network')} trained with ${percent(part)} of the epochs and with all of them on the same rows: ${percent(Math.max(0, mean), 1)} less error, its noise being ${percent(noise, 1)}; the rest took ${duration(saved)}`,
    },
  );
};
