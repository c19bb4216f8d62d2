import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { compare, pooledCoverage } from '../../../scripts/peers/comparison';
import { cpuSecondsOf, runPeer } from '../../../scripts/peers/methods';
import { renderReport } from '../../../scripts/peers/report';
import { splitOf } from '../../../scripts/peers/splits';
import {
  answersExist,
  prepareWorkspace,
  readAnswers,
  writeAnswers,
  type Answers,
} from '../../../scripts/peers/workspace';
import { compiledEntry, packageRoot } from '../../../src/foundation';
import { describeWithPython, oraclePython } from '../../support/python';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-models-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Alkanes, alcohols and amines, in the layout of ESOL's file; one SMILES is there twice. */
function writeTable(): string {
  const molecules = ['', 'O', 'N'].flatMap((end) =>
    Array.from({ length: 14 }, (_, i) => [`${'C'.repeat(i + 1)}${end}`, (end ? 1 : 0) - 0.5 * i] as const),
  );
  const rows = [...molecules, ['C', 1] as const];
  const heading = 'smiles,measured log solubility in mols per litre';
  writeFileSync(
    path.join(directory, 'esol_1128.csv'),
    [heading, ...rows.map((row) => row.join(','))].join('\n'),
  );
  return directory;
}

const options = () => ({ folder: writeTable(), seed: 1, inactives: { muv: 10, mapk1: 10 } });
const prepare = (cache: string, seed = 1) =>
  prepareWorkspace(path.join(directory, cache), ['esol'], 2, { ...options(), seed })[0]!;

describe('splits', () => {
  test('share no row, and hold out a fifth of every class', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 60 }),
        fc.integer({ min: 5, max: 200 }),
        fc.nat(),
        (actives, inactives, seed) => {
          const targets = [...Array<number>(actives).fill(1), ...Array<number>(inactives).fill(0)];
          const { train, test } = splitOf(
            { task: 'classification', targets },
            { name: 'x', sizes: {} },
            0,
            seed,
          );
          expect([...train, ...test].sort((a, b) => a - b)).toEqual([...targets.keys()]);
          expect(test.filter((row) => targets[row] === 1)).toHaveLength(Math.round(actives / 5));
          expect(test).toHaveLength(Math.round(actives / 5) + Math.round(inactives / 5));
        },
      ),
    );
  });

  test('have the sizes that are asked for, or say what is missing', () => {
    const table = { task: 'regression', targets: Array<number>(50).fill(0) } as const;
    const { train, test } = splitOf(table, { name: 'x', sizes: { train: 10, test: 30 } }, 3, 1);
    expect([train.length, test.length, new Set([...train, ...test]).size]).toEqual([10, 30, 40]);
    expect(() => splitOf(table, { name: 'x', sizes: { train: 30, test: 30 } }, 0, 1)).toThrow(
      'x: 60 rows are needed and 50 are there',
    );
  });
});

describe('the workspace', () => {
  test('merges repeated SMILES, keeps its splits, and refuses to mix those of another seed', () => {
    const first = prepare('a');
    expect(first.table.smiles).toHaveLength(42);
    expect(first.table.targets[0]).toBe(0.5);
    expect(prepare('a').splits).toEqual(first.splits);
    expect(() => prepare('a', 2)).toThrow('name another --cache folder');
  });

  test('reads answers back, and misses none in silence', () => {
    const prepared = prepare('b');
    const { test } = prepared.splits[1]!;
    const answers: Answers = {
      predictions: test.map((row) => row / 3),
      intervals: test.map((row) => [row / 3 - 1, row / 3 + 1] as const),
      cpuSeconds: 2.5,
      details: { notAnswered: 0 },
    };
    expect(answersExist(prepared, 1, 'x')).toBe(false);
    writeAnswers(prepared, 1, 'x', answers);
    expect(readAnswers(prepared, 1, 'x')).toEqual(answers);
    const file = path.join(prepared.folder, 'split-1.x.csv');
    writeFileSync(file, readFileSync(file, 'utf8').trimEnd().split('\n').slice(0, -1).join('\n'));
    expect(() => readAnswers(prepared, 1, 'x')).toThrow(`no prediction of row ${test.at(-1)}`);
  });
});

describe('the comparison', () => {
  test('goes by the peer that leaves ours least, on the splits both answered, and pools coverage', () => {
    const prepared = prepare('c');
    const off = (by: number, split: number, width?: number): Answers => {
      const { test } = prepared.splits[split]!;
      // Errors of either sign and of several sizes.
      const predictions = test.map(
        (row, i) => prepared.table.targets[row]! + by * (i % 2 ? 1 : -1) * (1 + (i % 3)),
      );
      const intervals =
        width === undefined ? undefined : predictions.map((value) => [value - width, value + width] as const);
      return { predictions, ...(intervals && { intervals }), cpuSeconds: 1 + split, details: {} };
    };
    const both = (by: number, width?: number) =>
      new Map([0, 1].map((split) => [split, off(by, split, width)]));
    const answers = new Map([
      ['titrate', both(1, 2.5)],
      ['forest', both(2)],
      ['gp', new Map([[1, off(0.5, 1)]])],
    ]);
    const comparison = compare({ prepared, answers, ours: 'titrate', resamples: 200, seed: 1 });
    expect(comparison.duels.map(({ peer, verdict, splits }) => [peer, verdict, splits])).toEqual([
      ['gp', 'worse', [1]],
      ['forest', 'better', [0, 1]],
    ]);
    const [ours, forest] = comparison.methods;
    expect(forest!.score.mean).toBeCloseTo(2 * ours!.score.mean, 9);
    expect(ours!.cpuSeconds).toBe(1.5);
    // Of errors of 1, 2, 3, 1, … an interval of 2.5 to either side misses every third.
    const expected = { predictions: 16, inside: 12 };
    expect(comparison.coverage).toMatchObject(expected);
    expect(pooledCoverage([comparison, comparison])).toMatchObject({ predictions: 32, inside: 24 });
    const text = renderReport([comparison], comparison.coverage, 'titrate');
    expect(text).toMatch(/\| ESOL, log solubility \| gp \| \+1\.\d{3} \(\+.*\) \| 1 \| worse \|/);
    expect(text).toContain('12 of 16');
  });
});

test('CPU seconds of a child are read from the shell', () => {
  const { stderr } = spawnSync('sh', ['-c', 'times >&2'], { encoding: 'utf8' });
  expect(cpuSecondsOf(stderr.trimEnd().split('\n').at(-1)!)).toBeGreaterThanOrEqual(0);
  expect(cpuSecondsOf('2m3.50s 0m0.25s')).toBe(123.75);
  expect(() => cpuSecondsOf('done')).toThrow('no times in "done"');
});

describeWithPython('a peer', () => {
  test('answers every split once, from the same files', () => {
    const prepared = prepare('d');
    runPeer(oraclePython()!, 'gp', prepared);
    const { predictions, cpuSeconds } = readAnswers(prepared, 0, 'gp');
    const observed = prepared.splits[0]!.test.map((row) => prepared.table.targets[row]!);
    const error = Math.max(...observed.map((value, i) => Math.abs(value - predictions[i]!)));
    expect(error).toBeLessThan(1);
    expect(cpuSeconds).toBeGreaterThan(0);
    const written = (split: number) => statSync(path.join(prepared.folder, `split-${split}.gp.json`)).mtimeMs;
    const before = [written(0), written(1)];
    runPeer(oraclePython()!, 'gp', prepared);
    expect([written(0), written(1)]).toEqual(before);
    expect(existsSync(path.join(packageRoot, 'scripts/peers/__pycache__'))).toBe(false);
  });
});

test('the bench of an epoch measures ours in a process of its own', () => {
  const args = [compiledEntry('scripts/bench-epoch'), '--measure', 'wasm', '--epochs', '1'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const cost = JSON.parse(stdout || JSON.stringify(stderr)) as Record<string, number>;
  expect(cost).toEqual({ cpuSeconds: expect.any(Number), peakRssMegabytes: expect.any(Number) });
  expect(Math.min(...Object.values(cost))).toBeGreaterThan(0);
});
