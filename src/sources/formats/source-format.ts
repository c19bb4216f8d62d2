import path from 'node:path';
import type { SourceFormat } from '../../contracts';

const EXTENSIONS: Readonly<Record<string, SourceFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  smi: 'smi',
  smiles: 'smi',
  ism: 'smi',
  sdf: 'sdf',
  sd: 'sdf',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  pq: 'parquet',
};

/** The format that a source's uri says by its extension, one `.gz` aside; null where only the content can tell (as for .txt). */
export function formatOfName(uri: string): SourceFormat | null {
  // A table's name is no file's, and its rows come as NDJSON.
  if (/^bq:/i.test(uri)) return 'ndjson';
  const file = /^https?:/i.test(uri) ? uri.split(/[?#]/)[0]! : uri;
  const extension = path.posix.extname(file.replaceAll('\\', '/').replace(/\.gz$/i, ''));
  return EXTENSIONS[extension.slice(1).toLowerCase()] ?? null;
}

interface Signature {
  readonly bytes: readonly number[] | string;
  readonly at?: number;
  readonly what: string;
  readonly remedy: string;
}

const EXPORT = 'Export the table as CSV, UTF-8';
const UNPACK = 'Unpack it first; only gzip is unpacked here';
const SIGNATURES: readonly Signature[] = [
  {
    bytes: 'PK\x03\x04',
    what: 'a zip archive or an Excel workbook',
    remedy: 'Unpack it, or export the sheet as CSV',
  },
  { bytes: 'PK\x05\x06', what: 'an empty zip archive', remedy: 'Give a file with molecules' },
  {
    bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    what: 'an old Excel or Office file',
    remedy: EXPORT,
  },
  { bytes: '%PDF-', what: 'a PDF document', remedy: EXPORT },
  { bytes: '{\\rtf', what: 'a rich text document', remedy: EXPORT },
  { bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a PNG image', remedy: EXPORT },
  { bytes: [0xff, 0xd8, 0xff], what: 'a JPEG image', remedy: EXPORT },
  { bytes: 'GIF8', what: 'a GIF image', remedy: EXPORT },
  { bytes: 'ustar', at: 257, what: 'a tar archive', remedy: UNPACK },
  { bytes: [0x1f, 0x8b, 0x08], what: 'compressed by gzip twice', remedy: 'Unpack it once' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed by zstd', remedy: UNPACK },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], what: 'compressed by xz', remedy: UNPACK },
  { bytes: 'BZh', what: 'compressed by bzip2', remedy: UNPACK },
  { bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], what: 'a 7z archive', remedy: UNPACK },
  { bytes: 'ARROW1', what: 'an Arrow file', remedy: 'Write it as Parquet' },
  { bytes: 'FEA1', what: 'a Feather file', remedy: 'Write it as Parquet' },
  { bytes: 'SQLite format 3\0', what: 'a SQLite database', remedy: EXPORT },
  { bytes: [0x89, 0x48, 0x44, 0x46], what: 'an HDF5 file', remedy: EXPORT },
  { bytes: '\x7fELF', what: 'a program', remedy: 'Give a file with molecules' },
];

export const PARQUET_MAGIC = 'PAR1';

const startsWith = (head: Uint8Array, bytes: readonly number[] | string, at = 0) => {
  const expected = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return head.length >= at + expected.length && expected.every((byte, i) => head[at + i] === byte);
};

export const isParquet = (head: Uint8Array): boolean => startsWith(head, PARQUET_MAGIC);

/** Share of control characters from which on bytes are no text; one bad row in a small file has less. */
const MAX_CONTROL_SHARE = 0.3;

/**
 * What the first bytes of a file certainly are, if not a format that is read here; null for what may be text.
 * @param head decompressed, not UTF-16
 */
export function knownBinary(head: Uint8Array): { what: string; remedy: string } | null {
  const signature = SIGNATURES.find(({ bytes, at }) => startsWith(head, bytes, at));
  if (signature) return { what: `the file is ${signature.what}`, remedy: signature.remedy };
  let controls = 0;
  for (const byte of head) if (byte < 0x20 && (byte < 0x09 || byte > 0x0d)) controls++;
  if (controls <= MAX_CONTROL_SHARE * head.length) return null;
  const share = Math.round((100 * controls) / head.length);
  return {
    what: `the file is not text: ${share} % of its first ${head.length} bytes are control characters`,
    remedy: 'Give text (CSV, TSV, SMILES, SDF, NDJSON) or Parquet',
  };
}
