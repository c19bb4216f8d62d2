import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { SourceSpec } from '../../src/contracts';
import { detectReading } from '../../src/sources/detect';
import { Utf8Census } from '../../src/sources/formats/text-encoding';
import { gzip, inPieces, readAll } from './reading';

const detect = (text: string | Uint8Array, source: Partial<SourceSpec> = {}, piece?: number) =>
  detectReading(() => inPieces(typeof text === 'string' ? Buffer.from(text) : text, piece), {
    uri: '-',
    ...source,
  });
const utf16 = (text: string, big = false) => {
  const bytes = Buffer.from(text, 'utf16le');
  return big ? bytes.swap16() : bytes;
};
const table = 'smiles,id,IC50 (µM)\nCCO,é-1,5\nCCN,A-2,7\n';

describe('format', () => {
  test.each([
    ['pool.csv', 'csv'],
    ['dir.sdf/POOL.CSV.GZ', 'csv'],
    ['pool.tsv', 'tsv'],
    ['pool.smi.gz', 'smi'],
    ['pool.smiles', 'smi'],
    ['pool.ism', 'smi'],
    ['https://example.org/a.smi?download=x.csv#y', 'smi'],
    ['gs://bucket/a#1.jsonl', 'ndjson'],
    ['C:\\data\\pool.ndjson', 'ndjson'],
    ['pool.sd', 'sdf'],
    ['bq://project.data.csv', 'ndjson'],
  ])('by name: %s', async (uri, format) => {
    expect(await detect('smiles\nC\n', { uri })).toMatchObject({ format });
  });

  test.each([
    ['a table with commas', 'smiles,id\nCCO,1\n', 'csv', ','],
    ['a table with tabs', 'id\tSMILES\nA 1\tCCO\n', 'tsv', '\t'],
    ['a table without the usual name', 'id;structure\n1;CCO\n', 'csv', ';'],
    ['no header', 'CCO,1\nCCN,2\n', 'csv', ','],
    ['a list', 'CCO\nc1ccccc1\n', 'smi', null],
    ['a list with names', '# comment\nC[C@H](N)C(=O)[O-]\tL-alanine, ion\n', 'smi', null],
    ['a list with a header', 'smiles name\nCCO x\n', 'smi', null],
    ['NDJSON', '\n{"smiles":"C"}\n', 'ndjson', null],
    ['an SD file', 'ethanol\n\n\n  0  0  0     0  0            999 V2000\nM  END\n', 'sdf', null],
  ])('by content: %s', async (_name, text, format, delimiter) => {
    for (const uri of ['-', 'pool.txt', 'pool.dat.gz', 'https://example.org/download'])
      expect(await detect(text, { uri })).toMatchObject({ format, delimiter });
  });

  test('named columns make a table of a text file', async () => {
    expect(await detect('a b\nCCO 5\n', { uri: 'x.txt', smilesColumn: 'a' })).toMatchObject({
      format: 'smi',
      delimiter: ' ',
    });
    expect(await detect('a,b\nCCO,5\n', { uri: 'x.txt', smilesColumn: 'a' })).toMatchObject({
      format: 'csv',
      delimiter: ',',
    });
  });

  test('what is stated wins', async () => {
    expect(await detect('a,b\n', { uri: 'x.csv', format: 'smi' })).toMatchObject({ format: 'smi' });
    expect(await detect('a;b,c\n', { uri: 'x.csv', delimiter: ';' })).toMatchObject({ delimiter: ';' });
    expect(await detect('a,b\n', { uri: 'x.tsv' })).toMatchObject({ format: 'tsv', delimiter: ',' });
  });

  test('what is not known', async () => {
    await expect(detect('100-00-5 N(=O)(=O)c1ccc(Cl)cc1\n')).rejects.toMatchObject({
      code: 'format-unknown',
    });
    for (const source of [
      { uri: 'x.sdf', delimiter: ',' },
      { uri: 'x', format: 'tsv' as const, delimiter: ',' },
      { uri: 'x.csv', unitColumn: 'u' },
      { uri: 'x.csv', delimiter: '"' },
    ])
      await expect(detect('smiles\nC\n', source)).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test.each([
    ['empty', '', /empty/],
    ['a workbook', 'PK\x03\x04abc', /Excel/],
    ['a PDF', '%PDF-1.7\n', /PDF/],
    ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10]), /PNG/],
    ['a web page', '\n<!DOCTYPE html>\n<html>', /web page/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2]), /zstd/],
    ['gzip twice', gzip(gzip(table)), /gzip twice/],
    ['an empty gzip', gzip(''), /empty/],
    ['a stump of gzip', gzip(table).subarray(0, 6), /stop at byte 6/],
    ['zero bytes', Buffer.alloc(9000), /not text: 100 %/],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0]), /UTF-32/],
  ])('certainly no table: %s', async (_name, bytes, message) => {
    await expect(detect(bytes, { uri: 'x.csv' })).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringMatching(message),
    });
  });

  test('a JSON array is told from NDJSON', async () => {
    for (const text of ['[{"smiles":"C"}]', '[\n {"smiles":"C"}\n]'])
      await expect(detect(text)).rejects.toMatchObject({ message: expect.stringContaining('jq') });
  });
});

describe('encoding', () => {
  test.each([
    ['utf-8', Buffer.from(table)],
    ['utf-8', Buffer.from(`\uFEFF${table}`)],
    ['latin1', Buffer.from(table, 'latin1')],
    ['utf-16le', utf16(`\uFEFF${table}`)],
    ['utf-16be', utf16(`\uFEFF${table}`, true)],
    ['utf-16le', utf16(table)],
    ['utf-16be', utf16(table, true)],
  ])('%s', async (encoding, bytes) => {
    for (const raw of [
      bytes,
      gzip(bytes),
      Buffer.concat([gzip(bytes.subarray(0, 30)), gzip(bytes.subarray(30))]),
    ])
      for (const piece of [1, 7, 1 << 16]) {
        const { reading, good } = await readAll(
          raw,
          { compoundIdColumn: 'id', valueColumn: 'IC50 (µM)' },
          { piece },
        );
        expect(reading).toMatchObject({ encoding, compression: raw === bytes ? 'none' : 'gzip' });
        expect(good.map(({ compoundId, value }) => [compoundId, value])).toEqual([['é-1', '5'], ['A-2', '7']]); // prettier-ignore
      }
  });

  test('Windows-1252 beyond Latin-1', async () => {
    const bytes = Buffer.concat([Buffer.from('smiles,id\nC,'), Buffer.from([0x80, 0x96]), Buffer.from('\n')]);
    const { reading, good } = await readAll(bytes, { compoundIdColumn: 'id' });
    expect(reading.encoding).toBe('latin1');
    expect(good[0]!.compoundId).toBe('€–');
  });

  test('a byte far down the file counts', async () => {
    const rows = 'CCO,ascii\n'.repeat(20_000);
    const bytes = Buffer.concat([
      Buffer.from(`smiles,id\n${rows}CCO,`),
      Buffer.from([0xb5]),
      Buffer.from('\n'),
    ]);
    expect(await detect(bytes, { uri: 'x.csv' })).toMatchObject({ encoding: 'latin1' });
    expect(await detect(Buffer.from(`smiles,id\n${rows}CCO,µ\n`), { uri: 'x.csv' }, 999)).toMatchObject({
      encoding: 'utf-8',
    });
  });

  test('UTF-8 with a bad byte among good ones stays UTF-8, and that row is bad', async () => {
    const bytes = Buffer.concat([
      Buffer.from('smiles,id\nCCO,µ-1\nCCN,µ-2\nCCC,'),
      Buffer.from([0xff]),
      Buffer.from('\nCC,A\n'),
    ]);
    const { reading, good, bad } = await readAll(bytes, { compoundIdColumn: 'id' });
    expect(reading.encoding).toBe('utf-8');
    expect(good.map(({ compoundId }) => compoundId)).toEqual(['µ-1', 'µ-2', 'A']);
    expect(bad).toMatchObject([
      { line: 4, reason: 'encoding-invalid', message: expect.stringContaining('UTF-8') },
    ]);
  });

  test('well-formed UTF-8 is what Node takes for it', () => {
    const byte = fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xe1, 0xed, 0xf0, 0xf4, 0xf5); // prettier-ignore
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 6 }), fc.nat(6), (bytes, cut) => {
        const census = new Utf8Census();
        census.add(Uint8Array.from(bytes.slice(0, cut)));
        census.add(Uint8Array.from(bytes.slice(cut)));
        census.end();
        expect(census.invalid === 0).toBe(isUtf8(Uint8Array.from(bytes)));
      }),
      { numRuns: 3000 },
    );
  });

  test('an encoding that is stated and cannot be', async () => {
    for (const [encoding, bytes] of [
      ['utf-16le', Buffer.from(table)],
      ['utf-16le', utf16(table, true)],
      ['utf-8', utf16(`\uFEFF${table}`)],
      ['latin1', Buffer.from(`\uFEFF${table}`)],
    ] as const)
      await expect(detect(bytes, { uri: 'x.csv', encoding })).rejects.toMatchObject({
        code: 'config-invalid',
      });
  });

  test('where the head tells everything, no more is read, and the stream is let go', async () => {
    let given = 0;
    const rows = function* () {
      for (; given < 1000; given++) yield Buffer.from('C,x\n'.repeat(5000));
    };
    const streams: Readable[] = [];
    const raw = () => {
      streams.push(Readable.from(rows()));
      return streams.at(-1)!;
    };
    await detectReading(raw, { uri: 'x.csv', encoding: 'utf-8' });
    expect(given).toBeLessThan(30);
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
  });
});
