import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { compiledEntry } from '../../src/foundation';
import {
  appendRecord,
  compareHistory,
  makeRecord,
  optionsOf,
  readHistoryFile,
  type BenchFigureInput,
  type BenchRecord,
} from '../../src/platform/bench';
import { titrate, workplace } from './support';

const PEER = { name: 'NumPy', value: 2 };
const record = (i: number, changes: Partial<BenchFigureInput> = {}, more: Partial<BenchRecord> = {}) => ({
  ...makeRecord('pool', [{ name: 'top', value: 1, unit: 'CPU s', peer: PEER, ...changes }], ['--size', '10']),
  at: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(),
  revision: `rev${i}`,
  ...more,
});
/** Ratios of the records in the order of time; the last one is judged. */
const series = (...ratios: number[]) => ratios.map((ratio, i) => record(i, { value: 2 * ratio }));
const verdicts = (records: readonly BenchRecord[], options = {}) =>
  compareHistory(records, options).map(({ verdict }) => verdict);

test('a figure is judged by its ratio to the peer of the same run, against median and deviation of the earlier ones', () => {
  expect(verdicts(series(0.5, 0.5, 0.5, 0.5, 0.6))).toEqual(['regression']);
  expect(verdicts(series(0.5, 0.5, 0.5, 0.5, 0.52))).toEqual(['same']);
  expect(verdicts(series(0.5, 0.5, 0.5, 0.5, 0.4))).toEqual(['better']);
  // Worse by a fifth, in a history that is as wide as that.
  expect(verdicts(series(0.4, 0.6, 0.5, 0.45, 0.6))).toEqual(['same']);
  // Five runs of one program on a busy machine: three raw deviations of four runs would have called the last one slower.
  const seen = series(1 / 0.9843, 1 / 0.9512, 1 / 0.9289, 1 / 0.9756, 1 / 0.8856);
  expect(verdicts(seen)).toEqual(['same']);
  // A busy machine: both took twice as long.
  const busy = [...series(0.5, 0.5, 0.5, 0.5), record(4, { value: 2, peer: { name: 'NumPy', value: 4 } })];
  expect(verdicts(busy)).toEqual(['same']);
  expect(compareHistory(series(0.5, 0.5, 0.5, 0.5, 0.6))[0]).toMatchObject({
    ...{ by: 'ratio', peer: 'NumPy', latest: 0.6, median: 0.5, mad: 0, earlier: 4 },
    worseBy: expect.closeTo(0.2, 12),
  });
});

test('too few records, no peer, another machine, other options: nothing is claimed', () => {
  expect(verdicts(series(0.5, 0.5, 0.5, 0.9))).toEqual(['not enough records']);
  const alone = Array.from({ length: 6 }, (_, i) => record(i, { peer: null, value: i }));
  expect(verdicts(alone)).toEqual(['no peer']);
  const steady = Array.from({ length: 6 }, (_, i) =>
    record(i, { peer: null, steady: true, value: i < 5 ? 1 : 2 }),
  );
  expect(verdicts(steady)).toEqual(['regression']);
  const elsewhere = { cpu: 'another', cores: 64, node: 'v20', system: 'linux arm64' };
  const moved = [...series(0.5, 0.5, 0.5, 0.5, 0.5), record(5, { value: 9 }, { machine: elsewhere })];
  expect(verdicts(moved)).toEqual(['same', 'not enough records']);
  const smaller = [...series(0.5, 0.5, 0.5, 0.5, 0.5), record(5, { value: 9 }, { options: '--size 1' })];
  expect(verdicts(smaller)).toEqual(['same', 'not enough records']);
  expect(verdicts(series(0.5, 0.5, 0.5, 0.5, 0.6), { against: 'rev1' })).toEqual(['not enough records']);
});

test('more is better where it is said to be, and the order of the lines does not matter', () => {
  const higher = series(2, 2, 2, 2, 1).map((one) => ({
    ...one,
    figures: one.figures.map((figure) => ({ ...figure, better: 'higher' as const })),
  }));
  expect(verdicts(higher)).toEqual(['regression']);
  fc.assert(
    fc.property(fc.shuffledSubarray(higher, { minLength: 5 }), (shuffled) => {
      expect(compareHistory(shuffled)).toEqual(compareHistory(higher));
    }),
  );
});

test('a history is read past lines that are no record, and options are told without places', () => {
  const file = path.join(workplace(), 'bench', 'history.ndjson');
  appendRecord(file, record(0));
  appendFileSync(file, '{"benchmark":"po\n{}\n');
  appendRecord(file, record(1));
  expect(readHistoryFile(file)).toMatchObject({ unreadable: [2, 3], records: [{ at: record(0).at }, {}] });
  expect(optionsOf(['--data', '/a/b.csv', '--output', '/c', '--size', '10'])).toBe('--data b.csv --size 10');
});

test('titrate bench lists, shows, compares, and fails on a regression where it is told to', () => {
  const cwd = workplace();
  const file = path.join(cwd, 'home', 'bench', 'history.ndjson');
  mkdirSync(path.dirname(file), { recursive: true });
  expect(titrate(cwd, 'bench', 'compare').code).toBe(1);
  for (const one of series(0.5, 0.5, 0.5, 0.5, 0.9)) appendRecord(file, one);
  const listed = JSON.parse(titrate(cwd, 'bench', 'list', '--json').stdout) as {
    benchmarks: { name: string; records: number }[];
  };
  expect(listed.benchmarks).toContainEqual(expect.objectContaining({ name: 'pool', records: 5 }));
  expect(listed.benchmarks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['main', 'serving', 'drift']),
  );
  expect(titrate(cwd, 'bench', 'show', 'pool').stdout).toContain('NumPy');
  const compared = titrate(cwd, 'bench', 'compare', 'pool');
  expect(compared).toMatchObject({ code: 0, stdout: expect.stringContaining('regression') });
  expect(titrate(cwd, 'bench', 'compare', '--fail-on-regression').code).toBe(1);
  expect(titrate(cwd, 'bench', 'compare', '--against', 'rev9', '--fail-on-regression').code).toBe(0);
  expect(titrate(cwd, 'bench', 'run', 'nonsense')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Known: main'),
  });
});

test('what a benchmark writes down is what compare reads', () => {
  const cwd = workplace();
  const file = path.join(cwd, 'history.ndjson');
  const script = `require(${JSON.stringify(compiledEntry('src/platform/bench/index'))}).recordBenchmark('made', [{ name: 'a', value: 1, unit: 's', peer: { name: 'b', value: 4 } }, { name: 'none', value: NaN, unit: 's' }]);`;
  const env = { ...process.env, TITRATE_BENCH_HISTORY: file };
  spawnSync(process.execPath, ['-e', script], { cwd, env });
  const [line] = readFileSync(file, 'utf8').trim().split('\n');
  expect(JSON.parse(line!)).toMatchObject({
    benchmark: 'made',
    revision: expect.stringMatching(/^\S+$/),
    machine: { node: process.version },
    figures: [{ name: 'a', ratio: 0.25 }],
  });
});
