import { Readable } from 'node:stream';
import fc from 'fast-check';
import { sha256 } from '../../src/foundation';
import { readLines, standardiseRows } from '../../src/processing';
import { caps, standardise, textChemistry } from './sources';

const lines = async (raw: Parameters<typeof readLines>[0]) => {
  const out: string[] = [];
  for await (const line of readLines(raw, 'x')) out.push(line.text);
  return out;
};
const brief = ({ rows, quarantine }: Awaited<ReturnType<typeof standardise>>) => ({
  rows: rows.map((row) => [row.line, row.smiles]),
  quarantine: quarantine.map((row) => [row.line, row.reason]),
});

describe('CSV sources', () => {
  test('a row carries what it needs, and nothing it has not', async () => {
    const text = 'id,SMILES,IC50\nA-1,CCO,<5\nA-2,CCN,\n';
    const { rows } = await standardise(text, { compoundIdColumn: 'id', valueColumn: 'IC50', unit: 'nM' });
    const common = {
      sourceSha256: sha256(text),
      inchiKey: expect.any(String),
      moleculeId: expect.stringMatching(/^mol_/),
    };
    expect(rows).toEqual([
      {
        ...common,
        smiles: 'CCO',
        rawSmiles: 'CCO',
        compoundId: 'A-1',
        value: 5,
        unit: 'nM',
        qualifier: '<',
        line: 2,
      },
      { ...common, smiles: 'CCN', rawSmiles: 'CCN', compoundId: 'A-2', line: 3 },
    ]);
  });

  test.each([
    ['comma', 'smiles,v\nCCO,1\n'],
    ['semicolon', 'smiles;v\nCCO;1\n'],
    ['tab', 'smiles\tv\nCCO\t1\n'],
    ['byte order mark', '\uFEFFsmiles,v\nCCO,1\n'],
    ['CRLF', 'smiles,v\r\nCCO,1\r\n'],
    ['CR', 'smiles,v\rCCO,1\r'],
    ['no last line end', 'smiles,v\nCCO,1'],
    ['quoted header and cells', '"smiles","v"\n"CCO","1"\n'],
    ['blank lines before the header', '\n \nsmiles,v\nCCO,1\n'],
    ['padded cells', ' smiles , v \n CCO , 1 \n'],
  ])('%s', async (_name, text) => {
    const { rows, quarantine } = await standardise(text, { valueColumn: 'v' });
    expect(rows.map(({ smiles, value }) => ({ smiles, value }))).toEqual([{ smiles: 'CCO', value: 1 }]);
    expect(quarantine).toEqual([]);
  });

  test('a bad row stops nothing, and every row is accounted for, in order, with its line', async () => {
    const text = [
      'smiles,v',
      'CCO,1',
      'C!,2',
      'CCN,abc',
      'CCC,inf',
      ',5',
      'CC',
      'CC,1,2',
      'CCCl,~1',
      'CCBr,4',
    ].join('\n');
    const result = await standardise(text, { valueColumn: 'v' });
    expect(brief(result)).toEqual({
      rows: [[2, 'CCO'], [10, 'CCBr']], // prettier-ignore
      quarantine: [
        [3, 'molecule-unparsable'],
        [4, 'value-not-a-number'],
        [5, 'value-infinite'],
        [6, 'molecule-empty'],
        [7, 'record-malformed'],
        [8, 'record-malformed'],
        [9, 'qualifier-unknown'],
      ],
    });
    expect(result.quarantine[2]!.raw).toBe('CCC,inf');
    expect(result.examples).toHaveLength(3);
    expect(result.examples[0]).toBe('pool.csv, line 3: cannot read C! (molecule-unparsable)');
  });

  test('line ends inside quotes keep later line numbers right', async () => {
    const text = 'smiles,note\nCCO,"two\r\nlines, and a ""quote"""\n\nC!,x\nCCN,y\n';
    expect(brief(await standardise(text))).toEqual({ rows: [[2, 'CCO'], [6, 'CCN']], quarantine: [[5, 'molecule-unparsable']] }); // prettier-ignore
  });

  test('a stray quote costs its own row, not the rest of the file', async () => {
    const open = 'smiles,note\nCCO,"never closed\nCCN,a\nCCC,b\n';
    expect(brief(await standardise(open))).toEqual({ rows: [[3, 'CCN'], [4, 'CCC']], quarantine: [[2, 'record-malformed']] }); // prettier-ignore
    const closedLater = 'smiles,note\nCCO,"open\nCCN,a\nCCC,"b"\nCC,c\n';
    const later = brief(await standardise(closedLater));
    expect(later.rows).toEqual([[3, 'CCN'], [4, 'CCC'], [5, 'CC']]); // prettier-ignore
    const afterQuote = 'smiles,note\n"CCO"x,1\nCCN,5" pipe\n';
    expect(brief(await standardise(afterQuote))).toEqual({
      rows: [[3, 'CCN']],
      quarantine: [[2, 'record-malformed']],
    });
  });

  test('bytes that are not UTF-8 quarantine the rows whose cells they garble', async () => {
    const text = Buffer.from('smiles,id,note\nCCO,\xb5M-1,x\nCCN,A-2,\xb5\n', 'latin1');
    const { rows, quarantine } = await standardise(text, { compoundIdColumn: 'id' });
    expect(quarantine).toMatchObject([
      { line: 2, reason: 'record-malformed', message: expect.stringContaining('UTF-8') },
    ]);
    expect(rows).toMatchObject([{ line: 3, compoundId: 'A-2' }]);
  });

  test('a missing column names the columns there are and the nearest one', async () => {
    await expect(standardise('smiles,logS\nCCO,1\n', { valueColumn: 'LogS' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(
        /no column 'LogS'; the columns are 'smiles', 'logS'\. Did you mean 'logS'\?/,
      ),
    });
    await expect(standardise('CCO,1\nCCN,2\n')).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining('the first line of the file must name the columns'),
    });
    await expect(standardise('smiles,Smiles\nCCO,CCN\n')).rejects.toMatchObject({ code: 'column-missing' });
  });

  test.each([
    ['empty', '', 'source-unreadable', /empty/],
    ['only line ends', '\n\n', 'source-unreadable', /no header/],
    ['only a byte order mark', '\uFEFF', 'source-unreadable', /no header/],
    ['a header that does not end', 'smiles,"x\nCCO,1', 'source-unreadable', /header cannot be read/],
    ['UTF-16', Buffer.from('\uFEFFsmiles\nCCO\n', 'utf16le'), 'source-unreadable', /UTF-16/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 'source-unreadable', /gzip/],
    ['a workbook', Buffer.from('PK\x03\x04abc'), 'source-unreadable', /Excel/],
  ])('%s', async (_name, text, code, message) => {
    await expect(standardise(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('a header alone is a source without rows', async () => {
    expect(brief(await standardise('smiles\n'))).toEqual({ rows: [], quarantine: [] });
  });

  test('the format comes from the extension unless given', async () => {
    const text = 'smiles\nCCO\n';
    expect((await standardise(text, { uri: 'dir.sdf/POOL.CSV' })).rows).toHaveLength(1);
    expect((await standardise(text, { uri: 'pool.dat', format: 'csv' })).rows).toHaveLength(1);
    for (const uri of ['pool.xlsx', 'pool', 'a.csv/pool']) {
      await expect(standardise(text, { uri })).rejects.toMatchObject({ code: 'format-unknown' });
    }
    await expect(standardise(text, { qualifierColumn: 'q' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  test('the way a stream is cut into chunks changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'µ', '\n', '\r\n', '\r', '"', ',', '🧪'), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 }),
        async (parts, cuts) => {
          // The first bytes are looked at together, so the text to be cut up comes after them.
          const bytes = Buffer.from('x'.repeat(600) + parts.join(''));
          const pieces = [bytes.subarray(0, 600)];
          for (let at = 600, i = 0; at < bytes.length; i++) {
            pieces.push(bytes.subarray(at, (at += cuts[i % cuts.length]!)));
          }
          expect(await lines(Readable.from(pieces))).toEqual(await lines(bytes));
        },
      ),
    );
  });

  test('a line without end is cut, quarantined and does not fill the memory', async () => {
    async function* endless() {
      yield 'smiles\n';
      for (let i = 0; i < 40; i++) {
        await Promise.resolve();
        yield 'C'.repeat(1 << 16);
      }
      yield '\nCCO\n';
    }
    const { rows, quarantine } = await standardise('', {}, { raw: Readable.from(endless()) });
    expect(quarantine).toMatchObject([{ line: 2, reason: 'record-malformed' }]);
    expect(quarantine[0]!.raw).toHaveLength(2000);
    expect(rows).toMatchObject([{ line: 3, smiles: 'CCO' }]);
  });

  test('batches keep the order of the source and report progress; cancelling lets go of the stream', async () => {
    const text = `smiles\n${Array.from({ length: 1300 }, (_, i) => (i === 700 ? 'C!' : `C${i}`)).join('\n')}\n`;
    const done: number[] = [];
    const whole = await standardise(text, {}, { onProgress: (rows) => done.push(rows) });
    expect(done).toEqual([512, 1024, 1300]);
    expect(whole.rows.map((row) => row.line)).toEqual(
      Array.from({ length: 1300 }, (_, i) => i + 2).filter((line) => line !== 702),
    );

    const abort = new AbortController();
    const raw = Readable.from([Buffer.from(text)]);
    const batches = standardiseRows({
      ...{
        raw,
        sourceSha256: 'x',
        source: { uri: 'pool.csv' },
        caps,
        chemistry: textChemistry,
        signal: abort.signal,
      },
    });
    expect((await batches.next()).value).toMatchObject({ rows: { length: 512 } });
    abort.abort();
    await expect(batches.next()).rejects.toMatchObject({ code: 'cancelled' });
    expect(raw.destroyed).toBe(true);
  });

  test('a failure of chemistry itself is not a bad row', async () => {
    const broken = { standardise: () => Promise.reject(new Error('all threads died')) };
    await expect(standardise('smiles\nCCO\n', {}, { chemistry: broken })).rejects.toThrow('all threads died');
  });
});
