import { z } from 'zod';

export const SOURCE_FORMATS = ['csv', 'tsv', 'smi', 'sdf', 'ndjson', 'parquet'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

export const TEXT_ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'latin1'] as const;
/** `latin1` is read as Windows-1252, which is what files called Latin-1 are as a rule. */
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

const column = z.string().min(1).optional();
const unit = z.string().min(1).max(50).optional();

/** Where molecules (and possibly measured values) come from. Relative paths start at the directory `titrate up` runs in. */
export const sourceSchema = z.strictObject({
  uri: z
    .string()
    .min(1)
    .describe(
      "Path of a file, gs://bucket/object, https://…, bq://project.dataset.table, or bq://project with `query`; '-' is standard input (titrate data ingest). Text files may be compressed by gzip.",
    ),
  name: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe(
      'Name of the source within its dataset; a later ingest under the same name takes its place. Default: the uri.',
    ),
  format: z
    .enum(SOURCE_FORMATS)
    .optional()
    .describe('Taken from the file name and the content when left out.'),
  query: z.string().min(1).max(100_000).optional().describe('SQL of a bq:// source.'),
  encoding: z.enum(TEXT_ENCODINGS).optional().describe('Detected when left out.'),
  delimiter: z
    .string()
    .length(1, 'expected one character')
    .optional()
    .describe('Of a CSV file; detected when left out.'),
  smilesColumn: column.describe(
    "Column that holds SMILES. Default: 'smiles', in any case. In an SD file a data field that takes the place of the molblock; in NDJSON a key, dotted for a nested one.",
  ),
  compoundIdColumn: column.describe("Column or SDF field with the lab's own compound id."),
  valueColumn: column.describe('Column or field with values measured earlier; leave out for a pure pool.'),
  decimal: z
    .enum(['.', ','])
    .optional()
    .describe("Decimal sign of the values. Default: '.'. Thousands separators are never read."),
  qualifierColumn: column.describe("Column or field with '=', '<' or '>'."),
  unit: unit.describe('Unit of valueColumn.'),
  unitColumn: column.describe('Column or field with the unit of each value.'),
  convertTo: unit.describe(
    "Unit the values are kept in; the conversion is recorded beside each value. In a campaign: the objective's unit.",
  ),
  replicateColumn: column.describe('Column or field with the number of the replicate (1, 2, …).'),
  assay: z.string().min(1).max(200).optional().describe('Name of the assay all values come from.'),
  assayColumn: column.describe('Column or field with the name of the assay.'),
  batchColumn: column.describe('Column or field with the batch (lot) of the sample.'),
  measuredAtColumn: column.describe(
    'Column or field with the day (2026-11-24) or moment (ISO 8601) of the measurement.',
  ),
});
export type SourceSpec = z.infer<typeof sourceSchema>;

/** A uri as it may be kept and shown: what stands behind the ? of a web address may be a signature that lets anybody in. */
export const shownUri = (uri: string): string =>
  /^https?:/i.test(uri) ? uri.replace(/^(https?:\/\/)[^/@?#]*@/i, '$1').replace(/[?#].*$/, '') : uri;

/** The name under which a source's rows stand in a dataset. A signature that changes is not part of it. */
export const sourceName = (source: Pick<SourceSpec, 'uri' | 'name'>): string =>
  source.name ?? shownUri(source.uri);

/** How a source's bytes were read: stated by the source, or found out from the bytes alone. */
export interface SourceReading {
  readonly format: SourceFormat;
  readonly compression: 'none' | 'gzip';
  /** null for Parquet. */
  readonly encoding: TextEncoding | null;
  /** null for what is no delimited text. */
  readonly delimiter: string | null;
}

/** Where and when the bytes were fetched: provenance, never part of a key. */
export interface Retrieval {
  readonly uri: string;
  /** Changes when the bytes at the place change: ETag, generation, modification time and size, job id. */
  readonly version: string | null;
}
