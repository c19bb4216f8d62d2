import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { MAX_SHARD_ROWS, SHARD_ROWS, type DatasetVersion, type Molecule } from '../../src/contracts';
import { decodeNdjson } from '../../src/foundation';
import { createEngine, endsShard } from '../../src/datasets';
import { csvCell } from '../../src/datasets/export';
import { describeWithPython, runPython } from '../support/python';
import { by, molecule, newHome, sourceOf, type Home, type RowOf, type SourceOptions } from './support';

const engine = createEngine();
let home: Home;
beforeEach(() => {
  home = newHome(engine);
});
afterAll(() => engine.close());

async function commit(rows: readonly RowOf[], options: SourceOptions = {}): Promise<DatasetVersion> {
  const sources = [await sourceOf(home.objects, rows, { partRows: 1000, ...options })];
  return (await home.datasets.commit({ dataset: 'pool', onto: 'head', sources, ...by })).version;
}

describe('shards', () => {
  const moleculesIn = (version: DatasetVersion) =>
    Promise.all(version.shards.map(async (ref) => decodeNdjson<Molecule>(await home.objects.get(ref))));

  test('hold the distinct molecules, sorted, and end where an id says so', async () => {
    const shards = await moleculesIn(
      await commit(Array.from({ length: 1500 }, (_, i) => ({ n: 1 + (i % 1400) }))),
    );
    expect(shards.flat()).toEqual(
      Array.from({ length: 1400 }, (_, i) => {
        const { moleculeId, smiles, inchiKey } = molecule(i + 1);
        return { moleculeId, smiles, inchiKey };
      }).sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1)),
    );
    expect(Object.keys(shards[0]![0]!)).toEqual(['moleculeId', 'smiles', 'inchiKey']);
    for (const [i, shard] of shards.entries()) {
      expect(shard.length).toBeLessThanOrEqual(MAX_SHARD_ROWS);
      const ends = shard.map(({ moleculeId }) => endsShard(moleculeId));
      expect(ends.slice(0, -1)).not.toContain(true);
      if (i < shards.length - 1 && shard.length < MAX_SHARD_ROWS) expect(ends.at(-1)).toBe(true);
    }
  });

  test('outlive the arrival of 1 % new molecules, but for those they fall into', async () => {
    const before = await commit(Array.from({ length: 12_000 }, (_, i) => ({ n: i % 3000, rawSmiles: 'x', smiles: `C${i}`, ...idOf(i) }))); // prettier-ignore
    const after = await commit(Array.from({ length: 12 }, (_, i) => ({ n: 1, rawSmiles: 'x', smiles: `N${i}`, ...idOf(50_000 + i) })), { uri: 'more.csv' }); // prettier-ignore
    const known = new Set(before.shards.map(({ sha256 }) => sha256));
    const changed = after.shards.filter(({ sha256 }) => !known.has(sha256));
    expect(before.shards.length).toBeGreaterThan(12_000 / SHARD_ROWS / 2);
    expect(after.molecules).toBe(12_012);
    // Twelve molecules touch twelve shards at most, and one more where one of them makes a boundary.
    expect(changed.length).toBeLessThanOrEqual(13);
    expect(changed.length).toBeGreaterThan(0);
    expect(after.shards.length - changed.length).toBeGreaterThan(before.shards.length / 3);
  });
  const idOf = (i: number) => ({ moleculeId: molecule(1 + i).moleculeId });
});

test('findMolecules gives the standard SMILES, the InChIKey and the first compound id', async () => {
  const version = await commit([
    { n: 1, line: 9, compoundId: 'late' },
    { n: 1, line: 3 },
    { n: 1, line: 5, compoundId: 'first' },
    { n: 2, line: 4 },
  ]);
  const [one, two] = [molecule(1), molecule(2)];
  const found = await home.datasets.findMolecules(version, [one.moleculeId, two.moleculeId, 'mol_none']);
  expect(found).toEqual(
    new Map([
      [one.moleculeId, { smiles: 'C', inchiKey: one.inchiKey, compoundId: 'first' }],
      [two.moleculeId, { smiles: 'CC', inchiKey: two.inchiKey }],
    ]),
  );
  expect((await home.datasets.findMolecules(version, [])).size).toBe(0);
});

test('measured values are those of one unit', async () => {
  const version = await commit([{ n: 1, value: 5, unit: 'pIC50', qualifier: '<' }, { n: 1, value: -0.5, unit: 'pIC50' }, { n: 2 }]); // prettier-ignore
  const { smiles, moleculeId } = molecule(1);
  const values = [
    { moleculeId, smiles, value: 5, qualifier: '<' },
    { moleculeId, smiles, value: -0.5, qualifier: '=' },
  ];
  expect(await home.datasets.measuredValues(version, 'pIC50')).toEqual(values);
  expect(await home.datasets.measuredValues(version, undefined)).toEqual(values);
  await expect(home.datasets.measuredValues(version, 'nM')).rejects.toMatchObject({
    code: 'unit-unknown',
    message: expect.stringMatching(/in 'pIC50', the objective is in 'nM'/),
  });
});

describe('diff', () => {
  test('counts rows, molecules, values and sources', async () => {
    const a = await commit([{ n: 1, value: 1 }, { n: 1, value: 3 }, { n: 2, value: 7 }, { n: 3 }], {
      uri: 'a.csv',
    });
    await commit([{ n: 4 }], { uri: 'b.csv' });
    const c = await commit([{ n: 1, value: 1 }, { n: 1, value: 5 }, { n: 2, value: 7 }, { n: 5, value: 9 }], { uri: 'a.csv', raw: 'new' }); // prettier-ignore
    expect(await home.datasets.diff(a, c)).toEqual({
      from: a.id,
      to: c.id,
      // Lines of another file are other rows.
      rows: { added: 5, removed: 4 },
      molecules: { added: 2, removed: 1 },
      changedValues: 1,
      sources: { added: ['b.csv'], removed: [], changed: ['a.csv'] },
      examples: {
        added: expect.arrayContaining([
          { moleculeId: molecule(5).moleculeId, smiles: 'CCCCC', value: 9 },
          { moleculeId: molecule(4).moleculeId, smiles: 'CCCC', value: null },
        ]),
        removed: [{ moleculeId: molecule(3).moleculeId, smiles: 'CCC', value: null }],
        changed: [{ moleculeId: molecule(1).moleculeId, smiles: 'C', before: 2, after: 3 }],
      },
    });
    expect((await home.datasets.diff(a, c, 0)).examples).toEqual({ added: [], removed: [], changed: [] });
    expect(await home.datasets.diff(c, c)).toMatchObject({
      rows: { added: 0, removed: 0 },
      changedValues: 0,
    });
  });

  test('of any two versions: what one way adds, the other way removes, and the counts add up', async () => {
    const rows = fc.uniqueArray(
      fc.record({ n: fc.integer({ min: 1, max: 6 }), line: fc.integer({ min: 2, max: 9 }), value: fc.integer({ min: 0, max: 2 }) }), // prettier-ignore
      { selector: (row) => row.line, minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(rows, rows, async (one, two) => {
        home = newHome(engine);
        const a = await commit(one, { raw: 'same' });
        const b = await commit(two, { raw: 'same' });
        const there = await home.datasets.diff(a, b);
        const back = await home.datasets.diff(b, a);
        expect([back.rows.added, back.rows.removed]).toEqual([there.rows.removed, there.rows.added]);
        expect([back.molecules.added, back.molecules.removed]).toEqual([there.molecules.removed, there.molecules.added]); // prettier-ignore
        expect(a.acceptedRows + there.rows.added - there.rows.removed).toBe(b.acceptedRows);
        expect(a.molecules + there.molecules.added - there.molecules.removed).toBe(b.molecules);
        const common = (r: RowOf[]) => new Set(r.map((row) => JSON.stringify([row.n, row.line, row.value])));
        const [x, y] = [common(one), common(two)];
        expect(there.rows.added).toBe([...y].filter((row) => !x.has(row)).length);
        expect(back.changedValues).toBe(there.changedValues);
      }),
      { numRuns: 12 },
    );
  });
});

describe('export', () => {
  const rows: RowOf[] = [
    { n: 1, compoundId: '=cmd|calc', assay: 'a,"b"\r\nc', value: -1.5, unit: 'log', batch: '-7' },
    { n: 2, compoundId: 'plain', value: 1e-7, unit: '＋x', batch: '\tx', measuredAt: '2026-01-01' },
  ];

  test('CSV reads back, and no cell begins a formula', async () => {
    const version = await commit(rows);
    const file = path.join(home.folder, 'out', 'x.csv');
    expect(await home.datasets.exportTo(version, file, 'csv')).toEqual({ rows: 2 });
    const read = parse(readFileSync(file), { columns: true, record_delimiter: '\r\n' }) as Record<
      string,
      string
    >[];
    const byLine = new Map(read.map((row) => [row.line, row]));
    expect(byLine.get('2')).toMatchObject({ compoundId: "'=cmd|calc", assay: 'a,"b"\r\nc', value: '-1.5', batch: "'-7", replicate: '' }); // prettier-ignore
    expect(byLine.get('3')).toMatchObject({
      value: '1e-7',
      unit: "'＋x",
      batch: "'\tx",
      measuredAt: '2026-01-01',
    });
    expect(read[0]!.smiles).toBe(read[0]!.rawSmiles);
    expect(readdirSync(path.dirname(file))).toEqual(['x.csv']);
  });

  test('any text survives a cell, less the apostrophe before a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2 }), (cells) => {
        const [back] = parse(`${cells.map(csvCell).join(',')}\r\n`, { record_delimiter: '\r\n', relax_column_count: true, skip_empty_lines: false }) as string[][]; // prettier-ignore
        expect(back!.map((cell, i) => (cell === `'${cells[i]}` ? cells[i] : cell))).toEqual(cells);
        for (const cell of back!) {
          expect(cell).not.toMatch(/^[\t\r\n]/);
          if (cell.length > 1) expect(cell).not.toMatch(/^[=+\-@＝＋－＠]/);
        }
      }),
      { examples: [[['\t', '']], [['\r', '=']], [['=1', '＠']]] },
    );
  });

  test('a qualifier or a dash alone is written as it is', () => {
    expect(['=', '<', '-', '+', '@'].map(csvCell)).toEqual(['=', '<', '-', '+', '@']);
  });

  test('Parquet is read by another DuckDB; a failed export leaves what was there', async () => {
    const version = await commit(rows);
    const file = path.join(home.folder, 'x.parquet');
    expect(await home.datasets.exportTo(version, file, 'parquet')).toEqual({ rows: 2 });
    const connection = await (await DuckDBInstance.create()).connect();
    const read = await connection.runAndReadAll(`SELECT * FROM read_parquet('${file}') ORDER BY line`);
    expect(read.getRowObjectsJson()).toMatchObject([{ smiles: 'C', value: -1.5, line: '2' }, { measuredAt: '2026-01-01' }]); // prettier-ignore
    connection.closeSync();
    writeFileSync(path.join(home.folder, 'file'), 'here');
    await expect(
      home.datasets.exportTo(version, path.join(home.folder, 'file', 'x.csv'), 'csv'),
    ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('cannot be written') });
  });

  describeWithPython('in Python', () => {
    test('the CSV is what the csv module reads', async () => {
      const version = await commit(rows);
      const file = path.join(home.folder, 'x.csv');
      await home.datasets.exportTo(version, file, 'csv');
      const script = `import csv, json, sys
print(json.dumps(list(csv.DictReader(open(json.load(sys.stdin), newline='', encoding='utf-8'), strict=True))))`;
      expect(
        runPython<{ assay: string }[]>(script, file)
          .map((row) => row.assay)
          .sort(),
      ).toEqual(['', 'a,"b"\r\nc']);
    });
  });
});
