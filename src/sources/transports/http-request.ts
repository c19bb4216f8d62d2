import { TitrateError } from '../../contracts';
import { backoff, pause, throwIfAborted, type RetryPolicy } from './transport';

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers that may be others a moment later (RFC 9110, 6585, 8470); all above 500 but "never". */
const mayPass = (status: number) =>
  [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505);

/** Headers for one host, `example.org` or `example.org:8443`; sent to no other, whatever it redirects to. */
export type HeadersByHost = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface HttpRequestOptions {
  readonly headersByHost?: HeadersByHost;
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
}

const isLoopback = ({ hostname }: URL) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/** A uri for messages and logs: what follows `?` may be a signature. */
export const shownUrl = (url: URL): string => `${url.origin}${url.pathname}${url.search ? '?…' : ''}`;

/**
 * @throws TitrateError config-invalid: no uri, plain http to another machine, or with a password in it
 */
export function parseHttpUrl(uri: string): URL {
  const refuse = (what: string, where: string, remedy: string) =>
    new TitrateError('config-invalid', { what, where, remedy });
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw refuse('this is not a valid uri', uri, 'Write https://host/path, with special characters percent-encoded'); // prettier-ignore
  }
  if (url.username || url.password) {
    throw refuse(
      'there is a user or a password in the uri, which would stay in the provenance of the dataset for ever',
      shownUrl(url),
      'Take it out; set https.headers for the host in the settings, or fetch the file by other means',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url)) {
    throw refuse('http:// is allowed for this machine only: anybody on the way could change the data', shownUrl(url), 'Write https://'); // prettier-ignore
  }
  return url;
}

function checkRedirect(from: URL, location: string | null): URL {
  const refuse = (what: string) =>
    new TitrateError('source-unreadable', {
      what,
      where: shownUrl(from),
      remedy: 'Name the place it really lies at as the uri of the source',
    });
  let to: URL;
  try {
    to = new URL(location ?? '', from);
  } catch {
    throw refuse(`the server redirects to '${location}', which is not a uri`);
  }
  if (location === null) throw refuse('the server redirects without saying where to');
  if (to.username || to.password) throw refuse('the server redirects to a uri with a password in it');
  // A page of another machine has no business sending this one to its own inside.
  const allowed = isLoopback(from) ? ['http:', 'https:'] : ['https:'];
  if (!allowed.includes(to.protocol) || (!isLoopback(from) && isLoopback(to)))
    throw refuse(`the server redirects to ${shownUrl(to)}, which is not followed from there`);
  if (to.protocol === 'http:' && !isLoopback(to))
    throw refuse(`the server redirects to plain ${shownUrl(to)}`);
  return to;
}

/** One request and its redirects. */
async function follow(start: URL, headers: Record<string, string>, options: HttpRequestOptions) {
  let url = start;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const idle = new AbortController();
    const { idleTimeoutMs } = options.policy;
    const timer = setTimeout(
      () => idle.abort(new Error(`no answer for ${idleTimeoutMs / 1000} s`)),
      idleTimeoutMs,
    );
    let response: Response;
    try {
      response = await fetch(url, {
        redirect: 'manual',
        headers: { ...options.headersByHost?.[url.host], ...headers },
        signal: options.signal ? AbortSignal.any([options.signal, idle.signal]) : idle.signal,
      });
    } finally {
      clearTimeout(timer);
    }
    if (!REDIRECTS.has(response.status)) return response;
    await response.body?.cancel();
    url = checkRedirect(url, response.headers.get('location'));
  }
  throw new TitrateError('source-unreadable', {
    what: `the server redirects more than ${MOST_REDIRECTS} times`,
    where: shownUrl(start),
    remedy: 'Name the place it really lies at as the uri of the source',
  });
}

/** What Retry-After asks for, ms; undefined where it asks for nothing that can be read. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function refusal(status: number, where: string): TitrateError {
  const fail = (code: 'source-missing' | 'source-unreadable' | 'unavailable', what: string, remedy: string) =>
    new TitrateError(code, { what: `the server answered ${status}: ${what}`, where, remedy });
  if (status === 404 || status === 410)
    return fail('source-missing', 'there is no such thing', 'Check the uri');
  if (status === 401 || status === 403 || status === 407)
    return fail('source-unreadable', 'not allowed', 'Set headers for the host in the settings, or use a signed uri'); // prettier-ignore
  if (mayPass(status)) return fail('unavailable', 'it cannot answer now', 'Try again later');
  return fail('source-unreadable', 'the request was refused', 'Open the uri in a browser to see what it is');
}

const codesOf = (error: unknown): string[] => {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return [...(typeof code === 'string' ? [code] : []), ...(cause ? codesOf(cause) : [])];
};

/** What kept an answer from coming, as an error; whether to try again. */
function networkFailure(error: unknown, where: string): { told: TitrateError; again: boolean } {
  const codes = codesOf(error);
  const { message, cause } = error as Error & { cause?: { message?: string } };
  const why = [codes[0], cause?.message ?? message].filter(Boolean).join(' ');
  const fail = (code: 'source-unreadable' | 'unavailable', what: string, remedy: string) =>
    new TitrateError(code, { what, where, remedy }, { cause: error });
  if (codes.some((code) => /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(code))) {
    return {
      told: fail('source-unreadable', `the server's certificate is not trusted (${why})`, 'Add its authority by NODE_EXTRA_CA_CERTS'), // prettier-ignore
      again: false,
    };
  }
  return {
    told: fail('unavailable', `the server cannot be reached (${why})`, 'Check its name and the network, and try again'), // prettier-ignore
    again: !codes.includes('ENOTFOUND'),
  };
}

/**
 * Asks for a uri by GET. Redirects are followed from https to https; what passes (429, 5xx, a broken network) is tried again with
 * growing waits, or when Retry-After says.
 * @returns an answer of status 200, 206 or 416, its body not yet read
 * @throws TitrateError source-missing, source-unreadable, unavailable, cancelled
 */
export async function httpGet(
  url: URL,
  headers: Record<string, string>,
  options: HttpRequestOptions,
): Promise<Response> {
  const { policy, signal } = options;
  const where = shownUrl(url);
  for (let failures = 1; ; failures++) {
    let told: TitrateError;
    let wait = backoff(policy, failures);
    try {
      throwIfAborted(signal, where);
      const response = await follow(url, headers, options);
      if ([200, 206, 416].includes(response.status)) return response;
      await response.body?.cancel();
      told = refusal(response.status, where);
      const asked = retryAfter(response);
      if (!mayPass(response.status) || (asked ?? 0) > policy.longestWaitMs) throw told;
      wait = asked ?? wait;
    } catch (error) {
      throwIfAborted(signal, where);
      if (error instanceof TitrateError) throw error;
      const failure = networkFailure(error, where);
      if (!failure.again) throw failure.told;
      told = failure.told;
    }
    if (failures > policy.retries) throw told;
    await pause(wait, signal, where);
  }
}
