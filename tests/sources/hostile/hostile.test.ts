import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { plainBytes } from '../../../src/sources/formats/bytes';
import { inflate } from '../../../src/sources/formats/inflate';
import { SourceCut } from '../../../src/sources/formats/source-cut';
import { brief, gzip, inPieces, readAll } from '../reading';

/** Rows that hardly compress, so that a place in the compressed bytes is a place in the rows. */
const rows = (count: number, seed = 1) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => `C${random.next()},${i}`);
};
const table = (count: number) => `${['smiles,id', ...rows(count)].join('\n')}\n`;
const whole = (text: string) => new Set(text.split('\n'));

describe('gzip that is cut or damaged', () => {
  const text = table(3000);
  const packed = gzip(text);

  test('cut anywhere: the rows before stay, none is invented, one record says where', async () => {
    const lines = text.split('\n');
    for (const at of [200, packed.length >> 1, packed.length - 9, packed.length - 1]) {
      const { good, bad } = await readAll(packed.subarray(0, at), { compoundIdColumn: 'id' });
      expect(good.map(({ raw }) => raw)).toEqual(lines.slice(1, good.length + 1));
      expect(bad).toMatchObject([
        {
          line: good.length + 2,
          reason: 'source-truncated',
          message: expect.stringContaining(`byte ${at},`),
        },
      ]);
      expect(lines[good.length + 1]!.startsWith(bad[0]!.raw)).toBe(true);
      // The compressed bytes say how many rows to expect.
      expect(good.length).toBeGreaterThan((at / packed.length) * 3000 - 200);
    }
  });

  test('damaged in the middle: what came before stays, down to the last block', async () => {
    for (const at of [300, 9000, packed.length >> 1]) {
      const bytes = Buffer.from(packed);
      bytes.fill(0xff, at, at + 64);
      const { good, bad } = await readAll(bytes);
      const known = whole(text);
      expect(good.filter(({ raw }) => known.has(raw)).length).toBeGreaterThan(
        (at / packed.length) * 3000 - 200,
      );
      expect(bad.at(-1)).toMatchObject({
        reason: 'source-truncated',
        message: expect.stringMatching(/(damaged at|that end at) byte \d+/),
      });
      const byte = Number(/byte (\d+)/.exec(bad.at(-1)!.message)![1]);
      expect(byte).toBeGreaterThanOrEqual(at - 2);
    }
  });

  test('a wrong checksum is told, after all rows', async () => {
    const bytes = Buffer.from(packed);
    bytes[bytes.length - 6]! ^= 1;
    const { good, bad } = await readAll(bytes);
    expect(good).toHaveLength(3000);
    expect(bad).toMatchObject([
      { line: 3002, reason: 'source-truncated', message: expect.stringContaining('checksum') },
    ]);
  });

  test('members one after another are one file; zeros may follow, anything else may not', async () => {
    const parts = [text.slice(0, 1000), text.slice(1000, 40_000), text.slice(40_000)].map(gzip);
    expect((await readAll(Buffer.concat(parts))).records).toHaveLength(3000);
    for (const padding of [1, 512, 20_000])
      expect((await readAll(Buffer.concat([...parts, Buffer.alloc(padding)]))).records).toHaveLength(3000);
    for (const padding of [1, 9000]) {
      const more = Buffer.concat([...parts, Buffer.alloc(padding), gzip('CCO,1\n')]);
      const { good, bad } = await readAll(more);
      expect(good).toHaveLength(3000);
      expect(bad).toMatchObject([{ reason: 'source-truncated' }]);
    }
    const { good, bad } = await readAll(Buffer.concat([...parts, Buffer.from('hello, world')]));
    expect(good).toHaveLength(3000);
    expect(bad).toMatchObject([
      { reason: 'source-truncated', message: expect.stringContaining('not gzip data') },
    ]);
  });

  test('how the bytes come in pieces changes nothing', async () => {
    const bytes = Buffer.from(packed);
    bytes.fill(0xff, 15_000, 15_064);
    const [one, two, three] = await Promise.all(
      [1 << 20, 1 << 16, 777].map((piece) => readAll(bytes, {}, { piece })),
    );
    expect(two).toEqual(one);
    expect(three).toEqual(one);
  });

  test.each([
    ['pool.smi', 'CCO A-1\nCCN A-2\n', 'CCN A'],
    ['pool.ndjson', '{"smiles":"CCO"}\n{"smiles":"CCN"}\n', '{"smil'],
    ['pool.sdf', 'one\n\n\n  0  0\nM  END\n$$$$\ntwo\n\n\n  0  0\nM  END\n$$$$\n', 'two\n\n\n  0'],
    ['pool.csv', 'smiles,note\nCCO,x\nCCN,"two\nlines, and more"\n', 'CCN,"two\nlines'],
  ])('the row in which it is cut is none: %s', async (uri, content, begun) => {
    const at = content.lastIndexOf(begun) + begun.length;
    const stored = Buffer.concat([gzip(content.slice(0, at)), gzip(content.slice(at)).subarray(0, 4)]);
    const { good, bad } = await readAll(stored, { uri });
    expect(good).toHaveLength(1);
    expect(bad).toMatchObject([{ reason: 'source-truncated', raw: begun }]);
  });

  test('an error of the stream itself is no damage of the file', async () => {
    async function* broken() {
      yield packed.subarray(0, 3000);
      await Promise.resolve();
      throw new Error('connection lost');
    }
    await expect(
      (async () => {
        for await (const _ of inflate(broken(), broken));
      })(),
    ).rejects.toThrow('connection lost');
  });
});

test('a file that inflates beyond all measure is cut, and its rows so far stay', async () => {
  const packed = gzip('CCO\n'.repeat(1 << 18));
  const limits = { ratio: 200, allowanceBytes: 1 << 18 };
  let bytes = 0;
  const error = await (async () => {
    for await (const piece of inflate(
      plainBytes(() => inPieces(packed), 'none'),
      () => inPieces(packed) as never,
      limits,
    ))
      bytes += piece.length;
  })().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SourceCut);
  expect((error as Error).message).toMatch(/over 200 times/);
  expect(bytes).toBeGreaterThanOrEqual((1 << 18) - (1 << 16));
  expect(bytes).toBeLessThan(1 << 19);
});

describe('text that is not as it should be', () => {
  test('mixed line ends', async () => {
    const { good, bad, reading } = await readAll('smiles,id\r\nC,1\nCC,2\rCCC,3\r\n\n\rCCCC,4', {
      compoundIdColumn: 'id',
    });
    expect(reading.format).toBe('csv');
    expect(good.map(({ line, compoundId }) => [line, compoundId])).toEqual([[2, '1'], [3, '2'], [4, '3'], [7, '4']]); // prettier-ignore
    expect(bad).toEqual([]);
  });

  test.each(['pool.csv', 'pool.smi', 'pool.ndjson', 'pool.sdf'])(
    'NUL bytes cost their row: %s',
    async (uri) => {
      const text = {
        'pool.csv': 'smiles,x\nC\0C,1\nCCO,\0\nCCN,3\n\0\0\0\nCCC,4\n',
        'pool.smi': 'C\0C 1\nCCO \0\nCCN\n\0\0\0\nCCC\n',
        'pool.ndjson': '{"smiles":"C\0"}\n{"smiles":"C\\u0000"}\n{"smiles":"CCN"}\n\0\0\n{"smiles":"CCC"}\n',
        'pool.sdf': ['a\0', 'b\0', 'CCN', '\0', 'CCC']
          .map((n) => `${n}\n\n\n  0  0\nM  END\n$$$$\n`)
          .join(''),
      }[uri]!;
      const result = await readAll(text, { uri });
      expect(brief(result).rows.map(([, smiles]) => smiles)).toEqual(['CCN', 'CCC']);
      expect(result.bad.map(({ reason }) => reason)).toEqual(Array(3).fill('encoding-invalid'));
    },
  );

  test('a wrong encoding that is stated quarantines the rows it garbles', async () => {
    const bytes = Buffer.from('smiles,id,note\nCCO,\xb5M-1,x\nCCN,A-2,\xb5\n', 'latin1');
    const { good, bad } = await readAll(bytes, { compoundIdColumn: 'id', encoding: 'utf-8' });
    expect(bad).toMatchObject([
      { line: 2, reason: 'encoding-invalid', message: "the cell of 'id' holds bytes that are not UTF-8" },
    ]);
    expect(good).toMatchObject([{ line: 3, compoundId: 'A-2' }]);
    const free = Buffer.from('smiles,id\nCCO,\x81\nCCN,2\n', 'latin1');
    expect((await readAll(free, { compoundIdColumn: 'id', encoding: 'latin1' })).bad).toMatchObject([
      { line: 2, reason: 'encoding-invalid', message: expect.stringContaining('Windows-1252') },
    ]);
    const odd = Buffer.concat([Buffer.from('\uFEFFsmiles\nCCO\nCC', 'utf16le'), Buffer.from([0x43])]);
    expect(brief(await readAll(odd))).toEqual({ rows: [[2, 'CCO']], bad: [[3, 'encoding-invalid']] });
  });

  test.each([
    ['=SUM(A1:A9)', true],
    ['=A1', true],
    ['="0012"', true],
    ['=1+2', true],
    ["='Sheet 1'!B2", true],
    ['=-(3)', true],
    ['+A1', true],
    ['-B2*3', true],
    ['@SUM(1)', true],
    ["=cmd|' /C calc'!A0", true],
    ['=', false],
    ['=5', false],
    ['= -5.5e-3', false],
    ['=1e-5', false],
    ['-5', false],
    ['+5', false],
    ['-inf', false],
    ['-', false],
    ['--', false],
    ['<5', false],
    ['A=B', false],
    ['', false],
  ])('formula %s: %s', async (cell, formula) => {
    const quoted = `"${cell.replaceAll('"', '""')}"`;
    const { bad } = await readAll(`smiles,v,unused\nCCO,${quoted},=A1\n`, { valueColumn: 'v' });
    expect(bad.map(({ reason }) => reason)).toEqual(formula ? ['formula-cell'] : []);
  });

  test('a formula in the SMILES column is one, a fragment of a SMILES is left to chemistry', async () => {
    const cells = ['=HYPERLINK("http://x")', '=A2', '@VLOOKUP(B2)', '=O', '-C(=O)[NH3+]', '=C(C)C', '+[Fe]'];
    const text = `smiles\n${cells.map((cell) => `"${cell.replaceAll('"', '""')}"\n`).join('')}`;
    const result = await readAll(text);
    expect(brief(result).bad).toEqual([2, 3, 4].map((line) => [line, 'formula-cell']));
    expect(result.good).toHaveLength(4);
  });

  test('a cell that no molecule and no name can have', async () => {
    const text = `smiles,id\n${'C'.repeat(20_000)},1\nCCO,${'x'.repeat(10_001)}\nCCN,3\n`;
    const { good, bad } = await readAll(text, { compoundIdColumn: 'id' });
    expect(bad.map(({ reason, raw }) => [reason, raw.length])).toEqual([['molecule-too-large', 2000], ['record-malformed', 2000]]); // prettier-ignore
    expect(good).toHaveLength(1);
  });

  test.each(['csv', 'smi', 'ndjson', 'sdf', 'tsv'] as const)(
    'noise is read to its end: %s',
    async (format) => {
      const bits = fc.constantFrom(
        ...'C"{}:,\t \n\r>$M<=é\0[]'.split(''),
        '$$$$\n',
        'M  END\n',
        '"smiles":',
        '> <a>\n',
      );
      const head = {
        csv: 'smiles,v\n',
        tsv: 'smiles\tv\n',
        smi: 'C\n',
        ndjson: '{"smiles":"C"}\n',
        sdf: 'C\n\n\n\n$$$$\n',
      };
      await fc.assert(
        fc.asyncProperty(fc.array(bits, { maxLength: 60 }), fc.boolean(), async (parts, compress) => {
          const text = `${head[format]}CCO filling that keeps the share of control bytes low\n${parts.join('')}`;
          const result = await readAll(compress ? gzip(text) : text, { uri: 'x', format });
          const lines = result.records.map(({ line }) => line);
          expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b));
        }),
        { numRuns: 60 },
      );
    },
  );
});
