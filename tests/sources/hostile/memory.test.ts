import { spawnSync } from 'node:child_process';
import { compiledEntry } from '../../../src/foundation';

/**
 * Reads a source in a process of its own, in which nothing else takes memory.
 * @param pieces body of a generator of the raw bytes
 */
function readAlone(source: object, pieces: string) {
  const script = `
    const zlib = require('node:zlib');
    const { Readable } = require('node:stream');
    const { detectReading } = require(${JSON.stringify(compiledEntry('src/sources/detect'))});
    const { readSource } = require(${JSON.stringify(compiledEntry('src/sources/read-source'))});
    function* pieces() { ${pieces} }
    (async () => {
      const source = ${JSON.stringify(source)};
      const raw = () => Readable.from(pieces());
      const before = process.resourceUsage().maxRSS;
      const reading = await detectReading(raw, source);
      const records = [];
      for await (const record of readSource({ raw, localPath: null, source, reading })) records.push(record);
      const growth = (process.resourceUsage().maxRSS - before) / 1024;
      const brief = records.map(({ raw, ...rest }) => ({ ...rest, characters: raw.length }));
      process.stdout.write(JSON.stringify({ records: brief, growth }));
    })();
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as {
    records: { line: number; ok: boolean; reason?: string; message?: string; characters: number }[];
    /** Growth of the largest resident set, MiB. */
    growth: number;
  };
}

/** Resident memory may grow by this much, MiB, whatever the file does. */
const MAX_GROWTH = 160;

test.each([
  ['200', 'pool.csv', 'smiles', 'CCO'],
  ['40', 'pool.smi', 'CC', 'CCO'],
  ['40', 'pool.ndjson', '{"smiles":"C"}', '{"smiles":"CCO"}'],
])('a line of %s MB costs itself, and no memory: %s', (size, uri, first, last) => {
  const { records, growth } = readAlone(
    { uri },
    `yield Buffer.from(${JSON.stringify(`${first}\n`)});
     const piece = Buffer.alloc(1 << 16, 'C');
     for (let i = 0; i < ${Number(size) * 16}; i++) yield piece;
     yield Buffer.from(${JSON.stringify(`\n${last}\n`)});`,
  );
  expect(records.slice(-2)).toMatchObject([
    { line: 2, ok: false, reason: 'record-malformed', characters: 2000 },
    { line: 3, ok: true },
  ]);
  expect(growth).toBeLessThan(MAX_GROWTH);
});

test('a zip bomb of 8 GB ends after the allowance, and takes no memory', () => {
  const { records, growth } = readAlone(
    { uri: 'pool.csv.gz' },
    `yield zlib.gzipSync('smiles\\nCCO\\nCCN\\n');
     const member = zlib.gzipSync(Buffer.alloc(1 << 24, 'C'), { level: 9 });
     for (let i = 0; i < 512; i++) yield member;`,
  );
  expect(records).toMatchObject([
    { line: 2, ok: true },
    { line: 3, ok: true },
    { line: 4, ok: false, reason: 'source-truncated', message: expect.stringContaining('over 200 times') },
  ]);
  expect(growth).toBeLessThan(MAX_GROWTH);
});

test('rows of a megabyte each do not pile up with whoever keeps their records', () => {
  const { records, growth } = readAlone(
    { uri: 'pool.csv' },
    `yield Buffer.from('smiles,note\\n');
     const note = Buffer.alloc(1 << 19, 'x');
     for (let i = 0; i < 300; i++) { yield Buffer.from('CCO,'); yield note; yield Buffer.from('\\n'); }`,
  );
  expect(records).toHaveLength(300);
  expect(records.every(({ ok }) => ok)).toBe(true);
  expect(growth).toBeLessThan(MAX_GROWTH);
});
