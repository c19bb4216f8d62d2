import { setTimeout as sleep } from 'node:timers/promises';
import { TitrateError, type ErrorCode } from '../contracts';

/** gRPC status codes (google/rpc/code.proto). */
export const GRPC = {
  cancelled: 1,
  unknown: 2,
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
export type GrpcStatus = keyof typeof GRPC;

export interface Explanation {
  readonly code: ErrorCode;
  readonly remedy: string;
}

/** What a service's refusals mean to its user, by status. What is left out is explained by `USUAL`. */
export type Explanations = Partial<Record<GrpcStatus, Explanation>>;

const PASSING: Explanation = { code: 'unavailable', remedy: 'It passes as a rule; try again' };
const USUAL: Explanations = {
  unauthenticated: {
    code: 'config-invalid',
    remedy: "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS",
  },
  deadlineExceeded: PASSING,
  resourceExhausted: PASSING,
  aborted: PASSING,
  internal: PASSING,
  unavailable: PASSING,
};

/** The status of an error of a gRPC client; undefined for any other error. */
export function grpcStatus(error: unknown): GrpcStatus | undefined {
  const { code } = error as { code?: unknown };
  return (Object.keys(GRPC) as GrpcStatus[]).find((name) => GRPC[name] === code);
}

/** An error of a call to a service of Google's. @param doing e.g. `launching the job` @param where project, region, job */
export function grpcError(
  error: unknown,
  doing: string,
  where: string,
  explanations: Explanations,
): TitrateError {
  if (error instanceof TitrateError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const status = grpcStatus(error) ?? (/default credentials/i.test(message) ? 'unauthenticated' : undefined);
  const known = status && (explanations[status] ?? USUAL[status]);
  return new TitrateError(
    known?.code ?? 'internal',
    { what: `${doing} failed: ${message}`, where, remedy: known?.remedy },
    { cause: error },
  );
}

/** A server's trouble of the passing kind is waited out in a read, this often, this long at first, ms. */
const READ_ATTEMPTS = 5;
const FIRST_DELAY_MS = 200;

/** Makes a call that may be made twice, again while its trouble may pass. @param explained as grpcError does @throws TitrateError */
export async function grpcRead<T>(
  call: () => Promise<T>,
  explained: (error: unknown) => TitrateError,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const known = explained(error);
      if (!known.retryable || attempt >= READ_ATTEMPTS) throw known;
      await sleep(FIRST_DELAY_MS * 2 ** (attempt - 1));
    }
  }
}
