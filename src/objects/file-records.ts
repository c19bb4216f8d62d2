import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileExclusive } from '../foundation';
import { makeDurableDirectory, syncDirectory } from './durable-files';
import type { ObjectStore } from './object-store';
import { decodeRecordKey, encodeRecordKey, encodeRecordPrefix, RECORD_SUFFIX } from './record-key';

async function listEncoded(folder: string, prefix: string, into: string[]): Promise<void> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    throw error;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory())
      await listEncoded(path.join(folder, entry.name), `${prefix}${entry.name}/`, into);
    else if (entry.name.endsWith(RECORD_SUFFIX))
      into.push(prefix + entry.name.slice(0, -RECORD_SUFFIX.length));
  }
}

/** Records as files `<directory>/<key>~record`, created by link(2): of any number of writers one succeeds. */
export function createFileRecords(
  directory: string,
): Pick<ObjectStore, 'createRecord' | 'readRecord' | 'listRecords'> {
  const recordPath = (key: string) => path.join(directory, encodeRecordKey(key) + RECORD_SUFFIX);
  return {
    async createRecord(key, data) {
      const target = recordPath(key);
      await makeDurableDirectory(path.dirname(target));
      const created = await createFileExclusive(target, data);
      await syncDirectory(path.dirname(target));
      return created;
    },

    async readRecord(key) {
      try {
        return await readFile(recordPath(key));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return null;
        throw error;
      }
    },

    async listRecords(prefix) {
      const at = encodeRecordPrefix(prefix);
      const encoded: string[] = [];
      await listEncoded(path.join(directory, at), at, encoded);
      return encoded.map(decodeRecordKey).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    },
  };
}
