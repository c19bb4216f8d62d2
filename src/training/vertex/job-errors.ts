import { TitrateError } from '../../contracts';
import type { CustomJob } from './jobs';
import { quotaRemedy, type VertexPlace } from './service';

/** Words of the service's for a limit of the project's, and for machines that nobody has just now. */
const QUOTA = /quota|RESOURCE_EXHAUSTED|rate limit/i;
const STOCKOUT =
  /stockout|RESOURCE_POOL_EXHAUSTED|insufficient (capacity|resources)|resources are insufficient|does not have enough resources/i;
/** Trouble of Google's that passes. */
const PASSING = /internal error|temporarily|preempted/i;

/** The error of a job that ended without recording its step, and left no word of its own. @param link where its log is */
export function endedJob(job: CustomJob, place: VertexPlace, link: string): TitrateError {
  const where = `Vertex AI job ${job.name}`;
  const said = job.error ? `: ${job.error}` : ', and gives no reason';
  switch (job.state) {
    case 'JOB_STATE_SUCCEEDED':
    case 'JOB_STATE_PARTIALLY_SUCCEEDED':
      return new TitrateError('runtime-mismatch', {
        what: 'the job succeeded, and its output is not recorded',
        where,
        remedy: `Is its image of this release, and its object store this one? Look at ${link}`,
      });
    case 'JOB_STATE_CANCELLED':
      return new TitrateError('unavailable', {
        what: 'the job was cancelled by somebody else',
        where,
        remedy: `Look at ${link}; to end the work for good, cancel the workflow`,
      });
    case 'JOB_STATE_EXPIRED':
      return new TitrateError('deadline-exceeded', {
        what: 'the job took longer than it may',
        where,
        remedy: `Raise training.timeoutHours, or choose a larger machine. Its log: ${link}`,
      });
  }
  const what = `the job ended as ${job.state}${said}`;
  if (QUOTA.test(said)) return new TitrateError('overloaded', { what, where, remedy: quotaRemedy(place) });
  if (STOCKOUT.test(said)) {
    return new TitrateError('unavailable', {
      what,
      where,
      remedy: `There are no such machines in ${place.region} just now: wait, or choose another region, training.acceleratorType, or training.strategy: flex-start, which waits for one`,
    });
  }
  return new TitrateError(PASSING.test(said) ? 'unavailable' : 'internal', {
    what,
    where,
    remedy: `Look at its log: ${link}`,
  });
}
