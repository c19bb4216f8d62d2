import { TitrateError } from '../contracts';

/** Longest name most file systems and object stores take for one part. */
const MAX_PART_BYTES = 240;

/**
 * The stored spelling of a record key: characters outside [A-Za-z0-9._=-] as percent-encoded UTF-8, and a leading dot as
 * `%2E`, so that no part can mean "this folder", "the folder above" or a temporary file.
 * @throws TitrateError usage on an empty part or one too long to be stored.
 */
export function encodeRecordKey(key: string): string {
  const parts = key.split('/').map((part) => {
    const encoded = encodeURIComponent(part)
      .replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/^\./, '%2E')
      .replaceAll('%3D', '=');
    if (encoded === '' || encoded.length > MAX_PART_BYTES) {
      throw new TitrateError('usage', {
        what:
          encoded === ''
            ? 'a record key has an empty part'
            : `a part of a record key is longer than ${MAX_PART_BYTES} bytes`,
        where: `record '${key.slice(0, 300)}'`,
        remedy: "Use parts of letters, digits, '.', '_', '=' and '-', joined by single slashes",
      });
    }
    return encoded;
  });
  return parts.join('/');
}

/** The key a stored spelling stands for. */
export function decodeRecordKey(encoded: string): string {
  return encoded.split('/').map(decodeURIComponent).join('/');
}

/** Ends a record's stored name. '~' is percent-encoded in keys, so record `a/b` never stands in the way of record `a/b/c`. */
export const RECORD_SUFFIX = '~record';

/** The stored spelling of a prefix of keys, '' or ending in '/'. @throws TitrateError usage on any other. */
export function encodeRecordPrefix(prefix: string): string {
  if (prefix === '') return '';
  if (!prefix.endsWith('/'))
    throw new TitrateError('usage', { what: `the prefix '${prefix}' does not end in '/'` });
  return `${encodeRecordKey(prefix.slice(0, -1))}/`;
}
