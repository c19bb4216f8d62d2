import { modelVersionId } from '../contracts';
import { traceHeaders } from '../foundation';

/** What the inference server said, or that it said nothing. `live` is a version id such as `solubility-42/v3`. */
export type VersionProbe =
  | {
      readonly kind: 'answered';
      readonly ready: boolean;
      readonly live: string | null;
      readonly failure: { readonly message: string; readonly retryable: boolean } | null;
    }
  /** It answered, but not about this model: too old a view of the registry, shutting down, or another program's port. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unreachable'; readonly message: string };

/** A probe that takes longer is as good as no answer, milliseconds. */
const PROBE_TIMEOUT_MS = 5000;

/** Asks `GET /v2/models/<campaign>/versions/v<n>/ready`, which makes the server look at the pointer at once. */
export function probeVersion(
  endpoint: string,
  campaignId: string,
  number: number,
  signal?: AbortSignal,
): Promise<VersionProbe> {
  return probe(
    `${endpoint}/v2/models/${encodeURIComponent(campaignId)}/versions/v${number}/ready`,
    campaignId,
    signal,
  );
}

/** Asks `GET /v2/models/<campaign>/ready`: what is live now. */
export function probeLive(endpoint: string, campaignId: string, signal?: AbortSignal): Promise<VersionProbe> {
  return probe(`${endpoint}/v2/models/${encodeURIComponent(campaignId)}/ready`, campaignId, signal);
}

interface Exchange {
  readonly kind: 'exchanged';
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function exchange(
  url: string,
  signal?: AbortSignal,
  headers?: Readonly<Record<string, string>>,
): Promise<Exchange | { kind: 'unreachable'; message: string }> {
  const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { ...headers, ...traceHeaders() },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return { kind: 'exchanged', status: response.status, body: asObject(await response.text()) };
  } catch (error) {
    signal?.throwIfAborted();
    return { kind: 'unreachable', message: reasonOf(error) };
  }
}

function refusal(url: string, { status, body }: Exchange): string {
  const detail =
    typeof body.detail === 'string' ? body.detail : 'not an answer of a titrate inference server';
  return `${url} answered ${status}: ${detail}`;
}

async function probe(url: string, campaignId: string, signal?: AbortSignal): Promise<VersionProbe> {
  const asked = await exchange(url, signal);
  if (asked.kind === 'unreachable') return asked;
  const { body } = asked;
  if (typeof body.ready === 'boolean' && body.name === campaignId) {
    const failure = body.failure as { message?: unknown; retryable?: unknown } | null | undefined;
    return {
      kind: 'answered',
      ready: body.ready,
      live: typeof body.live === 'string' ? modelVersionId(campaignId, Number(body.live.slice(1))) : null,
      failure: failure ? { message: String(failure.message), retryable: failure.retryable === true } : null,
    };
  }
  return { kind: 'refused', message: refusal(url, asked) };
}

function asObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** undici hides the reason ('connect ECONNREFUSED …') in the cause, or in the causes of several addresses tried. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & {
    cause?: { message?: string; errors?: { message?: string }[] };
  };
  if (name === 'TimeoutError') return `no answer within ${PROBE_TIMEOUT_MS / 1000} s`;
  return cause?.errors?.[0]?.message || cause?.message || message;
}

/** What the server says of a campaign's trial. `entry` is the number of the pointer's entry that it follows. */
export type TrialProbe =
  | {
      readonly kind: 'answered';
      readonly entry: number;
      readonly state: 'off' | 'starting' | 'ready' | 'failed';
      readonly message: string;
    }
  | { readonly kind: 'refused' | 'unreachable'; readonly message: string };

const TRIAL_STATES: readonly unknown[] = ['off', 'starting', 'ready', 'failed'];

/**
 * Asks `GET /v2/models/<campaign>/trial`, which makes the server look at the pointer at once.
 * @param headers by which the server knows a process of its own installation
 */
export async function probeTrial(
  endpoint: string,
  campaignId: string,
  signal?: AbortSignal,
  headers?: Readonly<Record<string, string>>,
): Promise<TrialProbe> {
  const url = `${endpoint}/v2/models/${encodeURIComponent(campaignId)}/trial`;
  const asked = await exchange(url, signal, headers);
  if (asked.kind === 'unreachable') return asked;
  const { state, entry, message } = asked.body;
  if (TRIAL_STATES.includes(state) && typeof entry === 'number')
    return { kind: 'answered', entry, state: state as 'ready', message: String(message) };
  return { kind: 'refused', message: refusal(url, asked) };
}
