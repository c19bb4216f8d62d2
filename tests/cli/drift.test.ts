import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { DriftReport } from '../../src/cli/drift/report';
import { packageRoot } from '../../src/foundation';
import { titrate, workplace } from './support';

const [header, ...MEASURED] = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
  .split(/\r?\n/)
  .filter(Boolean) as [string, ...string[]];
const AT = header.split(',').indexOf('logS');
/** The file has structures that nobody can read; here one is put in on purpose. */
const READABLE = MEASURED.filter((row) => !/"|NaN|\(H\)|nnc|ncn/.test(row));
const part = (first: number, of: number) => READABLE.filter((_, i) => i % of === first);
const csv = (rows: readonly string[]) => [header, ...rows].join('\n');
/** logS of mmol/l in place of mol/l. */
const inMillimolar = (row: string) => {
  const cells = row.split(',');
  cells[AT] = String(Number(cells[AT]) + 3);
  return cells.join(',');
};

const directory = workplace({
  'train.csv': csv(part(0, 4)),
  'reference.csv': csv(part(1, 4)),
  'stream.csv': csv([
    ...part(2, 4).slice(0, 96),
    ...part(3, 4).slice(0, 96).map(inMillimolar),
    '9999,broken,C1CC,-1,x',
  ]),
  'novalue.csv': 'smiles\nCCO\n',
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const drift = (...args: string[]) =>
  titrate(directory, 'drift', '--reference', 'reference.csv', ...args, '--json');

// A model of few molecules is enough: it is asked what it said, not how good it is.
test('with a model: one verdict a window, the unit error named, the bad row told', () => {
  const learnt = [
    '--data',
    'train.csv',
    '--target-column',
    'logS',
    '--family',
    'gaussian-process',
    '--seed',
    '7',
  ];
  expect(titrate(directory, 'train', ...learnt, '--output', 'model').code).toBe(0);
  const ran = drift('--stream', 'stream.csv', '--model', './model', '--window', '96');
  expect([ran.code, ran.stderr]).toEqual([
    0,
    expect.stringMatching(/stream\.csv, line 194: .*unclosed ring/),
  ]);
  const { windows, rows, problems } = JSON.parse(ran.stdout) as DriftReport;
  expect(windows.map(({ from, to, verdict }) => [from, to, verdict])).toEqual([
    [1, 96, 'ok'],
    [97, 192, 'act'],
    [193, 193, expect.stringMatching(/not-enough-data|ok/)],
  ]);
  expect(windows[1]!.diagnosis).toMatchObject({
    cause: 'unit-error',
    subject: expect.stringContaining('plus 3'),
  });
  expect(windows[1]!.findings.find(({ name }) => name === 'descriptors')!.verdict).toBe('ok');
  expect(rows).toBe(193);
  expect(problems.stream.at(-1)).toMatchObject({ line: 194 });
});

test.each([
  [['--stream', 'nowhere.csv', '--window', '10'], /nowhere\.csv: there is no such file/],
  [
    ['--stream', 'novalue.csv', '--window', '10', '--value-column', 'pIC50'],
    /neither .* has a column 'pIC50'/,
  ],
  [['--stream', 'novalue.csv', '--window', 'many'], /'many' is no number/],
  [['--stream', 'novalue.csv', '--window', '10', '--smiles-column', 'structure'], /structure/],
])('%j says what is wrong', (args, message) => {
  const { code, stderr } = drift(...args);
  expect(stderr).toMatch(message);
  expect(code).toBeGreaterThan(0);
});
