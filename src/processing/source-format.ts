import { TitrateError, type SourceSpec } from '../contracts';

export type SourceFormat = 'csv' | 'sdf';

const EXTENSIONS: Readonly<Record<string, SourceFormat>> = { csv: 'csv', tsv: 'csv', sdf: 'sdf', sd: 'sdf' };

/**
 * The format a source says, or that of its file name.
 * @throws TitrateError format-unknown.
 */
export function sourceFormat(source: Pick<SourceSpec, 'uri' | 'format'>): SourceFormat {
  if (source.format) return source.format;
  const name = source.uri.split(/[?#]/)[0]!;
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase();
  const format = extension === undefined ? undefined : EXTENSIONS[extension];
  if (format) return format;
  throw new TitrateError('format-unknown', {
    what:
      extension === undefined
        ? 'the file name has no extension'
        : `the extension '.${extension}' says no known format`,
    where: source.uri,
    remedy: "Set format: 'csv' or 'sdf' for this source, or name the file .csv, .tsv or .sdf",
  });
}

/**
 * Refuses bytes that are certainly not text in UTF-8, by their first ones.
 * @throws TitrateError source-unreadable saying what they are.
 */
export function refuseBinary(head: Uint8Array, where: string): void {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  let what: string | undefined;
  let remedy = 'Save it as UTF-8 text';
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) what = 'the file is UTF-16 text, not UTF-8';
  else if (starts(0x1f, 0x8b)) [what, remedy] = ['the file is compressed by gzip', 'Unpack it first'];
  else if (starts(0x50, 0x4b, 0x03, 0x04))
    [what, remedy] = [
      'the file is a zip archive or an Excel workbook',
      'Unpack it, or export the sheet as CSV',
    ];
  else if (head.includes(0)) what = 'the file holds zero bytes: it is not text';
  if (what) throw new TitrateError('source-unreadable', { what, where, remedy });
}
