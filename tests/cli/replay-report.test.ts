import type { Retrospective } from '../../src/cli/models/replay-plan';
import { renderRetrospective } from '../../src/cli/models/replay-report';

const run = (strategy: string, seed: number, recall: number[], rmse: (number | null)[]) => ({
  ...{ strategy, seed, recall, rmse, hits: recall.map((share) => 10 * share), enrichment: recall },
  ...{ measured: [10, 20], labels: [10, 18], cpuSecondsPerCycle: [0.5], coverage90: [null, 0.9] },
});
const result: Retrospective = {
  dataset: 'measured.csv',
  poolSize: 100,
  protocol: {
    ...{
      direction: 'minimize',
      goal: { kind: 'best' },
      initial: 10,
      batch: 10,
      rounds: 1,
      top: 10,
      test: 25,
    },
    mishaps: { failed: 0.25, abandoned: 0, late: 0, corrected: 0.5, retryFailed: false },
    ...{
      kind: 'property',
      family: 'gaussian-process',
      features: 'descriptors',
      unlabelledCostsBudget: false,
    },
  },
  runs: [run('auto', 1, [0, 0.4], [null, 0.5]), run('auto', 2, [0.1, 0.6], [2, 0.7])],
};
// eslint-disable-next-line no-control-regex
const text = renderRetrospective(result).replace(/\u001b\[\d+m/g, '');

describe('a replay as text', () => {
  test('tells the protocol, mishaps that there were and what was held out', () => {
    expect(text).toContain('failed 0.25, corrected 0.5\n');
    expect(text).toContain('the 10 best values (minimize)');
    expect(text).toMatch(/held out +25/);
  });

  test('of several properties has the front first', () => {
    const { protocol, runs } = result;
    const several = { property: 'logS', others: [{ property: 'logP', direction: 'minimize' as const }] };
    const told = renderRetrospective({
      ...result,
      protocol: { ...protocol, direction: 'maximize', goal: { kind: 'pareto' }, several },
      runs: runs.map((each) => ({ ...each, hypervolume: [0.25, 0.5], frontSize: [2, 3] })),
    }).replace(/\u001b\[\d+m/g, ''); // eslint-disable-line no-control-regex
    expect(told).toContain('logS (maximize), logP (minimize)');
    expect(told).toContain('the best trade-offs');
    expect(told).toMatch(/auto +0\.250 +0\.500 +0\.50\n/);
    expect(told).toMatch(/auto +2\.0 +3\.0\n/);
  });

  test('has the means over seeds, those without a model left out', () => {
    expect(text).toMatch(/auto +0\.050 +0\.500 +0\.50\n/);
    expect(text).toMatch(/auto +2\.000 +0\.600\n/);
    expect(text).toMatch(/auto +- +0\.900\n/);
  });
});
