import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createChemistry } from '../../src/chemistry';
import { exploreTable, type Exploration } from '../../src/cli/models/explore-file';
import { readLabels, type LabelTable } from '../../src/cli/models/label-table';
import type { Trained } from '../../src/cli/verbs/train';
import { moleculeCapsSchema, standardisationSchema, type Split } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { createLearning } from '../../src/learning';
import { titrate, workplace } from './support';

const [header, ...MEASURED] = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
  .split(/\r?\n/)
  .filter(Boolean) as [string, ...string[]];
/** Every twelfth molecule; a tenth of them has no date. */
const dated = MEASURED.filter((_, i) => i % 12 === 0).map(
  (line, i) => `${line},${i % 10 === 0 ? '' : `2026-01-${String(1 + (i % 20)).padStart(2, '0')}`}`,
);
const directory = workplace({ 'measured.csv': [`${header},when`, ...dated].join('\n') });

const columns = { smilesColumn: 'smiles', targetColumn: 'logS', timeColumn: 'when' };
const file = ['--data', 'measured.csv', '--smiles-column', 'smiles', '--target-column', 'logS'];
const run = (verb: string, ...args: string[]) => titrate(directory, verb, ...file, ...args);

describe('exploring a file', () => {
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'wasm' });
  let table: LabelTable;
  beforeAll(async () => {
    const how = {
      chemistry,
      caps: moleculeCapsSchema.parse({}),
      standardisation: standardisationSchema.parse({}),
    };
    table = await readLabels({ file: path.join(directory, 'measured.csv'), ...columns, ...how });
  });
  afterAll(async () => {
    await Promise.all([chemistry.close(), learning.close()]);
    rmSync(directory, { recursive: true, force: true });
  });
  const explore = (split: Split) =>
    exploreTable({ chemistry, learning }, { table, families: ['gaussian-process'], split, seed: 1 });
  const best = ({ trials }: Exploration) => trials[0]!.curve.at(-1)!.score;

  test('the command tells every trial with its curve, why it stopped where it did, and what mattered', async () => {
    const { code, stdout, stderr } = run('explore', '--families', 'gaussian-process', '--json');
    expect([code, stderr]).toEqual([0, expect.anything()]);
    const explored = JSON.parse(stdout) as Exploration;
    expect(explored).toMatchObject({ task: 'regression', score: 'RMSE', split: 'random', left: [] });
    expect(explored.labels).toBe(table.rows.length);
    expect(explored.subsetRows).toBe(explored.labels);
    expect(explored.downscaling).toMatch(/labels were seen/);
    expect(explored.trials.map(({ trialId }) => trialId).sort()).toEqual(['gp-1', 'gp-2']);
    const scores = explored.trials.map(({ curve }) => curve.at(-1)!.score);
    expect([...scores].sort((a, b) => a - b)).toEqual(scores);
    expect(explored.trials[0]!.leads).toBe(true);
    expect(explored.mattered.map(({ factor }) => factor)).toEqual(['featurizer']);
    // The same seed, the same comparison, whoever asks.
    expect((await explore('random')).trials.map(({ curve }) => curve.at(-1)!.score)).toEqual(scores);
  });

  test('whole scaffolds are harder than molecules at random', async () => {
    expect(best(await explore('scaffold'))).toBeGreaterThan(best(await explore('random')));
  });

  test('by time it reads well without --json; molecules without a date are told', () => {
    const time = ['--split', 'time', '--time-column', 'when'];
    const { code, stdout, stderr } = run('explore', '--families', 'gaussian-process', ...time);
    expect(code).toBe(0);
    expect(stdout).toMatch(/folds\s+time/);
    expect(stdout).toMatch(/gp-1\s+gaussian-process\s+morgan3-counts\+atom-pair-counts\S*\s+\d\.\d+/);
    expect(stdout).toMatch(/featurizer\s+\d+ %/);
    expect(stderr).toMatch(/\d+ of \d+ molecules have no date; they count as the earliest/);
  });

  test.each([
    ['explore', ['--split', 'time'], /split by time needs dates/],
    ['explore', ['--families', 'forest-of-dreams'], /'forest-of-dreams' is none of gaussian-process/],
    ['train', ['--output', 'x', '--time-column', 'when'], /with a split 'random' dates say nothing/],
  ])('%s %s is wrong use', (verb, args, message) => {
    const { code, stderr } = run(verb, ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test('train takes its figures on what was measured later', () => {
    const how = ['--family', 'gaussian-process', '--seed', '7', '--json', '--output', 'model'];
    const { code, stdout } = run('train', ...how, '--split', 'time', '--time-column', 'when');
    expect(code).toBe(0);
    const trained = JSON.parse(stdout) as Trained;
    expect(trained).toMatchObject({ split: 'time', heldOut: 'cross-validation' });
    // The first run of labels is trained on alone.
    expect(trained.metrics.n).toBeLessThan(trained.labels);
  });
});
