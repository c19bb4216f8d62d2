import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { QuarantineRow } from '../../src/contracts';
import type { Ingested } from '../../src/cli/verbs/data/ingest';
import { titrate, workplace, type Ran } from './support';

const POOL = 'smiles,id,IC50 (nM)\nCCO,A-1,10\nOCC,A-2,<1000\nc1ccccc1,A-3,\nC1CC,A-4,5\nCCN,A-5,nonsense\n';
const MENDED = POOL.replace('C1CC,', 'C1CC1,').replace('nonsense', '7');
const columns = ['--id-column', 'id', '--value-column', 'IC50 (nM)', '--unit', 'nM', '--convert-to', 'pIC50'];

const directory = workplace({ 'pool.csv': POOL });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function json<T>({ code, stdout, stderr }: Ran): T {
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
const data = (...args: string[]) => titrate(directory, '--json', 'data', ...args);
const ingest = (...more: string[]) =>
  json<Ingested>(data('ingest', 'pool.csv', '--dataset', 'hits', ...columns, ...more));

interface Quarantined {
  readonly version: string;
  readonly total: number;
  readonly rows: (QuarantineRow & { source: string })[];
}

// One story, in order: each step stands on the one before it.
describe('titrate data, with no server and no campaign', () => {
  let first: Ingested;
  let mended: Ingested;

  test('ingest ends with one object; what could not be used is counted and can be looked at', () => {
    const ran = data(
      'ingest',
      'pool.csv',
      '--dataset',
      'hits',
      ...columns,
      '--by',
      'ada',
      '--reason',
      'first plate',
    );
    first = json<Ingested>(ran);
    expect(first).toEqual({
      dataset: 'hits',
      version: expect.stringMatching(/^data_[0-9a-f]{32}$/) as string,
      rows: 5,
      accepted: 3,
      duplicates: 1,
      quarantined: 2,
    });
    expect(ran.stderr).toMatch(/pool\.csv, line 5: .*C1CC/);
    const quarantine = json<Quarantined>(data('quarantine', 'hits'));
    expect(quarantine).toMatchObject({
      version: first.version,
      total: 2,
      rows: [
        { source: 'pool.csv', line: 5, reason: 'molecule-unparsable', raw: 'C1CC,A-4,5' },
        { source: 'pool.csv', line: 6, reason: 'value-not-a-number', raw: 'CCN,A-5,nonsense' },
      ],
    });
    expect(json<Quarantined>(data('quarantine', 'hits', '--reason', 'value-not-a-number')).total).toBe(1);
  });

  test('the same file again, also from standard input, changes nothing', () => {
    const again = data('ingest', 'pool.csv', '--dataset', 'hits', ...columns);
    expect(json<Ingested>(again)).toEqual(first);
    expect(again.stderr).toContain('nothing has changed');
    const piped = spawnSync(
      process.execPath,
      [
        path.resolve(__dirname, '../../dist/src/cli/main.js'),
        '--json',
        'data',
        'ingest',
        '-',
        '--dataset',
        'hits',
        '--name',
        'pool.csv',
        ...columns,
      ],
      {
        cwd: directory,
        input: POOL,
        encoding: 'utf8',
        env: { ...process.env, TITRATE_HOME: path.join(directory, 'home') },
      },
    );
    expect(JSON.parse(piped.stdout)).toEqual(first);
  });

  test('a mended file takes the place of the first and heals the quarantine; the first version stays', () => {
    writeFileSync(path.join(directory, 'pool.csv'), MENDED);
    mended = ingest('--reason', 'line 5 and 6 mended');
    expect(mended).toMatchObject({ rows: 5, accepted: 5, duplicates: 1, quarantined: 0 });
    expect(mended.version).not.toBe(first.version);
    expect(json<Quarantined>(data('quarantine', 'hits')).total).toBe(0);
    expect(json<Quarantined>(data('quarantine', first.version)).total).toBe(2);
    expect(json<object>(data('diff', first.version, 'hits'))).toMatchObject({
      molecules: { added: 2, removed: 0 },
      sources: { added: [], removed: [], changed: ['pool.csv'] },
    });
  });

  test('another file is added; a gzipped copy under another name brings nothing new', () => {
    writeFileSync(path.join(directory, 'more.smi'), 'CCC propane\nCCO ethanol\n');
    const more = json<Ingested>(data('ingest', 'more.smi', '--dataset', 'hits'));
    expect(more).toMatchObject({ rows: 2, accepted: 2, duplicates: 1, quarantined: 0 });
    writeFileSync(path.join(directory, 'zipped.smi.gz'), gzipSync('CCC propane\nCCO ethanol\n'));
    const dry = json<{ accepted: number }>(data('ingest', 'zipped.smi.gz', '--dataset', 'hits', '--dry-run'));
    expect(dry).toMatchObject({ dryRun: true, accepted: 2 });
    expect(json<unknown[]>(data('versions', 'hits'))).toHaveLength(3);
  });

  test('roll back, look, and roll forward again: the history says who and why', () => {
    const back = data('rollback', 'hits', '--to', first.version, '--by', 'ben', '--reason', 'wrong plate');
    expect(json<object>(back)).toMatchObject({ dataset: 'hits', to: first.version });
    expect(json<Quarantined>(data('quarantine', 'hits')).version).toBe(first.version);
    expect(json<object>(data('tag', mended.version, 'good'))).toMatchObject({ tag: 'good' });
    json(data('rollback', 'hits', '--to', 'good'));
    const shown = json<{ id: string; history: { author: string; reason: string; target: string }[] }>(
      data('show', 'hits'),
    );
    expect(shown.id).toBe(mended.version);
    expect(json<{ history: object[] }>(data('show', first.version)).history).toContainEqual(
      expect.objectContaining({ author: 'ben', reason: 'wrong plate', target: first.version }),
    );
  });

  test('export writes CSV and Parquet that give the converted value and what was reported', () => {
    json(data('export', 'hits', '--output', 'hits.csv'));
    const csv = readFileSync(path.join(directory, 'hits.csv'), 'utf8');
    expect(csv.split('\n')[0]).toContain('reportedValue');
    expect(csv).toMatch(/A-1,8,pIC50,=,10,nM,nM -> pIC50: 9 - log10\(x\)/);
    // Less than 1000 nM is a pIC50 of more than 6.
    expect(csv).toMatch(/A-2,6,pIC50,>,1000,nM/);
    expect(json<object>(data('export', 'hits', '--output', 'hits.parquet'))).toMatchObject({ rows: 5 });
    const round = json<Ingested>(
      data('ingest', 'hits.parquet', '--dataset', 'copy', '--smiles-column', 'smiles'),
    );
    expect(round).toMatchObject({ accepted: 5, quarantined: 0 });
    expect(data('export', 'hits', '--output', 'hits.xlsx')).toMatchObject({ code: 2 });
  });

  test('a data card in JSON and Markdown', () => {
    json(data('card', 'hits', '--output', 'card.md'));
    const card = readFileSync(path.join(directory, 'card.md'), 'utf8');
    expect(card).toContain(mended.version);
    expect(card).toMatch(/scaffold/i);
  });

  test('prune asks first, spares heads and tags, and says who pruned what a later reader misses', () => {
    expect(data('prune').code).toBe(2);
    const plan = json<{ versions: string[]; kept: { id: string; because: string }[] }>(
      data('prune', 'hits', '--keep', '0', '--older-than', '0', '--dry-run'),
    );
    expect(plan.kept.map(({ id }) => id)).toContain(mended.version);
    expect(plan.versions).toContain(first.version);
    json(data('prune', 'hits', '--keep', '0', '--older-than', '0', '--yes', '--by', 'cleo'));
    const { code, stderr } = data('export', first.version, '--output', 'gone.csv');
    expect(code).toBe(1);
    expect(stderr).toMatch(/pruned.*cleo/);
    expect(existsSync(path.join(directory, 'gone.csv'))).toBe(false);
    json(data('export', 'hits', '--output', 'still.csv'));
  });

  test.each([
    [['ingest', 'absent.csv', '--dataset', 'x'], 1, /absent\.csv: .*no such file/],
    [['ingest', 'ftp://host/x.csv', '--dataset', 'x'], 1, /ftp:\/\/host\/x\.csv.*https:\/\/.*gs:\/\//],
    [['ingest', 'pool.csv'], 2, /--dataset/],
    [['ingest', 'pool.csv', 'more.smi', '--dataset', 'x', '--name', 'n'], 2, /one name for 2 sources/],
    [
      ['ingest', 'pool.csv', '--dataset', 'x', '--smiles-column', 'smile'],
      1,
      /no column 'smile'.*Did you mean 'smiles'/,
    ],
    [
      [
        'ingest',
        'pool.csv',
        '--dataset',
        'x',
        '--value-column',
        'IC50 (nM)',
        '--unit',
        'nN',
        '--convert-to',
        'pIC50',
      ],
      1,
      /nN/,
    ],
    [['show', 'unheard-of'], 1, /unheard-of/],
    [['rollback', 'hits', '--to', 'data_00000000000000000000000000000000'], 1, /data_0000/],
  ])('%j is told with its place and a remedy', (args, code, message) => {
    const ran = titrate(directory, 'data', ...args);
    expect(ran.stderr).toMatch(message);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
  });
});
