import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { gzip, readAll } from '../reading';

const source = { uri: 'pool.parquet' };

/** A Parquet file of a query's rows. */
async function parquet(query: string, options = ''): Promise<Buffer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'titrate-parquet-test-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const file = path.join(directory, 'x.parquet');
    await connection.run(`COPY (${query}) TO '${file}' (FORMAT parquet${options})`);
    return await readFile(file);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(directory, { recursive: true });
  }
}

describe('Parquet sources', () => {
  let typed: Buffer;
  beforeAll(async () => {
    typed = await parquet(`
      SELECT 'C' || repeat('C', i::INT) AS SMILES, 12345678901234567 + i AS id, (i + 1) / 10 AS v, 0.1::FLOAT AS f,
        1.50::DECIMAL(10, 2) AS d, '=' AS q, DATE '2026-11-24' AS day, TIMESTAMP '2026-11-24 00:00:00' AS midnight,
        TIMESTAMP '2026-11-24 10:11:12.5' AS local, TIMESTAMPTZ '2026-11-24 10:11:12+02' AS moment, i + 1.0 AS n,
        [1, 2] AS list, 'x'::BLOB AS bytes, true AS yes
      FROM range(2) t(i)`);
  });

  test('every type becomes the text of a cell', async () => {
    const { reading, records } = await readAll(typed, {
      ...source,
      compoundIdColumn: 'id',
      valueColumn: 'v',
    });
    expect(reading).toEqual({ format: 'parquet', compression: 'none', encoding: null, delimiter: null });
    expect(records).toEqual([
      {
        ok: true,
        line: 1,
        raw: '{"SMILES":"C","id":"12345678901234567","v":"0.1"}',
        structure: { notation: 'smiles', text: 'C' },
        compoundId: '12345678901234567',
        value: '0.1',
      },
      expect.objectContaining({ line: 2, compoundId: '12345678901234568', value: '0.2' }),
    ]);
    const first = async (more: object) => (await readAll(typed, { ...source, ...more })).good[0]!;
    expect((await first({ valueColumn: 'f' })).value).toBe('0.1');
    expect((await first({ valueColumn: 'd', qualifierColumn: 'q' })).value).toBe('1.50');
    expect((await first({ replicateColumn: 'n' })).replicate).toBe('1.0');
    expect((await first({ assayColumn: 'yes' })).assay).toBe('true');
    for (const [column, text] of [
      ['day', '2026-11-24'],
      ['midnight', '2026-11-24'],
      ['local', '2026-11-24T10:11:12.500000'],
      ['moment', '2026-11-24T08:11:12Z'],
    ])
      expect((await first({ measuredAtColumn: column })).measuredAt).toBe(text);
  });

  test('a wrong schema is named, with columns and types', async () => {
    const refused = (more: object) => readAll(typed, { ...source, ...more }).catch((error: unknown) => error);
    expect(await refused({ valueColumn: 'V' })).toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(
        /no column 'V'; the columns are 'SMILES' \(VARCHAR\), 'id' \(BIGINT\).*Did you mean 'v'/,
      ),
    });
    expect(await refused({ smilesColumn: 'id' })).toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining("the column 'id' holds BIGINT, not text"),
    });
    for (const column of ['list', 'bytes', 'day'])
      expect(await refused({ valueColumn: column })).toMatchObject({ code: 'column-missing' });
    expect(await refused({ measuredAtColumn: 'v' })).toMatchObject({ code: 'column-missing' });
  });

  test('rows keep their order and number over row groups; nulls are no cells', async () => {
    const bytes = await parquet(
      `SELECT CASE WHEN i % 2 = 0 THEN 'C' || i END AS smiles FROM range(10000) t(i)`,
      ', ROW_GROUP_SIZE 2048',
    );
    const { records } = await readAll(bytes, source);
    expect(records.map((record) => record.ok && [record.line, record.structure.text])).toEqual(
      Array.from({ length: 10_000 }, (_, i) => [i + 1, i % 2 ? '' : `C${i}`]),
    );
  });

  test('compressed by gzip as a whole', async () => {
    const { reading, good } = await readAll(gzip(typed), { uri: 'pool.parquet.gz' });
    expect(reading).toMatchObject({ format: 'parquet', compression: 'gzip' });
    expect(good).toHaveLength(2);
    const cut = gzip(typed).subarray(0, 700);
    await expect(readAll(cut, { uri: 'pool.parquet.gz' })).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringContaining('byte 700'),
    });
  });

  test('cut, damaged and wrongly named files', async () => {
    await expect(readAll(typed.subarray(0, typed.length - 20), source)).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringMatching(/pool\.parquet: .*or was cut.*magic/i),
    });
    await expect(readAll('PAR1, says the text', source)).rejects.toMatchObject({ code: 'source-unreadable' });
    await expect(readAll('smiles\nC\n', source)).rejects.toMatchObject({ code: 'source-unreadable' });
    await expect(readAll('smiles\nC\n', { uri: 'x', format: 'parquet' })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining("'parquet' is stated"),
    });
    await expect(readAll(typed, { uri: 'x.csv' })).rejects.toMatchObject({ code: 'source-unreadable' });
  });

  test('rows before a damage stay', async () => {
    const bytes = await parquet(
      `SELECT 'C' || i || repeat('N', 50) AS smiles FROM range(20000) t(i)`,
      ', ROW_GROUP_SIZE 2048, COMPRESSION snappy',
    );
    bytes.fill(0x5a, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 3000);
    const { good, bad } = await readAll(bytes, source);
    expect(good.length).toBeGreaterThan(2000);
    expect(good.length % 2048).toBe(0);
    expect(bad).toMatchObject([{ line: good.length + 1, reason: 'source-truncated' }]);
    expect(bad[0]!.message).toContain(`rows ${good.length + 1} to 20000`);
  });
});
