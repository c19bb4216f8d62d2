import { MEDIA_TYPES, type ArtifactRef, type TrackingEntry } from '../contracts';
import { sha256 } from '../foundation';
import { parseRecord, type ObjectStore } from '../objects';

export interface SpooledEntry {
  readonly number: number;
  readonly content: ArtifactRef;
}

/**
 * What is to be tracked, written down before any of it is sent: the entry is an artifact, the record
 * `tracking/spool/<campaign>/<number>` points at it and is created once. That it arrived somewhere is another record,
 * `tracking/delivered/<destination>/<campaign>/<number>`, written only after it was read back there.
 */
export interface TrackingSpool {
  /** The first entry of a number stands. @returns whether this call wrote it. */
  add(entry: TrackingEntry): Promise<boolean>;
  /** Campaigns that have entries. */
  campaigns(): Promise<string[]>;
  entries(campaignId: string): Promise<SpooledEntry[]>;
  /** Entries not known to have arrived, in order. */
  pending(campaignId: string, destination: string): Promise<SpooledEntry[]>;
  read(entry: SpooledEntry): Promise<TrackingEntry>;
  markDelivered(campaignId: string, entry: SpooledEntry, destination: string): Promise<void>;
}

const SPOOL = 'tracking/spool';
const DELIVERED = 'tracking/delivered';
/** Digits of a number in a key: keys sort as numbers do. */
const DIGITS = 6;
/** Hexadecimal digits that tell one destination from another. */
const DESTINATION_DIGITS = 16;

export function createTrackingSpool(objects: ObjectStore): TrackingSpool {
  const numbered = (number: number) => String(number).padStart(DIGITS, '0');
  const spoolKey = (campaignId: string, number: number) => `${SPOOL}/${campaignId}/${numbered(number)}`;
  const deliveredPrefix = (campaignId: string, destination: string) =>
    `${DELIVERED}/${sha256(destination).slice(0, DESTINATION_DIGITS)}/${campaignId}`;

  async function numbersUnder(prefix: string): Promise<number[]> {
    const keys = await objects.listRecords(`${prefix}/`);
    return keys.map((key) => Number(key.slice(prefix.length + 1))).sort((a, b) => a - b);
  }

  async function located(campaignId: string, numbers: readonly number[]): Promise<SpooledEntry[]> {
    return Promise.all(
      numbers.map(async (number) => {
        const key = spoolKey(campaignId, number);
        return { number, content: parseRecord<ArtifactRef>((await objects.readRecord(key))!, key) };
      }),
    );
  }

  return {
    async add(entry) {
      const key = spoolKey(entry.campaignId, entry.number);
      if (await objects.readRecord(key)) return false;
      const ref = await objects.put(Buffer.from(JSON.stringify(entry)), MEDIA_TYPES.json);
      return objects.createRecord(key, Buffer.from(JSON.stringify(ref)));
    },

    async campaigns() {
      const keys = await objects.listRecords(`${SPOOL}/`);
      return [...new Set(keys.map((key) => key.split('/')[2]!))].sort();
    },

    async entries(campaignId) {
      return located(campaignId, await numbersUnder(`${SPOOL}/${campaignId}`));
    },

    async pending(campaignId, destination) {
      const arrived = new Set(await numbersUnder(deliveredPrefix(campaignId, destination)));
      const all = await numbersUnder(`${SPOOL}/${campaignId}`);
      return located(
        campaignId,
        all.filter((number) => !arrived.has(number)),
      );
    },

    async read(entry) {
      return JSON.parse((await objects.get(entry.content)).toString('utf8')) as TrackingEntry;
    },

    async markDelivered(campaignId, { number, content }, destination) {
      await objects.createRecord(
        `${deliveredPrefix(campaignId, destination)}/${numbered(number)}`,
        Buffer.from(JSON.stringify({ destination, entry: content, at: new Date().toISOString() })),
      );
    },
  };
}
