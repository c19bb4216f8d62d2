import { percent } from '../../format';
import { suggest, type Rule } from './rule';

/** Clients that post again to be sure are welcome. */
const MANY = 0.1;

/** Rows that the lab posted and that did not count. */
export const postedInVain: Rule = ({ labels: { intake } }) => {
  if (!intake) return null;
  const { received, duplicates, rejected } = intake;
  const vain = duplicates + rejected;
  if (vain < MANY * received) return null;
  return suggest(
    'posted-in-vain',
    { kind: 'labels', amount: vain, of: received },
    {
      suggestion:
        rejected >= duplicates
          ? "Mend what posts the results: 'titrate campaign history' has the reasons of refused rows"
          : 'Let what posts the results remember its receipts: it posts the same rows again',
      figure: `of ${received} rows posted ${duplicates} were there already and ${rejected} were refused, ${percent(vain / received)}`,
    },
  );
};
