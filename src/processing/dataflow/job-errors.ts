import { TitrateError } from '../../contracts';
import { grpcError, type Explanations } from '../../foundation';

const EXPLANATIONS: Explanations = {
  invalidArgument: {
    code: 'config-invalid',
    remedy:
      'Compare the dataflow settings with infra/dataflow/README.md; the template may be of another release',
  },
  failedPrecondition: {
    code: 'config-invalid',
    remedy: 'Enable dataflow.googleapis.com in the project, and look at its quotas',
  },
  notFound: { code: 'not-found', remedy: 'Look at the project, the region and the path of the template' },
  permissionDenied: {
    code: 'config-invalid',
    remedy:
      'Give the account roles/dataflow.developer, and roles/iam.serviceAccountUser on the worker service account',
  },
};

/** An error of a call to the Dataflow service. @param doing e.g. `launching the job` @param where project, region, job */
export const dataflowError = (error: unknown, doing: string, where: string): TitrateError =>
  grpcError(error, doing, where, EXPLANATIONS);

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
