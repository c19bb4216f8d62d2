import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { SourceReading, SourceSpec } from '../../src/contracts';
import { detectReading } from '../../src/sources/detect';
import type { MalformedRecord, SourceRecord } from '../../src/sources/formats/source-record';
import { readSource } from '../../src/sources/read-source';

export type GoodRecord = Extract<SourceRecord, { ok: true }>;

export interface ReadAll {
  readonly reading: SourceReading;
  readonly records: SourceRecord[];
  readonly good: GoodRecord[];
  readonly bad: MalformedRecord[];
}

const bytesOf = (text: string | Uint8Array) => (typeof text === 'string' ? Buffer.from(text, 'utf8') : text);

/** A stream of these bytes in pieces of `size`. */
export function inPieces(bytes: Uint8Array, size = 1 << 16): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces, { objectMode: true });
}

/** Detects and reads a source whose bytes are these. */
export async function readAll(
  text: string | Uint8Array | (() => Readable),
  source: Partial<SourceSpec> = {},
  { reading, piece }: { reading?: Partial<SourceReading>; piece?: number } = {},
): Promise<ReadAll> {
  const raw = typeof text === 'function' ? text : () => inPieces(bytesOf(text), piece);
  const spec = { uri: 'pool.csv', ...source };
  const directory = await mkdtemp(path.join(tmpdir(), 'titrate-reading-'));
  try {
    const found = { ...(await detectReading(raw, spec)), ...reading };
    const localPath = async () => {
      const file = path.join(directory, 'raw [1]*');
      await writeFile(file, raw());
      return file;
    };
    const records: SourceRecord[] = [];
    for await (const record of readSource({ raw, localPath, source: spec, reading: found }))
      records.push(record);
    return {
      reading: found,
      records,
      good: records.filter((record) => record.ok),
      bad: records.filter((record) => !record.ok),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Lines and SMILES (first line of a molblock) of the good records, lines and reasons of the others. */
export const brief = ({ good, bad }: ReadAll) => ({
  rows: good.map(({ line, structure }) => [line, structure.text.split('\n')[0]]),
  bad: bad.map(({ line, reason }) => [line, reason]),
});

export const gzip = (text: string | Uint8Array): Buffer => gzipSync(bytesOf(text));
