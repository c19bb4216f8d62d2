import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** Default 30. */
  readonly seconds?: number;
  /** Milliseconds between two looks. Default 50. */
  readonly every?: number;
}

/**
 * Looks again until `enough` says yes: for what has no event to wait for, such as a query or another process. A probe that
 * throws is looked at again too, since servers may be starting or being killed.
 * @throws with what was seen last.
 */
export async function eventually<T>(
  probe: () => Promise<T>,
  enough: (value: T) => boolean,
  { seconds = 30, every = 50 }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  do {
    try {
      const value = await probe();
      if (enough(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await delay(every);
  } while (Date.now() < deadline);
  throw new Error(`waited in vain; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}
