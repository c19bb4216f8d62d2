import { TitrateError, type ErrorCode } from '../../contracts';

/** gRPC status codes (google/rpc/code.proto). */
const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

interface Cause {
  readonly code: ErrorCode;
  readonly remedy: string;
}

const CODES: ReadonlyMap<number, Cause> = new Map<number, Cause>([
  [
    GRPC.invalidArgument,
    {
      code: 'config-invalid',
      remedy:
        'Compare the dataflow settings with infra/dataflow/README.md; the template may be of another release',
    },
  ],
  [
    GRPC.failedPrecondition,
    {
      code: 'config-invalid',
      remedy: 'Enable dataflow.googleapis.com in the project, and look at its quotas',
    },
  ],
  [
    GRPC.notFound,
    { code: 'not-found', remedy: 'Look at the project, the region and the path of the template' },
  ],
  [
    GRPC.permissionDenied,
    {
      code: 'config-invalid',
      remedy:
        'Give the account roles/dataflow.developer, and roles/iam.serviceAccountUser on the worker service account',
    },
  ],
  [
    GRPC.unauthenticated,
    {
      code: 'config-invalid',
      remedy: "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS",
    },
  ],
  ...[GRPC.deadlineExceeded, GRPC.resourceExhausted, GRPC.aborted, GRPC.internal, GRPC.unavailable].map(
    (code): [number, Cause] => [code, { code: 'unavailable', remedy: 'It passes as a rule; try again' }],
  ),
]);

const grpcCode = (error: unknown): number | undefined => (error as { code?: number }).code;

export const isAlreadyExists = (error: unknown): boolean => grpcCode(error) === GRPC.alreadyExists;

/** An error of a call to the Dataflow service. @param doing e.g. `launching the job` @param where project, region, job */
export function dataflowError(error: unknown, doing: string, where: string): TitrateError {
  if (error instanceof TitrateError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const known =
    CODES.get(grpcCode(error) ?? -1) ??
    (/default credentials/i.test(message) ? CODES.get(GRPC.unauthenticated) : undefined);
  return new TitrateError(
    known?.code ?? 'internal',
    { what: `${doing} failed: ${message}`, where, remedy: known?.remedy },
    { cause: error },
  );
}

/** Trouble of Google's that passes: no machines or no quota just now, or a fault inside. */
const PASSING = /RESOURCE_POOL_EXHAUSTED|stockout|quota|rate limit|internal error|temporarily/i;
const MAX_MESSAGES = 5;
const MAX_MESSAGE_CHARACTERS = 600;

/**
 * The error of a job that ended as failed, from what it said last.
 * @param messages the job's messages of importance `error`, oldest first
 */
export function jobFailure(messages: readonly string[], where: string, consoleLink: string): TitrateError {
  const told = messages.slice(-MAX_MESSAGES).map((text) => text.slice(0, MAX_MESSAGE_CHARACTERS));
  return new TitrateError(messages.some((text) => PASSING.test(text)) ? 'unavailable' : 'internal', {
    what: `the Dataflow job failed: ${told.join(' / ') || 'it gives no reason'}`,
    where,
    remedy: `Look at ${consoleLink}, mend the cause and ingest again: parts that are done stay done`,
  });
}
