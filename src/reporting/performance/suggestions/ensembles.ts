import { duration, percent } from '../../format';
import { rmseNoise, sum } from '../numbers';
import { exploredRounds, secondsOf, usable, usesNetworks } from './explored';
import { suggest, type Rule } from './rule';

const LEAST_ROUNDS = 2;

/** Networks that were tried in every round where a Gaussian process was as good. */
export const needlessEnsembles: Rule = (figures) => {
  const rounds = exploredRounds(figures);
  if (rounds.length < LEAST_ROUNDS) return null;
  const gaps: number[] = [];
  for (const { record } of rounds) {
    const last = record.results.filter((one) => one.rung === record.rungs.length - 1 && usable(one));
    const familyOf = (id: string) => record.trials.find(({ trialId }) => trialId === id)?.settings.family;
    const least = (of: typeof last) => Math.min(...of.map(({ metrics }) => metrics.rmse));
    const process = last.filter(({ trialId }) => familyOf(trialId) === 'gaussian-process');
    const networks = last.filter(usesNetworks);
    if (process.length === 0 || networks.length === 0) return null;
    const gap = least(process) / least(networks) - 1;
    if (gap > rmseNoise(process[0]!.metrics.n)) return null;
    gaps.push(gap);
  }
  const spent = sum(rounds, (explored) => secondsOf(explored, explored.record.results.filter(usesNetworks)));
  const worst = Math.max(...gaps);
  return suggest(
    'needless-ensembles',
    { kind: 'work', amount: spent, of: figures.time.workSeconds },
    {
      suggestion: 'Leave the ensembles out of exploration.families: gaussian-process alone',
      figure: `in each of ${rounds.length} rounds the Gaussian process was as good as the best ensemble within noise (at worst ${percent(worst, 1)} more error); the trials of ensembles took ${duration(spent)}`,
    },
  );
};
