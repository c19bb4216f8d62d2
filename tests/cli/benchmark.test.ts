import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Retrospective } from '../../src/cli/models/replay-plan';
import { packageRoot } from '../../src/foundation';
import { titrate, workplace } from './support';

const text = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8');
const measured = parse(text, { columns: true }) as { smiles: string; logS: string }[];
const rows = measured.filter((_, i) => i % 12 === 0);

/** Row 3 has no value and row 5 no molecule. */
/** A second property in a column of its own; every fifth is missing. */
const sized = rows.map(({ smiles, logS }, row) => `${smiles},${logS},${row % 5 === 4 ? '' : smiles.length}`);
const lines = rows.map(({ smiles, logS }, row) => `${row === 5 ? 'C1CC' : smiles},${row === 3 ? '' : logS}`);
const initial = { 7: [0, 1, 2, 3, 4, 6, 8, 9, 10, 11], 8: [20, 21, 22, 23, 24, 26, 28, 29, 30, 31] };
const directory = workplace({
  'measured.csv': ['smiles,logS', ...lines].join('\n'),
  'several.csv': ['smiles,logS,size', ...sized].join('\n'),
  'first.json': JSON.stringify(initial),
  'wrong.json': '{ "7": [5] }',
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = ['--data', 'measured.csv', '--smiles-column', 'smiles', '--target-column', 'logS'];
const protocol = ['--init', '10', '--batch', '0.1', '--rounds', '2', '--top', '10'];
const run = (...args: string[]) =>
  titrate(directory, 'benchmark', 'retrospective', ...file, ...protocol, ...args);

describe('titrate benchmark retrospective', () => {
  test('replays a file: one run a strategy and seed, from the first molecules that were given', () => {
    const options = ['--seeds', '7,8', '--strategy', 'ei,random', '--unlabelled-costs-budget'];
    const { code, stdout, stderr } = run(...options, '--initial', 'first.json', '--json');
    expect(stderr).toContain('measured.csv, line 7: ');
    expect(stderr).toContain('1 rows have no value; they cost budget and teach nothing');
    expect(code).toBe(0);
    const { poolSize, protocol: told, runs, dataset } = JSON.parse(stdout) as Retrospective;
    expect(dataset).toBe('measured.csv');
    expect(poolSize).toBe(lines.length - 1);
    expect(told).toMatchObject({ direction: 'maximize', initial: 10, kind: 'property', top: 10, rounds: 2 });
    expect(runs.map(({ seed, strategy }) => [strategy, seed])).toEqual([
      ['ei', 7],
      ['ei', 8],
      ['random', 7],
      ['random', 8],
    ]);
    for (const { recall, measured, hits, enrichment, cpuSecondsPerCycle } of runs) {
      expect(measured).toEqual([10, 10 + told.batch, 10 + 2 * told.batch]);
      expect(recall).toEqual(hits.map((count) => count / 10));
      expect(enrichment[0]).toBeCloseTo(recall[0]! / (10 / poolSize), 12);
      expect(cpuSecondsPerCycle).toHaveLength(2);
    }
    // Strategies begin alike.
    expect(runs[2]!.recall[0]).toBe(runs[0]!.recall[0]);
  });

  test('leaves rows without a value out of the pool unless it is told otherwise', () => {
    const { stdout, stderr } = run('--strategy', 'random', '--json');
    expect(stderr).toContain('1 rows have no value; they are left out');
    expect((JSON.parse(stdout) as Retrospective).poolSize).toBe(lines.length - 2);
  });

  test('judges the model on molecules held out, with every strategy on the same ones', () => {
    const { code, stdout } = run('--learning', '--test', '0.2', '--strategy', 'auto,random', '--json');
    expect(code).toBe(0);
    const { poolSize, protocol: told, runs } = JSON.parse(stdout) as Retrospective;
    expect(told).toMatchObject({ goal: { kind: 'learn' }, test: Math.ceil(0.2 * (lines.length - 2)) });
    expect(poolSize).toBe(lines.length - 2 - told.test);
    for (const { rmse, coverage90 } of runs) {
      expect(rmse!.map((value) => value! > 0 && value! < 5)).toEqual([true, true, true]);
      expect(coverage90!.every((value) => value! >= 0 && value! <= 1)).toBe(true);
    }
    expect(runs[1]!.rmse![0]).toBe(runs[0]!.rmse![0]);
    expect(runs[0]!.decided).toHaveLength(2);
  });

  test('trades off further columns, and tells how much of the front of the pool was found', () => {
    const several = ['--data', 'several.csv', '--also', 'size:maximize', '--reference', 'logS:-9'];
    const { code, stdout, stderr } = run(...several, '--strategy', 'auto,random', '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { protocol: told, runs, poolSize } = JSON.parse(stdout) as Retrospective;
    expect(poolSize).toBe(rows.length);
    expect(told.goal).toEqual({ kind: 'pareto' });
    expect(told.several).toEqual({
      ...{ property: 'logS', reference: -9 },
      others: [{ property: 'size', direction: 'maximize' }],
    });
    expect(runs[0]!.decided!.every((parts) => parts.startsWith('ehvi'))).toBe(true);
    for (const { hypervolume, frontSize } of runs) {
      expect(hypervolume!.every((share, at) => share <= 1 && share >= (hypervolume![at - 1] ?? 0))).toBe(
        true,
      );
      expect(frontSize).toHaveLength(3);
    }
    expect(runs[1]!.hypervolume![0]).toBe(runs[0]!.hypervolume![0]);
    const first = run(...several, '--objective', 'best', '--strategy', 'greedy').stdout;
    expect(first).toContain('mean hypervolume of what was found');
  });

  test('tells what mishaps in the laboratory there were, and what they left', () => {
    const shares = ['--failed', '0.25', '--late', '0.25', '--mishap-batches', '1'];
    const { runs, protocol: told } = JSON.parse(
      run('--strategy', 'random', ...shares, '--json').stdout,
    ) as Retrospective;
    expect(told.mishaps).toMatchObject({ failed: 0.25, late: 0.25, corrected: 0, batches: [1] });
    const quarter = Math.round(told.batch / 4);
    expect(runs[0]!.labels).toEqual([10, 10 + told.batch - 2 * quarter, 10 + 2 * told.batch - quarter]);
  });

  test.each([
    [
      'a first molecule that cannot be read',
      ['--initial', 'wrong.json', '--seeds', '7'],
      2,
      'row 5 of the file is no candidate',
    ],
    [
      'a seed without first molecules',
      ['--initial', 'first.json', '--seeds', '9'],
      2,
      'no molecules for seed 9',
    ],
    ['a strategy that there is not', ['--strategy', 'ei,best'], 2, "'best' is none of"],
    ['shares of a batch beyond the whole', ['--failed', '0.7', '--late', '0.7'], 2, 'sum to 1.4'],
    ['a threshold that is missing', ['--objective', 'actives'], 2, '--threshold'],
    ['a range upside down', ['--objective', 'range', '--range', '3,1'], 2, 'the smaller one first'],
    ['trade-offs of one property', ['--objective', 'pareto'], 2, '--also'],
    ['ehvi for one property', ['--strategy', 'ehvi'], 2, "'ehvi' does not go with objective 'best'"],
    [
      'a strategy of one property for two',
      ['--data', 'several.csv', '--also', 'size:minimize', '--strategy', 'greedy'],
      2,
      "'greedy' does not go with objective 'pareto'",
    ],
    ['a property twice', ['--also', 'logS:minimize'], 2, "'logS' stands there twice"],
    ['a further property without a direction', ['--also', 'size:high'], 2, 'COLUMN:maximize'],
    ['a column that there is not', ['--also', 'weight:minimize'], 1, 'weight'],
    ['a reference of nothing', ['--reference', 'size:3'], 2, "'size' is none of several properties"],
    ['a batch larger than the pool', ['--batch', '5000'], 2, '5000 of a pool of'],
  ])('refuses %s', (_name, args, exit, message) => {
    const { code, stderr } = run('--unlabelled-costs-budget', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(exit);
  });
});
