import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { SHARD_ROWS, type DatasetRow, type Molecule, type QuarantineRow } from '../../src/contracts';
import { decodeNdjson } from '../../src/foundation';
import { createDuckDbWarehouse, type Warehouse } from '../../src/warehouse';
import { molecule, newHome, sourceOf, type RowOf } from './campaigns';

const home = newHome();
const { objects } = home;
let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await createDuckDbWarehouse(home);
});
afterAll(() => warehouse.close());

const by = { dataset: 'pool', parent: null, author: 'ada', reason: 'test' };
const commit = async (rows: readonly RowOf[], more: object = {}) =>
  warehouse.commitDataset({ ...by, sources: [await sourceOf(objects, rows)], ...more });

describe('dataset versions', () => {
  test('rows come back as they were, in canonical order, with what they have and no more', async () => {
    const rows: RowOf[] = [
      { n: 3, line: 4, value: 0.1 + 0.2, unit: 'nM', qualifier: '<', compoundId: "it's ü" },
      { n: 1, line: 2 },
      { n: 2, line: 3, value: -0, unit: 'nM', qualifier: '=' },
    ];
    const source = await sourceOf(objects, rows);
    const version = await warehouse.commitDataset({ ...by, sources: [source] });
    const given = decodeNdjson<DatasetRow>(await objects.get(source.rows));
    expect(await warehouse.readRows(version)).toEqual(
      given.sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1)),
    );
    expect(version).toMatchObject({
      molecules: 3,
      acceptedRows: 3,
      duplicateRows: 0,
      measuredRows: 2,
      dataset: 'pool',
      parent: null,
    });
    expect(await warehouse.datasetVersion(version.id)).toEqual(version);
  });

  test('the id is that of the rows and the parent; who, why, when and the order of sources stay outside', async () => {
    const a = await sourceOf(objects, [{ n: 1, line: 2 }, { n: 2, line: 3 }], [], 'a.csv'); // prettier-ignore
    const b = await sourceOf(objects, [{ n: 3, line: 2, value: 1, qualifier: '=' }], [], 'b.csv');
    const first = await warehouse.commitDataset({ ...by, sources: [a, b] });
    expect(await warehouse.commitDataset({ ...by, author: 'bob', reason: 'again', sources: [b, a] })).toEqual(
      first,
    );
    const child = await warehouse.commitDataset({ ...by, parent: first.id, sources: [a, b] });
    expect(child.id).not.toBe(first.id);
    expect(child.parent).toBe(first.id);
    const changed = await sourceOf(objects, [{ n: 3, line: 2, value: 2, qualifier: '=' }], [], 'b.csv');
    expect((await warehouse.commitDataset({ ...by, sources: [a, changed] })).id).not.toBe(first.id);
    await expect(warehouse.commitDataset({ ...by, parent: 'data_none', sources: [a] })).rejects.toMatchObject(
      { code: 'not-found' },
    );
  });

  test('the same rows have the same id in any order, in any warehouse', async () => {
    const other = newHome();
    const elsewhere = await createDuckDbWarehouse(other);
    const rows = [1, 2, 3, 1, 2].map((n, i): RowOf => ({
      n,
      line: i + 2,
      value: i / 3,
      qualifier: '=',
      compoundId: `c${i}`,
    }));
    const expected = (await commit(rows)).id;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: rows.length }), async (shuffled) => {
        const sources = [await sourceOf(other.objects, shuffled)];
        expect((await elsewhere.commitDataset({ ...by, sources })).id).toBe(expected);
      }),
      { numRuns: 4 },
    );
    await elsewhere.close();
  });

  test('a file that is named twice counts once; replicates are kept', async () => {
    const source = await sourceOf(objects, [{ n: 7, line: 2, value: 1, qualifier: '=' }, { n: 7, line: 3, value: 1, qualifier: '=' }]); // prettier-ignore
    const version = await warehouse.commitDataset({ ...by, sources: [source, source] });
    expect(version).toMatchObject({ acceptedRows: 4, molecules: 1, duplicateRows: 3, measuredRows: 2 });
    expect(await warehouse.readRows(version)).toHaveLength(2);
  });

  test('shards hold the distinct molecules, sorted, at most SHARD_ROWS each', async () => {
    const version = await commit(
      Array.from({ length: SHARD_ROWS + 90 }, (_, i) => ({ n: 1 + (i % (SHARD_ROWS + 40)), line: i + 2 })),
    );
    const shards = await Promise.all(
      version.shards.map(async (ref) => decodeNdjson<Molecule>(await objects.get(ref))),
    );
    expect(shards.map((shard) => shard.length)).toEqual([SHARD_ROWS, 40]);
    const ids = shards.flat().map((row) => row.moleculeId);
    expect(ids).toEqual(Array.from({ length: SHARD_ROWS + 40 }, (_, i) => molecule(i + 1).moleculeId).sort());
    expect(Object.keys(shards[0]![0]!)).toEqual(['moleculeId', 'smiles', 'inchiKey']);
    expect(version.duplicateRows).toBe(50);
  });

  test('the Parquet file is read by another DuckDB', async () => {
    const version = await commit([{ n: 5, line: 2, value: 1.5, unit: 'nM', qualifier: '=' }]);
    const connection = await (await DuckDBInstance.create()).connect();
    const rows = await connection.runAndReadAll(
      `SELECT * FROM read_parquet('${await objects.localPath(version.rows)}')`,
    );
    expect(rows.getRowObjectsJson()).toMatchObject([
      { smiles: 'CCCCC', value: 1.5, unit: 'nM', qualifier: '=', line: 2 },
    ]);
    connection.closeSync();
  });

  test('quarantined rows are kept; a pool without rows says how many and why', async () => {
    const quarantine: QuarantineRow[] = [
      { sourceSha256: 'x', line: 2, raw: 'C!', reason: 'molecule-unparsable', message: "cannot read 'C!'" },
      { sourceSha256: 'x', line: 3, raw: '', reason: 'molecule-empty', message: 'nothing there' },
    ];
    const good = await sourceOf(objects, [{ n: 1, line: 2 }], [], 'good.csv');
    const bad = await sourceOf(objects, [], quarantine, 'bad.csv');
    const version = await warehouse.commitDataset({ ...by, sources: [good, bad] });
    expect(version.quarantinedRows).toBe(2);
    expect(await warehouse.readQuarantine(version)).toEqual(quarantine);
    await expect(warehouse.commitDataset({ ...by, sources: [bad] })).rejects.toMatchObject({
      code: 'pool-empty',
      message: expect.stringMatching(
        /^bad\.csv: no row was accepted; 2 rows were quarantined, for instance bad\.csv, line 2: cannot read 'C!'/,
      ),
    });
  });

  test('findMolecules gives the standard SMILES and the first compound id', async () => {
    const version = await commit([
      { n: 1, line: 9, compoundId: 'late' },
      { n: 1, line: 3 },
      { n: 1, line: 5, compoundId: 'first' },
      { n: 2, line: 4 },
    ]);
    const found = await warehouse.findMolecules(version.id, [
      molecule(1).moleculeId,
      molecule(2).moleculeId,
      'mol_none',
    ]);
    expect(found).toEqual(
      new Map([
        [molecule(1).moleculeId, { smiles: 'C', compoundId: 'first' }],
        [molecule(2).moleculeId, { smiles: 'CC' }],
      ]),
    );
    await expect(warehouse.findMolecules('data_none', [])).rejects.toMatchObject({ code: 'not-found' });
    expect((await warehouse.findMolecules(version.id, [])).size).toBe(0);
  });
});
