import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { splitCells } from '../../../src/sources/formats/csv-framing';
import { readLines } from '../../../src/sources/formats/text-lines';
import { brief, readAll } from '../reading';

describe('CSV sources', () => {
  test('a record carries every named column, and nothing it has not', async () => {
    const text = [
      'id,SMILES,IC50,rel,u,n,test,lot,day,other',
      'A-1,CCO,5,<,nM,2,hERG,L7,2026-11-24,x',
      'A-2,CCN,,,,,,,,',
    ].join('\n');
    const { records } = await readAll(text, {
      compoundIdColumn: 'id',
      valueColumn: 'IC50',
      qualifierColumn: 'rel',
      unitColumn: 'u',
      replicateColumn: 'n',
      assayColumn: 'test',
      batchColumn: 'lot',
      measuredAtColumn: 'day',
    });
    expect(records).toEqual([
      {
        ok: true,
        line: 2,
        raw: 'A-1,CCO,5,<,nM,2,hERG,L7,2026-11-24,x',
        structure: { notation: 'smiles', text: 'CCO' },
        compoundId: 'A-1',
        value: '5',
        qualifier: '<',
        unit: 'nM',
        replicate: '2',
        assay: 'hERG',
        batch: 'L7',
        measuredAt: '2026-11-24',
      },
      {
        ok: true,
        line: 3,
        raw: 'A-2,CCN,,,,,,,,',
        structure: { notation: 'smiles', text: 'CCN' },
        compoundId: 'A-2',
      },
    ]);
  });

  test.each([
    ['comma', 'smiles,v\nCCO,1\n', ','],
    ['semicolon', 'smiles;v\nCCO;1\n', ';'],
    ['tab', 'smiles\tv\nCCO\t1\n', '\t'],
    ['bar', 'smiles|v\nCCO|1\n', '|'],
    ['semicolons beside commas in names', 'smiles;v;"a,b";c,d,e\nCCO;1;x;y\n', ';'],
    ['Excel says it', 'sep=;\nsmiles;v\nCCO;1\n', ';'],
    ['byte order mark', '\uFEFFsmiles,v\nCCO,1\n', ','],
    ['CRLF', 'smiles,v\r\nCCO,1\r\n', ','],
    ['CR', 'smiles,v\rCCO,1\r', ','],
    ['no last line end', 'smiles,v\nCCO,1', ','],
    ['quoted header and cells', '"smiles","v"\n"CCO","1"\n', ','],
    ['blank lines before the header', '\n \nsmiles,v\nCCO,1\n', ','],
    ['padded cells', ' smiles , v \n CCO , 1 \n', ','],
  ])('%s', async (_name, text, delimiter) => {
    const { good, bad, reading } = await readAll(text, { valueColumn: 'v' });
    expect(good.map(({ structure, value }) => [structure.text, value])).toEqual([['CCO', '1']]);
    expect(bad).toEqual([]);
    expect(reading.delimiter).toBe(delimiter);
  });

  test('a bad row stops nothing, and every row is accounted for, in order, with its line', async () => {
    const text = ['smiles,v', 'CCO,1', 'CC', 'CC,1,2', ',5', 'CCBr,4'].join('\n');
    const result = await readAll(text, { valueColumn: 'v' });
    expect(brief(result)).toEqual({
      rows: [[2, 'CCO'], [5, ''], [6, 'CCBr']], // prettier-ignore
      bad: [[3, 'record-malformed'], [4, 'record-malformed']], // prettier-ignore
    });
    expect(result.bad[1]).toMatchObject({ raw: 'CC,1,2', message: 'the row has 3 cells, the header 2' });
  });

  test('line ends inside quotes keep later line numbers right', async () => {
    const text = 'smiles,note\nCCO,"two\r\nlines, and a ""quote"""\n\nC,x,y\nCCN,y\n';
    const result = await readAll(text);
    expect(brief(result)).toEqual({ rows: [[2, 'CCO'], [6, 'CCN']], bad: [[5, 'record-malformed']] }); // prettier-ignore
    expect(result.good[0]!.raw).toBe('CCO,"two\nlines, and a ""quote"""');
  });

  test('a stray quote costs its own row, not the rest of the file', async () => {
    const open = 'smiles,note\nCCO,"never closed\nCCN,a\nCCC,b\n';
    expect(brief(await readAll(open))).toEqual({ rows: [[3, 'CCN'], [4, 'CCC']], bad: [[2, 'record-malformed']] }); // prettier-ignore
    const closedLater = 'smiles,note\nCCO,"open\nCCN,a\nCCC,"b"\nCC,c\n';
    expect(brief(await readAll(closedLater)).rows).toEqual([[3, 'CCN'], [4, 'CCC'], [5, 'CC']]); // prettier-ignore
    const afterQuote = 'smiles,note\n"CCO"x,1\nCCN,5" pipe\n';
    expect(brief(await readAll(afterQuote))).toEqual({ rows: [[3, 'CCN']], bad: [[2, 'record-malformed']] });
  });

  test('a missing column names the columns there are and the nearest one', async () => {
    await expect(readAll('smiles,logS\nCCO,1\n', { valueColumn: 'LogS' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(
        /no column 'LogS'; the columns are 'smiles', 'logS'\. Did you mean 'logS'\?/,
      ),
    });
    await expect(readAll('CCO,1\nCCN,2\n')).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining('the first line of the file must name the columns'),
    });
    await expect(readAll('CCO,1\nCCN,2\n')).rejects.toMatchObject({
      message: expect.stringContaining("format: 'smi' reads a list"),
    });
    await expect(readAll('smiles,Smiles\nCCO,CCN\n')).rejects.toMatchObject({ code: 'column-missing' });
  });

  test('a doubled header matters only where it is wanted', async () => {
    const text = 'smiles,note,note,v,v\nCCO,a,b,1,2\n';
    expect((await readAll(text)).good).toHaveLength(1);
    await expect(readAll(text, { valueColumn: 'v' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining("2 columns are called 'v'"),
    });
  });

  test.each([
    ['only line ends', '\n\n', 'source-unreadable', /no header/],
    ['only a byte order mark', '\uFEFF', 'source-unreadable', /no header/],
    ['a header that does not end', 'smiles,"x\nCCO,1', 'source-unreadable', /header cannot be read/],
  ])('%s', async (_name, text, code, message) => {
    await expect(readAll(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('a header alone is a source without rows', async () => {
    expect((await readAll('smiles\n')).records).toEqual([]);
  });

  test('columns that make no sense together', async () => {
    for (const option of ['qualifierColumn', 'unitColumn'])
      await expect(readAll('smiles,q\nC,=\n', { [option]: 'q' })).rejects.toMatchObject({
        code: 'config-invalid',
      });
  });

  test('whoever stops early lets go of the stream', async () => {
    let stream: Readable | undefined;
    const { readSource } = await import('../../../src/sources/read-source');
    const raw = () => (stream = Readable.from([Buffer.from('smiles\nC\n'), Buffer.from('CC\n')]));
    const reading = { format: 'csv', compression: 'none', encoding: 'utf-8', delimiter: ',' } as const;
    for await (const _ of readSource({
      raw,
      localPath: () => Promise.reject(),
      source: { uri: 'x.csv' },
      reading,
    }))
      break;
    expect(stream!.destroyed).toBe(true);
  });
});

const cell = fc.string({
  unit: fc.constantFrom('a', 'µ', '"', ',', '\n', ' ', ';', "'", '🧪', 'C'),
  maxLength: 8,
});
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

describe('CSV as it is written', () => {
  test('any cells that a writer quotes come back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 9 }),
        async (rows, end, piece) => {
          const plain = (text: string, quote: boolean) =>
            quote || /["\n,]/.test(text) ? quoted(text.replaceAll('\n', end)) : text;
          const lines = rows.map(([id, note, quote]) =>
            ['CCO', plain(id, quote), plain(note, quote)].join(','),
          );
          const text = ['smiles,id,note', ...lines].join(end) + end;
          const { good, bad } = await readAll(text, { compoundIdColumn: 'id' }, { piece });
          expect(bad).toEqual([]);
          expect(good.map((record) => record.compoundId ?? '')).toEqual(rows.map(([id]) => id.trim()));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('cells are those of another parser', () => {
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 2, maxLength: 5 }),
        fc.constantFrom(',', ';'),
        (cells, delimiter) => {
          const raw = cells.map(quoted).join(delimiter);
          expect(splitCells(raw, delimiter)).toEqual(parse(raw, { delimiter })[0]);
        },
      ),
    );
  });

  test('no line is lost: each that is not blank belongs to exactly one record, in order', async () => {
    const noise = fc.string({
      unit: fc.constantFrom('C', '"', ',', ' ', '\t', '=', '\0', 'x'),
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 12 }), async (noisy) => {
        const { records } = await readAll(
          ['smiles,v', ...noisy].join('\n'),
          {},
          { reading: { delimiter: ',' } },
        );
        const lines = records.flatMap((record) =>
          record.raw.split('\n').map((raw, i) => [record.line + i, raw] as const),
        );
        const blank = (text: string) => text.trim() === '';
        expect(lines.filter(([, raw]) => !blank(raw))).toEqual(
          noisy.flatMap((raw, i) => (blank(raw) ? [] : [[i + 2, raw]])),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('the way bytes are cut into pieces changes nothing', async () => {
    const lines = async (pieces: Uint8Array[]) => {
      const out: string[] = [];
      async function* all() {
        for (const piece of pieces) yield await Promise.resolve(piece);
      }
      for await (const batch of readLines(all(), 'utf-8')) out.push(...batch.map((line) => line.text));
      return out;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'µ', '\n', '\r\n', '\r', '🧪'), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 }),
        async (parts, cuts) => {
          const bytes = Buffer.from(parts.join(''));
          const pieces: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++)
            pieces.push(bytes.subarray(at, (at += cuts[i % cuts.length]!)));
          const expected = parts.join('').split(/\r\n|\n|\r/);
          if (expected.at(-1) === '') expected.pop();
          expect(await lines(pieces)).toEqual(expected);
        },
      ),
    );
  });
});
