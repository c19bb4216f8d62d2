import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Trained } from '../../src/cli/verbs/train';
import { packageRoot } from '../../src/foundation';
import { titrate, workplace } from './support';

const [header, ...MEASURED] = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
  .split(/\r?\n/)
  .filter(Boolean) as [string, ...string[]];
/** Every sixteenth molecule to learn from, and those beside them to be judged on. */
const every = (first: number) => [header, ...MEASURED.filter((_, i) => i % 16 === first)].join('\n');
const chain = (n: number, end: string) => `${'C'.repeat(n)}${end}`;
/** Alcohols are of class 1 and alkanes of class 0. */
const CLASSES = [
  'smiles,active',
  ...Array.from({ length: 16 }, (_, n) => [`${chain(n + 2, 'O')},1`, `${chain(n + 2, 'C')},0`]).flat(),
].join('\n');

const directory = workplace({
  'train.csv': every(0),
  'test.csv': every(7),
  'classes.csv': CLASSES,
  'dirty.csv': [
    every(0),
    '901,broken,C1CC,-1.0,x',
    '902,wordy,CCO,very soluble,x',
    '903,twice,CCCCCCCCCO,-3,x',
    '904,again,OCCCCCCCCC,-5,x',
    '905,silent,CCCCCCCCCCO,,x',
  ].join('\n'),
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const train = (output: string, ...args: string[]) => {
  const common = ['--smiles-column', 'smiles', '--seed', '7', '--output', output, '--json'];
  return titrate(directory, 'train', '--family', 'gaussian-process', ...common, ...args);
};
const solubility = ['--data', 'train.csv', '--target-column', 'logS'];
function json<T>({ code, stdout, stderr }: ReturnType<typeof titrate>): T {
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
const bytes = (...parts: string[]) => readFileSync(path.join(directory, ...parts));

interface Predicted {
  readonly molecules: number;
  readonly failed: number;
  readonly predictions: readonly {
    readonly line: number;
    readonly smiles: string;
    readonly value: number;
    readonly standardDeviation: number;
    readonly interval90: readonly [number, number];
    readonly nearest: { readonly similarity: number };
    readonly applicable: boolean;
    readonly error?: string;
  }[];
}

// One story, in order: what was trained is predicted with.
describe('titrate train and predict, with no server and no campaign', () => {
  let trained: Trained;

  test('training ends with one object: figures on the test set, each with its interval', () => {
    trained = json<Trained>(train('model', ...solubility, '--test', 'test.csv'));
    expect(trained).toMatchObject({
      model: 'model',
      task: 'regression',
      heldOut: 'test',
    });
    if (trained.metrics.task === 'classification') throw new Error('not a classification');
    const { rmse, intervals } = trained.metrics;
    expect(intervals!.rmse![0]).toBeLessThan(rmse);
    expect(intervals!.rmse![1]).toBeGreaterThan(rmse);
    // The values spread by about 2 units: a model that has learnt something does better.
    expect(rmse).toBeLessThan(1.4);
    expect(trained.coverage90).toBe(trained.metrics.coverage90);
    expect(trained.cpuSeconds).toBeGreaterThan(0);
    expect(readdirSync(path.join(directory, 'model')).sort()).toEqual([
      'card.json',
      'card.md',
      'model.json',
      'training.ndjson',
      'weights.bin',
    ]);
    const document = bytes('model', 'card.md').toString();
    expect(document).toMatch(/On a test set of \d+ molecules[\s\S]*\| RMSE \| /);
    expect(document).toContain('## Where it comes from');
  });

  test('the same seed gives the same bytes; a model that was there makes place', () => {
    cpSync(path.join(directory, 'model'), path.join(directory, 'second/model'), { recursive: true });
    writeFileSync(path.join(directory, 'second/model/weights.bin'), 'of another model');
    const again = json<Trained>(train('second/model', ...solubility, '--test', 'test.csv'));
    expect(again.metrics).toEqual(trained.metrics);
    for (const file of ['card.json', 'card.md', 'model.json', 'training.ndjson', 'weights.bin'])
      expect([file, bytes('second/model', file).equals(bytes('model', file))]).toEqual([file, true]);
  });

  test('a loaded directory predicts what it was judged on when it was trained', () => {
    const { predictions } = json<Predicted>(
      titrate(directory, 'predict', '--model', 'model', 'test.csv', '--json'),
    );
    const lines = bytes('test.csv').toString().split('\n');
    const judged = predictions
      .filter(({ error }) => error === undefined)
      .map((row) => ({ ...row, observed: Number(lines[row.line - 1]!.split(',').at(-2)) }));
    expect(judged.length).toBeGreaterThan(50);
    const square = judged.map(({ value, observed }) => (value - observed) ** 2);
    const rmse = Math.sqrt(square.reduce((sum, each) => sum + each, 0) / square.length);
    if (trained.metrics.task === 'classification') throw new Error('not a classification');
    expect(rmse).toBeCloseTo(trained.metrics.rmse, 10);
    const inside = judged.filter(
      ({ interval90: [low, high], observed }) => observed >= low && observed <= high,
    );
    expect(inside.length / judged.length).toBeCloseTo(trained.coverage90!, 10);
  });

  test('a molecule that cannot be predicted is a row with its error, in its place, and no failure', () => {
    writeFileSync(
      path.join(directory, 'mixed.csv'),
      `smiles,name\n"CCO","a, b"\nC1CC,broken\n${'C'.repeat(2000)},long\nCCCCCl,last\n`,
    );
    const ran = titrate(
      directory,
      ...['predict', '--model', './model', 'mixed.csv', '--output', 'predicted.csv', '--json'],
    );
    expect(json(ran)).toMatchObject({ molecules: 4, failed: 2, file: 'predicted.csv', property: 'logS' });
    expect(ran.stderr).toContain('2 of 4 molecules could not be predicted');
    const [columns, ...lines] = bytes('predicted.csv').toString().trim().split('\n');
    expect(columns).toBe(
      'line,compoundId,smiles,value,standardDeviation,aleatoric,epistemic,lower90,upper90,similarity,applicable,error',
    );
    expect(lines.map((line) => line.split(',')[0])).toEqual(['2', '3', '4', '5']);
    expect(lines[0]).toMatch(/^2,,CCO,-?\d+\.\d+,\d+\.\d+,/);
    expect(lines[1]).toMatch(/^3,,.*unclosed ring/);
    expect(readdirSync(directory).filter((name) => name.startsWith('.tmp'))).toEqual([]);
  });

  test('rows that cannot be used are told with their line; values of one molecule are brought together', () => {
    const ran = train('dirty', '--data', 'dirty.csv', '--target-column', 'logS');
    const { labels, heldOut } = json<Trained>(ran);
    expect(heldOut).toBe('cross-validation');
    const count = MEASURED.filter((_, i) => i % 16 === 0).length;
    expect(ran.stderr).toMatch(new RegExp(`dirty.csv, line ${count + 2}: .*unclosed ring`));
    expect(ran.stderr).toMatch(new RegExp(`dirty.csv, line ${count + 3}: .*very soluble`));
    expect(ran.stderr).toMatch(/1 rows have no value/);
    expect(ran.stderr).toMatch(/values are of molecules that stand in an earlier row/);
    const rows = bytes('dirty', 'training.ndjson').toString().trim().split('\n');
    expect(rows).toHaveLength(labels);
    const nonanol = rows.map(
      (row) => JSON.parse(row) as { smiles: string; value: number; replicates: number },
    );
    expect(nonanol.find(({ smiles }) => smiles === 'CCCCCCCCCO')).toMatchObject({ value: -4, replicates: 2 });
  });

  test('classes of 0 and 1 give a classifier, its prediction a probability', () => {
    const { task, metrics, coverage90 } = json<Trained>(
      train('classifier', '--data', 'classes.csv', '--target-column', 'active'),
    );
    expect({ task, coverage90 }).toEqual({ task: 'classification', coverage90: null });
    if (metrics.task !== 'classification') throw new Error('not a regression');
    expect(metrics.auprc).toBeGreaterThan(0.9);
    expect(metrics.intervals!.auprc![1]).toBeGreaterThanOrEqual(metrics.auprc);
    const asked = ['--smiles', 'CCCCCCCO', '--smiles', 'CCCCCCCC'];
    const { predictions } = json<Predicted>(
      titrate(directory, 'predict', '--model', 'classifier', ...asked, '--json'),
    );
    const [alcohol, alkane] = predictions as [Predicted['predictions'][0], Predicted['predictions'][0]];
    expect(alcohol.value).toBeGreaterThan(alkane.value);
    for (const { value, interval90, standardDeviation } of predictions) {
      expect(value).toBeGreaterThanOrEqual(interval90[0]);
      expect(interval90[0]).toBeGreaterThanOrEqual(0);
      expect(interval90[1]).toBeLessThanOrEqual(1);
      expect(standardDeviation).toBeGreaterThan(0);
    }
  });

  test('models show and diff read directories: what the data, the settings and the figures differ by', () => {
    const shown = titrate(directory, 'models', 'show', 'model', '--output', 'card.md');
    expect(shown.code).toBe(0);
    expect(bytes('card.md').equals(bytes('model', 'card.md'))).toBe(true);
    const diff = json<{
      settings: { what: string }[];
      labels: { gained: number; lost: number; examples: { smiles: string }[] };
      metrics: { name: string; from: { interval: number[] } }[];
    }>(titrate(directory, 'models', 'diff', './model', './dirty', '--json'));
    expect(diff.labels).toMatchObject({ gained: 1, lost: 0 });
    expect(diff.labels.examples.map(({ smiles }) => smiles)).toContain('CCCCCCCCCO');
    expect(diff.settings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['campaignId', 'dataVersion', 'cutId']),
    );
    expect(diff.metrics[0]).toMatchObject({
      name: 'RMSE',
      from: { interval: [expect.any(Number), expect.any(Number)] },
    });
  });

  test('a directory that holds something else is refused before any work; a damaged model says which file', () => {
    mkdirSync(path.join(directory, 'mine'));
    writeFileSync(path.join(directory, 'mine', 'thesis.tex'), '');
    const refused = train('mine', ...solubility);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/mine: it holds something else than a model: thesis\.tex/);
    expect(readdirSync(path.join(directory, 'mine'))).toEqual(['thesis.tex']);

    cpSync(path.join(directory, 'model'), path.join(directory, 'damaged'), { recursive: true });
    const weights = bytes('damaged', 'weights.bin');
    weights[weights.length - 1]! ^= 1;
    writeFileSync(path.join(directory, 'damaged', 'weights.bin'), weights);
    const damaged = titrate(directory, 'predict', '--model', 'damaged', '--smiles', 'CCO');
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/weights\.bin: its bytes are not those/);

    for (const [args, message] of [
      [['--model', './nowhere', '--smiles', 'C'], /nowhere: there is no such directory/],
      [['--model', 'model', 'test.csv', '--smiles-column', 'structure'], /structure/],
      [['--model', 'model', 'test.csv', '--output', 'out.xlsx'], /out\.xlsx' says no known format/],
    ] as const) {
      const { code, stdout, stderr } = titrate(directory, 'predict', ...args);
      expect(stderr).toMatch(message);
      expect({ failed: code! > 0, stdout }).toEqual({ failed: true, stdout: '' });
    }
  });

  test.each([
    [['--data', 'train.csv', '--target-column', 'logD'], /logD/],
    [
      ['--data', 'train.csv', '--target-column', 'logS', '--task', 'classification'],
      /line 2: the class is -?[\d.]+, expected 0 or 1[\s\S]*at least 6 measured values/,
    ],
    [
      ['--data', 'train.csv', '--target-column', 'name'],
      /none of its .* rows has a molecule and a value in 'name'/,
    ],
  ])('%j says what is wrong and writes nothing', (args, message) => {
    const { code, stdout, stderr } = train('nothing', ...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toHaveProperty('error');
    expect(existsSync(path.join(directory, 'nothing'))).toBe(false);
  });
});
