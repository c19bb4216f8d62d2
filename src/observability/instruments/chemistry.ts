import type { Chemistry } from '../../chemistry';
import type { Metrics } from '../metrics/metrics';

/** Chemistry whose molecules are counted, by featurizer, and whose structures by whether they could be standardised. */
export function observeChemistry(chemistry: Chemistry, { features }: Pick<Metrics, 'features'>): Chemistry {
  const { molecules, standardised } = features;
  const accept = (outcomes: readonly { readonly ok: boolean }[]) => {
    const accepted = outcomes.reduce((sum, { ok }) => sum + (ok ? 1 : 0), 0);
    if (accepted) standardised.inc({ outcome: 'accepted' }, accepted);
    if (accepted < outcomes.length) standardised.inc({ outcome: 'quarantined' }, outcomes.length - accepted);
    return accepted;
  };
  return {
    async standardise(inputs, caps, standardisation) {
      const outcomes = await chemistry.standardise(inputs, caps, standardisation);
      accept(outcomes);
      return outcomes;
    },
    async featurise(given, spec) {
      try {
        const matrix = await chemistry.featurise(given, spec);
        molecules.inc({ featurizer: spec.kind, outcome: 'computed' }, given.length);
        return matrix;
      } catch (error) {
        // One that cannot be featurised costs the whole call.
        molecules.inc({ featurizer: spec.kind, outcome: 'failed' }, given.length);
        throw error;
      }
    },
    async prepare(inputs, caps, standardisation, specs) {
      const outcomes = await chemistry.prepare(inputs, caps, standardisation, specs);
      const accepted = accept(outcomes);
      for (const { kind } of specs) molecules.inc({ featurizer: kind, outcome: 'computed' }, accepted);
      return outcomes;
    },
    scaffolds: (smiles) => chemistry.scaffolds(smiles),
    depict: (smiles, size) => chemistry.depict(smiles, size),
    screen: (smiles, spec) => chemistry.screen(smiles, spec),
    patternProblems: (smarts) => chemistry.patternProblems(smarts),
    version: () => chemistry.version(),
    close: () => chemistry.close(),
  };
}
