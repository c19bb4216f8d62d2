import type { Instruments } from './instruments';

/** Set where molecules become numbers. */
export const featureMetrics = ({ counter }: Instruments) => ({
  molecules: counter(
    'titrate_features_molecules_total',
    'Molecules given to a featurizer by what came of it: computed, failed.',
    'featurizer',
    'outcome',
  ),
  standardised: counter(
    'titrate_standardised_molecules_total',
    'Structures standardised in this process by outcome: accepted, quarantined.',
    'outcome',
  ),
});
