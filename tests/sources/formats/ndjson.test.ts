import fc from 'fast-check';
import { brief, readAll } from '../reading';

const source = { uri: 'pool.ndjson' };
const json = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('NDJSON sources', () => {
  test('numbers and strings, null and nested keys', async () => {
    const text = json(
      { SMILES: 'CCO', id: 17, assay: { value: 1e-7, 'odd.key': { u: 'nM' } } },
      { SMILES: 'CCN', id: '18', assay: { value: '<5', 'odd.key': { u: null } } },
      { SMILES: 'CCC', id: null },
    );
    const { good, bad } = await readAll(text, {
      ...source,
      compoundIdColumn: 'id',
      valueColumn: 'assay.value',
      unitColumn: 'assay.odd.key.u',
    });
    expect(bad).toEqual([]);
    expect(good.map((r) => [r.line, r.structure.text, r.compoundId, r.value, r.unit])).toEqual([
      [1, 'CCO', '17', '1e-7', 'nM'],
      [2, 'CCN', '18', '<5', undefined],
      [3, 'CCC', undefined, undefined, undefined],
    ]);
  });

  test('a line that is no object, and a cell that is no value, are bad rows', async () => {
    const text = [
      '{"smiles":"CCO","id":1}',
      '[1]',
      '{"smiles":',
      '',
      '"CCO"',
      '{"smiles":"C","id":[1]}',
      '{"smiles":{"x":1},"id":1}',
      '{"smiles":"C","Smiles":"N","id":1}',
      '{"smiles":"C","id":12345678901234567890}',
      '{"ok":false,"reason":"mine","id":2}',
      '{"smiles":"CCN","id":true}',
    ].join('\n');
    const result = await readAll(text, { ...source, compoundIdColumn: 'id' });
    expect(brief(result)).toEqual({
      rows: [
        [1, 'CCO'],
        [10, ''],
        [11, 'CCN'],
      ],
      bad: [2, 3, 5, 6, 7, 8, 9].map((line) => [line, 'record-malformed']),
    });
    expect(result.bad.map(({ message }) => message).join('\n')).toMatch(
      /not a JSON object[^]*'id' holds an array[^]*'smiles' holds an object[^]*could both be[^]*more digits/,
    );
  });

  test('keys that no record has are named', async () => {
    const text = json({ smiles: 'CCO', logS: 1, assay: { ki: 5 } }, { smiles: 'CCN' });
    await expect(readAll(text, { ...source, valueColumn: 'logs' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(/'assay.ki', 'logS', 'smiles'\. Did you mean 'logS'/),
    });
    await expect(readAll(json({ smi: 'CCO' }), source)).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining('smilesColumn'),
    });
    await expect(readAll('\n\n', source)).rejects.toMatchObject({ code: 'source-unreadable' });
  });

  test('a file without the SMILES key is given up early', async () => {
    let lines = 0;
    const { Readable } = await import('node:stream');
    const rows = function* () {
      for (; lines < 1e6; lines++) yield Buffer.from(json({ smi: 'CCO' }));
    };
    const { readSource } = await import('../../../src/sources/read-source');
    const records = readSource({
      raw: () => Readable.from(rows()),
      localPath: () => Promise.reject(),
      source,
      reading: { format: 'ndjson', compression: 'none', encoding: 'utf-8', delimiter: null },
    });
    await expect(
      (async () => {
        for await (const _ of records);
      })(),
    ).rejects.toMatchObject({ code: 'column-missing' });
    expect(lines).toBeLessThan(2000);
  });

  test('whatever strings are written come back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), async (ids) => {
        const { records } = await readAll(json(...ids.map((id) => ({ smiles: 'C', id }))), {
          ...source,
          compoundIdColumn: 'id',
        });
        expect(records).toHaveLength(ids.length);
        records.forEach((record, i) => {
          // eslint-disable-next-line no-control-regex
          if (record.ok && !/[\0-\x1f\x7f-\x9f\ufffd]/.test(ids[i]!))
            expect(record.compoundId ?? '').toBe(ids[i]!.trim());
          else if (!record.ok) expect(['encoding-invalid', 'formula-cell']).toContain(record.reason);
        });
      }),
    );
  });
});
