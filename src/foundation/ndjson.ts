/** NDJSON: one JSON value a line, each line ended by a newline. */
export function encodeNdjson(rows: Iterable<unknown>): Buffer {
  const lines: string[] = [];
  for (const row of rows) lines.push(JSON.stringify(row), '\n');
  return Buffer.from(lines.join(''), 'utf8');
}

export function decodeNdjson<T>(bytes: Uint8Array): T[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
}
