import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { PlannedAction } from '../../../src/contracts';

/** What a webhook is sent. */
export interface DriftMessage {
  readonly kind: 'drift';
  readonly campaignId: string;
  readonly action: PlannedAction;
}

const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const ANSWER_MS = 10_000;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Why an address is not sent to; null where it may be. */
function refusal(address: string): string | null {
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) return null;
  return 'only https addresses are sent to';
}

/**
 * Sends a message by POST: JSON, with the action's id as idempotency key. With a secret it is signed:
 * `x-titrate-signature: t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY`. A message that is not taken is sent again, three times at most.
 * @returns what came of it, in words; it never throws for what is the other side's fault
 */
export async function postDriftMessage(
  address: string,
  message: DriftMessage,
  { secret, signal }: { readonly secret: string | null; readonly signal?: AbortSignal },
): Promise<{ readonly delivered: boolean; readonly words: string }> {
  const refused = refusal(address);
  if (refused) return { delivered: false, words: refused };
  const body = JSON.stringify(message);
  let words = '';
  for (let tries = 1; tries <= TRIES; tries++) {
    if (tries > 1) await wait(FIRST_PAUSE_MS * 2 ** (tries - 2), undefined, { signal });
    const seconds = Math.floor(Date.now() / 1000);
    const hex =
      secret === null ? null : createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    try {
      const answer = await fetch(address, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_MS), ...(signal ? [signal] : [])]),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': message.action.id,
          ...(hex !== null && { 'x-titrate-signature': `t=${seconds},v1=${hex}` }),
        },
        body,
      });
      await answer.body?.cancel();
      words = `the webhook answered ${answer.status}`;
      if (answer.ok) return { delivered: true, words };
      // What it does not want it will not want later.
      if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) break;
    } catch (error) {
      signal?.throwIfAborted();
      const { cause } = error as Error;
      words = `the webhook cannot be reached: ${cause instanceof Error ? cause.message : (error as Error).message}`;
    }
  }
  return { delivered: false, words };
}
