import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  bestOnOtherSeeds,
  labelsToReach,
  meanInterval,
  paired,
} from '../../../scripts/peers/acquisition/figures';
import { renderScenario } from '../../../scripts/peers/acquisition/report';
import { SCENARIOS, undisturbed, type Scenario } from '../../../scripts/peers/acquisition/scenarios';
import { fileOf, prepare, readRuns, type MethodRun } from '../../../scripts/peers/acquisition/workspace';
import type { ReplayTable } from '../../../src/acquisition';
import { featurizerSchema } from '../../../src/contracts';

const runOf = (seed: number, recall: readonly number[], rmse?: readonly (number | null)[]): MethodRun => ({
  ...{ seed, recall, hits: recall, measured: recall.map((_, i) => 10 * (i + 1)) },
  ...(rmse && { rmse }),
  cpuSecondsPerCycle: [1],
});

describe('differences paired by seed', () => {
  test('have the interval of a t test', () => {
    // scipy.stats.t.interval(0.95, 4, 3, scipy.stats.sem([1, 2, 3, 4, 5])): 1.0368, 4.9632
    const { mean, lower, upper } = meanInterval([1, 2, 3, 4, 5]);
    expect([mean, lower, upper].map((value) => value.toFixed(3))).toEqual(['3.000', '1.037', '4.963']);
  });

  test('leave out seeds that one side did not run, and the start, which is the same for all', () => {
    const ours = [runOf(1, [0, 0.5]), runOf(2, [0, 0.7]), runOf(3, [0, 0.9])];
    const theirs = [runOf(1, [0, 0.4]), runOf(2, [0, 0.6])];
    const [only, ...none] = paired(ours, theirs, 'recall');
    expect(none).toEqual([]);
    expect(only!.difference.mean).toBeCloseTo(0.1, 12);
  });

  test('are positive where an error is smaller', () => {
    const [only] = paired([runOf(1, [0, 0], [1, 0.5])], [runOf(1, [0, 0], [1, 0.8])], 'rmse');
    expect(only!.difference.mean).toBeCloseTo(0.3, 12);
  });

  test('the best fixed strategy of a seed is chosen without that seed', () => {
    const fixed = new Map([
      ['steady', [1, 2, 3].map((seed) => runOf(seed, [0, 0.5]))],
      ['lucky', [runOf(1, [0, 1]), runOf(2, [0, 0.2]), runOf(3, [0, 0.2])]],
    ]);
    const { runs, chosen } = bestOnOtherSeeds(fixed, 'recall');
    expect(chosen).toEqual(['steady', 'lucky', 'lucky']);
    expect(runs.map(({ recall }) => recall[1])).toEqual([0.5, 0.2, 0.2]);
  });

  test('molecules measured until an error is reached', () => {
    expect(labelsToReach(runOf(1, [0, 0, 0], [null, 0.9, 0.8]), 0.85)).toBe(30);
    expect(labelsToReach(runOf(1, [0], [1]), 0.85)).toBeNull();
  });
});

describe('the folder of the bench', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'titrate-discovery-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const values = [...Array(30).keys()].map((i) => (i === 4 ? null : i));
  const table: ReplayTable = {
    features: {
      spec: featurizerSchema.parse({ kind: 'descriptors' }),
      moleculeIds: values.map(String),
      ...{ rows: 30, columns: 1, layout: 'dense', data: Float32Array.from(values.keys()) },
    },
    values,
    kind: 'property',
  };
  const scenario: Scenario = {
    ...SCENARIOS[0]!,
    initial: 3,
    batch: 3,
    rounds: 1,
    top: 4,
    direction: 'maximize',
  };
  const smiles = values.map(() => 'C');

  test('gives every method the same molecules, and counts what a peer found as ours', () => {
    const prepared = prepare(root, scenario, table, smiles, [1, 2]);
    expect(prepare(root, scenario, table, smiles, [1, 2]).rows).toEqual(prepared.rows);
    expect(() => prepare(root, scenario, table, smiles.slice().fill('CC'), [1, 2])).toThrow(/--cache/);
    const peer = {
      picked: [
        [0, 1, 4],
        [29, 28, 5],
      ],
      cpuSecondsPerCycle: [0.5],
    };
    writeFileSync(fileOf(prepared, 1, 'forest'), JSON.stringify(peer));
    const [run, ...none] = readRuns(prepared, 'forest', false);
    expect(none).toEqual([]);
    expect(run).toMatchObject({ seed: 1, recall: [0, 0.5], hits: [0, 2], measured: [3, 6] });
    const text = renderScenario({
      ...{ scenario, poolSize: 30 },
      runs: new Map([
        ['auto', [runOf(1, [0, 0.75])]],
        ['peer: forest', [run!]],
      ]),
    });
    expect(text).toContain('| peer: forest | 1 | 0.000 | 0.500 |');
    expect(text).toContain('+0.250');
  });

  test('of several properties tells a peer all of them, and counts the front that it found', () => {
    const several: Scenario = {
      ...{ ...scenario, name: 'several', goal: 'pareto', figure: 'hypervolume' },
      several: { property: 'up', others: [{ property: 'down', direction: 'maximize', descriptor: 'amw' }] },
    };
    const down = values.map((_, i) => (i === 7 ? null : 30 - i));
    const both: ReplayTable = { ...table, others: [{ property: 'down', values: down }] };
    const prepared = prepare(root, several, both, smiles, [1]);
    const lines = readFileSync(path.join(prepared.folder, 'table.csv'), 'utf8').split('\n');
    expect([lines[0], lines[5], lines[8]]).toEqual(['smiles,target,down', 'C,,26', 'C,7,']);
    const all = [...values.keys()];
    const peer = { picked: [[4, 7], [10], all.slice(11)], cpuSecondsPerCycle: [0, 0] };
    writeFileSync(fileOf(prepared, 1, 'nehvi'), JSON.stringify(peer));
    const [run] = readRuns(prepared, 'nehvi', false);
    // Molecules 4 and 7 lack a value each; everything that has both is on the front.
    expect(run!.frontSize).toEqual([0, 1, 20]);
    expect(run!.hypervolume![0]).toBe(0);
    expect(run!.hypervolume![2]!).toBeGreaterThan(run!.hypervolume![1]!);
    expect(renderScenario({ scenario: several, poolSize: 30, runs: new Map([['auto', [run!]]]) })).toContain(
      'hypervolume by molecules measured',
    );
  });

  test('every scenario with mishaps has one without to be compared with', () => {
    const disturbed = SCENARIOS.filter(({ mishaps }) => mishaps);
    expect(disturbed).toHaveLength(8);
    for (const one of disturbed) expect(undisturbed(one)!.name).toBe('enamine');
  });
});
