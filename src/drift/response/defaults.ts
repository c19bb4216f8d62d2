import { driftRuleSchema, type DriftPolicy, type DriftRule } from '../../contracts';

const rule = (from: {
  when: { verdict?: 'watch' | 'act'; causes?: DriftRule['when']['causes'] };
  do: DriftRule['do'];
  then?: DriftRule['then'];
  cooldown?: string;
  limit?: number;
}): DriftRule => driftRuleSchema.parse(from);

/**
 * What every campaign does where its own rules say nothing. Every cause has an answer: the last rule takes what none before it does.
 */
export const DEFAULT_DRIFT_RULES: readonly DriftRule[] = [
  // What computes the numbers is wrong: the version before did better, and somebody has to look at the code.
  rule({ when: { causes: ['serving-skew'] }, do: ['roll-back', 'tell'] }),
  // Values that mean something else must not be learnt from, and no program can tell what was meant.
  rule({ when: { causes: ['unit-error', 'schema-change'] }, do: ['pause', 'tell'] }),
  rule({
    when: { causes: ['plate-offset', 'lab-offset'] },
    do: ['control-plate', 'tell'],
    // Each plate is a case of its own.
    limit: 10,
  }),
  rule({ when: { causes: ['assay-shift'] }, do: ['control-plate', 'retrain'] }),
  // The molecules are others: what is asked for has to be what is screened and learnt from.
  rule({
    when: {
      causes: ['scaffold-switch', 'heavier-molecules', 'lighter-molecules', 'property-shift', 'input-shift'],
    },
    do: ['widen-pool', 're-explore'],
    then: ['retrain'],
  }),
  rule({ when: { causes: ['model-decay', 'noise-up'] }, do: ['retrain'], then: ['re-explore'] }),
  rule({ when: { verdict: 'act' }, do: ['tell'] }),
  rule({ when: { verdict: 'watch' }, do: ['tell'], cooldown: '7 days', limit: 20 }),
];

/** A campaign's own rules, then those that every campaign has. */
export const rulesOf = ({ policy }: Pick<DriftPolicy, 'policy'>): readonly DriftRule[] => [
  ...policy,
  ...DEFAULT_DRIFT_RULES,
];
