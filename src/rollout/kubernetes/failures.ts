import { asTitrateError, TitrateError } from '../../contracts';

/** What an API server says no with: `metav1.Status`. */
export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly {
    readonly reason?: string;
    readonly message?: string;
    readonly field?: string;
  }[];
}

/** Null when the error is no answer of an API server: it could not be reached, or the connection was lost. */
export function apiStatus(error: unknown): ApiStatus | null {
  const { code, body } = error as { code?: unknown; body?: unknown };
  if (typeof code !== 'number') return null;
  let status: { reason?: string; message?: string; details?: { causes?: ApiStatus['causes'] } } = {};
  try {
    status = (typeof body === 'string' ? JSON.parse(body) : body) ?? {};
  } catch {
    // Not JSON: a proxy in between has answered.
  }
  return {
    code,
    reason: status.reason ?? '',
    message: status.message ?? (typeof body === 'string' ? body.slice(0, 300) : 'no reason given'),
    causes: status.details?.causes ?? [],
  };
}

/** Whether the same call may succeed when it is made again. */
export function isPassing(error: unknown): boolean {
  const status = apiStatus(error);
  if (status === null) return isConnectionFailure(error);
  return status.code === 429 || (status.code >= 500 && undeclaredField(error) === null);
}

/**
 * A field that the cluster's definition of the object does not have, as a Gateway API older than ours. Server-side apply answers
 * 500 to it.
 */
export function undeclaredField(error: unknown): string | null {
  const match = /(\.\S+): field not declared in schema/.exec(apiStatus(error)?.message ?? '');
  return match && `this cluster's definition of the object does not have ${match[1]!}`;
}

/** What kept a call from an answer, in a few words. */
export function outageOf(error: unknown): string {
  const status = apiStatus(error);
  return status
    ? `the Kubernetes API server answers ${status.code} (${status.message})`
    : 'the Kubernetes API server does not answer';
}

const CONNECTION =
  /ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|socket hang up|network|Premature close|aborted/i;
const isConnectionFailure = (error: unknown) =>
  error instanceof Error &&
  CONNECTION.test(`${error.message} ${String((error as { code?: unknown }).code ?? '')}`);

export const isGone = (error: unknown) => apiStatus(error)?.code === 404;

/** Somebody wrote the object since it was read: look again. Not a conflict of field managers. */
export function isStale(error: unknown): boolean {
  const status = apiStatus(error);
  return status?.code === 409 && !status.causes.some(({ reason }) => reason === 'FieldManagerConflict');
}

/**
 * Fields that another manager owns and that we would have to change. They are reported, not taken: whoever set them had a reason.
 * @returns null when the error is about something else
 */
export function fieldConflict(error: unknown, object: string): string | null {
  const causes = apiStatus(error)?.causes.filter(({ reason }) => reason === 'FieldManagerConflict') ?? [];
  if (causes.length === 0) return null;
  const fields = new Map<string, string[]>();
  for (const { message = '', field = '?' } of causes) {
    const manager = /conflict with "([^"]+)"/.exec(message)?.[1] ?? 'another manager';
    fields.set(manager, [...(fields.get(manager) ?? []), field]);
  }
  const owners = [...fields].map(([manager, names]) => `'${manager}' owns ${names.join(', ')}`).join('; ');
  return (
    `${object}: ${owners}, and titrate would have to change that. Nothing was changed. Give the fields up there (kubectl apply ` +
    `without them, or kubectl edit --field-manager=titrate), then try again`
  );
}

/** An answer that will stay the same, in the language of this system. */
export function asKubernetesError(error: unknown, doing: string): TitrateError {
  if (error instanceof TitrateError) return error;
  const status = apiStatus(error);
  const cause = { cause: error };
  if (!status && !isConnectionFailure(error)) return asTitrateError(error);
  if (!status) {
    const { message } = error as Error;
    const remedy = 'Look at the cluster, at kubernetes.kubeconfig and kubernetes.context in the settings';
    return new TitrateError(
      'unavailable',
      { what: `the Kubernetes API server cannot be reached: ${message}`, where: doing, remedy },
      cause,
    );
  }
  const { code, reason, message } = status;
  const where = doing;
  if (code === 401 || (code === 403 && !isQuota(status))) {
    return new TitrateError(
      'contradiction',
      {
        what: message,
        where,
        remedy:
          "Bind the deploy worker's service account to the Role of infra/kubernetes/base/deploy-rbac.yaml",
      },
      cause,
    );
  }
  if (code === 403) return new TitrateError('contradiction', { what: message, where }, cause);
  if (code === 400 || code === 422)
    return new TitrateError('config-invalid', { what: message, where }, cause);
  if (code === 404) return new TitrateError('not-found', { what: message, where }, cause);
  if (code === 409) return new TitrateError('conflict', { what: message, where }, cause);
  return new TitrateError(
    'unavailable',
    { what: `the API server answered ${code} ${reason}: ${message}`, where },
    cause,
  );
}

const isQuota = ({ message }: ApiStatus) => /exceeded quota/i.test(message);
