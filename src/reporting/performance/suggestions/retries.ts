import { duration, plural } from '../../format';
import { sum } from '../numbers';
import { suggest, type Rule } from './rule';

/** Work that was begun more than once: crashed workers, outages, memory. */
export const retries: Rule = ({ time, input: { work } }) => {
  const again = work
    .flatMap(({ activities }) => activities.filter((one) => one.retries > 0))
    .sort((a, b) => b.lostSeconds - a.lostSeconds);
  const [worst] = again;
  if (!worst) return null;
  const lost = sum(again, ({ lostSeconds }) => lostSeconds);
  const attempts = sum(again, (one) => one.retries);
  return suggest(
    'retries',
    { kind: 'rounds', amount: lost, of: time.machineSeconds },
    {
      suggestion: `Find out why ${worst.activity} on ${worst.queue} is begun again: the last failure of an attempt is in the Temporal Web UI, memory and restarts are in the worker's log`,
      figure: `${plural(attempts, 'attempt')} beyond the first; until the last ones began ${duration(lost)} had passed, most of it in ${worst.activity}`,
    },
  );
};
