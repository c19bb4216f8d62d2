import { parseRecord, type ObjectStore } from '../objects';

/** Digits of an entry's number in its key, as in every numbered log of records. */
const DIGITS = 12;
const KEY = /^campaigns\/([^/]+)\/(results|openings)\/(\d{12})$/;

type LogName = 'results' | 'openings';

export interface CampaignLogHead {
  readonly campaignId: string;
  readonly log: LogName;
  readonly number: number;
}

/**
 * The records `campaigns/<id>/<results|openings>/<n>` (n = 1, 2, … without gaps). Reading starts after a known number, so that a
 * campaign of thousands of chunks costs no more than what is new in it.
 */
export function createCampaignLog<T>(objects: ObjectStore, campaignId: string, log: LogName) {
  const keyOf = (number: number) => `campaigns/${campaignId}/${log}/${String(number).padStart(DIGITS, '0')}`;
  const read = async (number: number): Promise<T | null> => {
    const bytes = await objects.readRecord(keyOf(number));
    return bytes && parseRecord<T>(bytes, keyOf(number));
  };
  return {
    /** Entry `number`; null when it is not there. @throws TitrateError artifact-corrupt when it is not JSON. */
    read,
    /** Entries after `number`, those of other processes too, in order. */
    async *after(number: number): AsyncGenerator<{ readonly number: number; readonly value: T }> {
      for (let next = number + 1; ; next++) {
        const value = await read(next);
        if (value === null) return;
        yield { number: next, value };
      }
    },
    /** @returns false when another writer has taken the number. */
    create: (number: number, value: T): Promise<boolean> =>
      objects.createRecord(keyOf(number), Buffer.from(JSON.stringify(value), 'utf8')),
  };
}

/** The last number of every log of every campaign, from one listing; nothing is read. */
export async function campaignLogHeads(objects: ObjectStore): Promise<CampaignLogHead[]> {
  const heads = new Map<string, CampaignLogHead>();
  for (const key of await objects.listRecords('campaigns/')) {
    const match = KEY.exec(key);
    if (!match) continue;
    const [, campaignId, log, digits] = match as unknown as [string, string, LogName, string];
    const number = Number(digits);
    const known = heads.get(`${campaignId}/${log}`);
    if (!known || known.number < number) heads.set(`${campaignId}/${log}`, { campaignId, log, number });
  }
  return [...heads.values()];
}
