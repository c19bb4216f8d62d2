/**
 * `npm run bench:models -- --data FOLDER --cache FOLDER`: our chosen model against scikit-learn's forest, a NumPy Gaussian process, a
 * PyTorch MLP and chemprop on the same splits. `--prepare` first makes the peers' Python environment (once). What is in the cache is
 * not run again. The table goes to standard output as Markdown, `--output` takes all figures as JSON. See docs/benchmarks.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { recordBenchmark } from '../src/platform/bench';
import { compare, pooledCoverage } from './peers/comparison';
import { DATA_SETS } from './peers/data-sets';
import { peerPython, PEERS, preparePeers, runPeer, runTitrate } from './peers/methods';
import { renderReport } from './peers/report';
import { answersExist, prepareWorkspace, readAnswers } from './peers/workspace';

const { values } = parseArgs({
  options: {
    prepare: { type: 'boolean', default: false },
    data: { type: 'string' },
    cache: { type: 'string' },
    'data-sets': { type: 'string', default: DATA_SETS.map(({ name }) => name).join(',') },
    peers: { type: 'string', default: PEERS.join(',') },
    python: { type: 'string' },
    splits: { type: 'string', default: '5' },
    seed: { type: 'string', default: '5' },
    resamples: { type: 'string', default: '2000' },
    /** Inactive molecules at most, or `all`. */
    'muv-inactives': { type: 'string', default: '2000' },
    'mapk1-inactives': { type: 'string', default: '3000' },
    family: { type: 'string', default: 'auto' },
    /** What our answers are filed under; another name keeps those of an earlier version. */
    name: { type: 'string', default: 'titrate' },
    /** Runs nothing: reports on what the cache holds. */
    'report-only': { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});

const count = (text: string): number => {
  const value = text === 'all' ? Infinity : Number(text);
  if (!(value > 0)) throw new Error(`${text} is no number above 0`);
  return value;
};

function main(): void {
  if (values.prepare) {
    preparePeers();
    if (!values.data) return;
  }
  if (!values.data || !values.cache) {
    throw new Error('--data FOLDER (the data sets) and --cache FOLDER (splits, predictions) are needed');
  }
  const seed = Number(values.seed);
  const peers = values.peers.split(',').filter(Boolean);
  const prepared = prepareWorkspace(values.cache, values['data-sets'].split(','), count(values.splits), {
    folder: values.data,
    seed,
    inactives: { muv: count(values['muv-inactives']), mapk1: count(values['mapk1-inactives']) },
  });
  if (!values['report-only']) {
    const python = peers.length > 0 ? peerPython(values.python) : '';
    for (const one of prepared) {
      for (const peer of peers) runPeer(python, peer, one);
      for (const index of one.splits.keys()) {
        runTitrate(one, index, { family: values.family, seed: seed + index, name: values.name });
      }
    }
  }
  const comparisons = prepared.map((one) => {
    const answers = [values.name, ...peers].map((method) => {
      const on = [...one.splits.keys()].filter((index) => answersExist(one, index, method));
      return [method, new Map(on.map((index) => [index, readAnswers(one, index, method)]))] as const;
    });
    return compare({
      prepared: one,
      answers: new Map(answers.filter(([, own]) => own.size > 0)),
      ours: values.name,
      resamples: count(values.resamples),
      seed,
    });
  });
  const pooled = pooledCoverage(comparisons);
  process.stdout.write(renderReport(comparisons, pooled, values.name));
  recordBenchmark(
    'models',
    comparisons.flatMap(({ title, metric, methods, duels }) => {
      const of = (name: string | undefined) => methods.find(({ method }) => method === name);
      const [ours, peer] = [of(values.name), of(duels[0]?.peer)];
      if (!ours) return [];
      return [
        {
          ...{ name: title, value: ours.score.mean, unit: metric, steady: true },
          better: metric === 'rmse' ? ('lower' as const) : ('higher' as const),
          peer: peer ? { name: peer.method, value: peer.score.mean } : null,
        },
      ];
    }),
  );
  if (values.output) {
    writeFileSync(
      values.output,
      `${JSON.stringify({ seed, comparisons, pooledCoverage: pooled }, null, 2)}\n`,
    );
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
