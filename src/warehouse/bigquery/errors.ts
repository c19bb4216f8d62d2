import { TitrateError } from '../../contracts';

/** A failure as BigQuery tells it: of a request (with an HTTP status), or of a job (with a reason alone). */
export interface BigQueryFailure {
  readonly code?: number | string;
  readonly message?: string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** Reasons after which the same job may succeed (BigQuery, "Error messages"). */
const PASSING = new Set([
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'rateLimitExceeded',
  'resourcesExceeded',
  'stopped',
  'tableUnavailable',
  'timeout',
]);
/** DML that lost against another statement on the same table fails with a reason of its own, `invalidQuery`. */
const LOST_RACE = /could not serialize access|concurrent update|aborted due to/i;
const NO_CREDENTIALS = /default credentials|invalid_grant|invalid_rapt|unable to impersonate/i;

export const reasonOf = (failure: BigQueryFailure): string => failure.errors?.[0]?.reason ?? '';
export const messageOf = (failure: BigQueryFailure): string =>
  failure.errors?.[0]?.message ?? failure.message ?? 'no reason was given';

/** Whether trying again, as another job, may help. */
export function passes(failure: BigQueryFailure): boolean {
  if (PASSING.has(reasonOf(failure)) || LOST_RACE.test(messageOf(failure))) return true;
  if (NO_CREDENTIALS.test(messageOf(failure))) return false;
  // No status and no reason: the request did not get through.
  if (failure.code === undefined || typeof failure.code === 'string') return reasonOf(failure) === '';
  return failure.code === 408 || failure.code === 429 || failure.code >= 500;
}

/** @param where project, dataset, table or job. */
export function asWarehouseError(error: unknown, where: string): TitrateError {
  if (error instanceof TitrateError) return error;
  const failure = error as BigQueryFailure;
  const [reason, message] = [reasonOf(failure), messageOf(failure)];
  const tell = (code: ConstructorParameters<typeof TitrateError>[0], what: string, remedy: string) =>
    new TitrateError(code, { what, where, remedy }, { cause: error });
  if (reason === 'bytesBilledLimitExceeded') {
    return tell(
      'config-invalid',
      `the query would bill more than maximumBytesBilled allows: ${message}`,
      'Nothing was run or billed. Raise maximumBytesBilled in the settings of the warehouse, or use a table prefix per team',
    );
  }
  if (NO_CREDENTIALS.test(message)) {
    const remedy = 'Run `gcloud auth application-default login`, or give the worker a service account';
    return tell('config-invalid', `there are no Google Cloud credentials: ${message}`, remedy);
  }
  if (failure.code === 401 || failure.code === 403 || reason === 'accessDenied') {
    if (passes(failure) || reason === 'quotaExceeded')
      return tell(
        'unavailable',
        `BigQuery's quota is used up: ${message}`,
        'It passes; else ask for more quota',
      );
    const remedy =
      'Grant the account roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset';
    return tell('config-invalid', `BigQuery refuses access: ${message}`, remedy);
  }
  if (passes(failure) || reason === 'quotaExceeded')
    return tell('unavailable', `BigQuery did not answer as it should: ${message}`, 'It may pass; try again');
  if (failure.code === 404 || reason === 'notFound') {
    const remedy =
      'See that project, dataset and location are right; tables that were deleted come back when the whole set is deleted and the warehouse opened again';
    return tell('not-found', message, remedy);
  }
  return tell('internal', `BigQuery refused: ${message}`, 'Report this with the text of the message');
}
