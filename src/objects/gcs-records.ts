import { randomUUID } from 'node:crypto';
import { TitrateError } from '../contracts';
import { md5Of, sameBytes, sourceOf, type GcsClient } from './gcs-client';
import { statusOf } from './gcs-retry';
import type { ObjectStore } from './object-store';
import { decodeRecordKey, encodeRecordKey, encodeRecordPrefix, RECORD_SUFFIX } from './record-key';

const READ_ATTEMPTS = 2;

/**
 * Records as objects `<folder><key>~record`, created under `ifGenerationMatch=0`. Each writer puts a nonce into the record's metadata: one
 * whose answer was lost finds, when its second try is refused, that the record is its own.
 */
export function createGcsRecords(
  client: GcsClient,
  folder: string,
): Pick<ObjectStore, 'createRecord' | 'readRecord' | 'listRecords'> {
  const recordName = (key: string) => `${folder}${encodeRecordKey(key)}${RECORD_SUFFIX}`;
  return {
    async createRecord(key, data) {
      const name = recordName(key);
      const writer = randomUUID();
      const source = sourceOf(data);
      const created = await client.upload(name, source, {
        ifGenerationMatch: '0',
        contentType: 'application/json',
        writer,
      });
      if (created) return true;
      const found = await client.stat(name);
      return found?.writer === writer && sameBytes(found, source);
    },

    async readRecord(key) {
      const name = recordName(key);
      for (let attempt = 1; ; attempt++) {
        const chunks: Buffer[] = [];
        let sums = '';
        try {
          for await (const chunk of client.read(name, (given) => (sums = given))) chunks.push(chunk);
        } catch (error) {
          if (statusOf(error) === 404) return null;
          throw error;
        }
        const bytes = Buffer.concat(chunks);
        const md5 = md5Of(bytes);
        const expected = /md5=([^,]+)/.exec(sums)?.[1];
        if (expected === undefined || expected === md5) return bytes;
        if (attempt >= READ_ATTEMPTS) {
          throw new TitrateError('artifact-corrupt', {
            what: `the record's md5 should be ${expected} and is ${md5}`,
            where: client.where(name),
            remedy: 'Try again; restore an earlier generation of the record if it stays so',
          });
        }
      }
    },

    async listRecords(keyPrefix) {
      const keys: string[] = [];
      for await (const { name } of client.list(folder + encodeRecordPrefix(keyPrefix))) {
        if (name.endsWith(RECORD_SUFFIX))
          keys.push(decodeRecordKey(name.slice(folder.length, -RECORD_SUFFIX.length)));
      }
      return keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    },
  };
}
