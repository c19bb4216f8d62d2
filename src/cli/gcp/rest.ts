import { TitrateError } from '../../contracts';
import type { Settings } from '../../platform/settings';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';

/** Google's APIs that are asked, by the first part of their host names. */
export type GoogleService =
  | 'aiplatform'
  | 'artifactregistry'
  | 'bigquery'
  | 'cloudresourcemanager'
  | 'compute'
  | 'secretmanager'
  | 'serviceusage'
  | 'storage';

export interface Answer {
  readonly status: number;
  /** What was answered, as JSON; an empty object where it is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** What the service says of a refusal. */
  readonly said: string;
  /** Why it refuses, by the name in google.rpc.ErrorInfo or in the error list of older APIs. */
  readonly reason: string | null;
}

/** Reads of one project, by plain REST: for services whose client libraries are not here for anything else. */
export interface GoogleRest {
  get(service: GoogleService, path: string): Promise<Answer>;
  /** Some reads are POST: those that take a list. */
  post(service: GoogleService, path: string, body: object): Promise<Answer>;
  /** How far this clock is ahead of Google's, ms, by the last answer; null before the first. */
  skewMs(): number | null;
}

const TIMEOUT_MS = 20_000;

/** Where each service is; of an http address nothing is told who asks. */
function addressOf(service: GoogleService, { google, objects, warehouse }: Settings): string {
  const own = { storage: objects.endpoint, bigquery: warehouse.endpoint }[service as string];
  const address = own ?? (google.endpoint ? `${google.endpoint}/${service}` : undefined);
  return (address ?? `https://${service}.googleapis.com`).replace(/\/+$/, '');
}

interface ErrorBody {
  readonly error?: {
    readonly message?: string;
    readonly details?: readonly { readonly reason?: string }[];
    readonly errors?: readonly { readonly reason?: string }[];
  };
}

/** @param token asked anew for each request; of https addresses only */
export function createGoogleRest(settings: Settings, token: () => Promise<string>): GoogleRest {
  let skew: number | null = null;

  async function ask(service: GoogleService, path: string, init: RequestInit): Promise<Answer> {
    const url = `${addressOf(service, settings)}/${path}`;
    const authorization: Record<string, string> = url.startsWith('https:')
      ? { authorization: `Bearer ${await token()}` }
      : {};
    const asked = Date.now();
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        ...init,
        headers: { ...authorization, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (cause) {
      const said = ((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message;
      throw new TitrateError(
        'unavailable',
        {
          what: `no answer: ${said}`,
          where: url,
          remedy: `Does this machine reach ${new URL(url).host}? A proxy or firewall may stand between`,
        },
        { cause },
      );
    }
    const date = Date.parse(response.headers.get('date') ?? '');
    // The header tells whole seconds; between asking and hearing any moment may be meant.
    if (Number.isFinite(date)) skew = (asked + Date.now()) / 2 - (date + 500);
    let body: Record<string, unknown> = {};
    try {
      body = JSON.parse(text) as Record<string, unknown>;
    } catch {
      // Said in the words of whatever stands between: the status tells.
    }
    const { error } = body as ErrorBody;
    const reason = [...(error?.details ?? []), ...(error?.errors ?? [])].find((one) => one.reason)?.reason;
    return {
      status: response.status,
      body,
      said: (error?.message ?? response.statusText).slice(0, 300),
      reason: reason ?? null,
    };
  }

  return {
    get: (service, path) => ask(service, path, { method: 'GET' }),
    post: (service, path, body) => ask(service, path, { method: 'POST', body: JSON.stringify(body) }),
    skewMs: () => skew,
  };
}

/** The finding for an answer that is none: API switched off, rights that are missing, a service in trouble. */
export function refusal(
  check: string,
  answer: Answer,
  { service, permission, project }: { service: GoogleService; permission: string; project: string },
): Finding {
  const { fail } = findings(check);
  const said = `${answer.status}: ${answer.said}`;
  if (answer.reason === 'SERVICE_DISABLED' || answer.reason === 'accessNotConfigured')
    return fail(
      `${service}.googleapis.com is not enabled (${said})`,
      `Run: gcloud services enable ${service}.googleapis.com --project ${project}`,
    );
  if (answer.status === 401)
    return fail(`the credentials are not accepted (${said})`, 'Run: gcloud auth application-default login');
  if (answer.status === 403)
    return fail(
      `this account may not look (${said})`,
      `It needs ${permission}: act as titrate-operator, which has it (gcloud auth application-default login --impersonate-service-account titrate-operator@${project}.iam.gserviceaccount.com)`,
    );
  return fail(`${service} answers ${said}`, 'Try again later, and look at https://status.cloud.google.com');
}
