import { TitrateError } from '../../contracts';

/** Of a Google API error: HTTP status and reasons. */
interface ApiErrorLike {
  readonly code?: number | string;
  readonly status?: number | string;
  readonly message?: string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** Reasons after which Google's guides tell to try again: cloud.google.com/bigquery/docs/error-messages, …/storage/docs/retry-strategy. */
const PASSING_REASONS = new Set([
  'rateLimitExceeded',
  'jobRateLimitExceeded',
  'backendError',
  'internalError',
  'tableUnavailable',
  'jobInternalError',
]);
const NETWORK = /^(?:E[A-Z_]+|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_\w+)$/;
const NO_CREDENTIALS =
  /could not load the default credentials|invalid_grant|invalid_client|unable to detect a project/i;

export function httpStatus(error: unknown): number | undefined {
  const { code, status } = error as ApiErrorLike;
  return [code, status].map(Number).find((n) => Number.isInteger(n) && n >= 100 && n < 600);
}

export const reasonsOf = (error: unknown): string[] =>
  ((error as ApiErrorLike).errors ?? []).flatMap(({ reason }) => (reason ? [reason] : []));

/**
 * What a Google client threw, as one of our errors: it names the place and says what to do.
 * @param place `gs://bucket/object`, `bq://project.dataset.table` or a job
 * @param roles that allow the reading
 */
export function explainCloudError(error: unknown, place: string, roles: string): TitrateError {
  if (error instanceof TitrateError) return error;
  const status = httpStatus(error);
  const reasons = reasonsOf(error);
  const { code, message = String(error) } = error as ApiErrorLike;
  const what = (message.split('\n')[0] ?? '').slice(0, 500);
  const fail = (kind: ConstructorParameters<typeof TitrateError>[0], remedy: string) =>
    new TitrateError(kind, { what, where: place, remedy }, { cause: error });
  if (NO_CREDENTIALS.test(message))
    return fail('config-invalid', "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS"); // prettier-ignore
  if (reasons.some((reason) => PASSING_REASONS.has(reason))) return fail('unavailable', 'Try again later');
  if (reasons.includes('quotaExceeded')) return fail('unavailable', 'Try again when the quota is renewed, or raise it'); // prettier-ignore
  if (reasons.includes('bytesBilledLimitExceeded'))
    return fail('config-invalid', 'Read less (fewer columns, a partition), or raise maximumBytesBilled of BigQuery in the settings'); // prettier-ignore
  if (reasons.includes('resourcesExceeded') || reasons.includes('responseTooLarge'))
    return fail('source-unreadable', 'Read less at once: rows are put in order, which has a limit; or export to gs:// as Parquet'); // prettier-ignore
  if (status === 404 || reasons.includes('notFound')) return fail('source-missing', 'Check the name, the project and the region'); // prettier-ignore
  if (status === 401 || status === 403 || reasons.includes('accessDenied'))
    return fail('source-unreadable', `Give the account that runs titrate ${roles}`);
  if (status === 429 || status === 408 || (status !== undefined && status >= 500))
    return fail('unavailable', 'Try again later');
  if (reasons.includes('invalidQuery') || reasons.includes('invalid') || status === 400)
    return fail('config-invalid', "Mend 'uri' or 'query' of the source");
  if (typeof code === 'string' && NETWORK.test(code))
    return fail('unavailable', 'Check the network, and try again');
  return fail('source-unreadable', 'See what the service said');
}
