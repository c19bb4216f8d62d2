import { RULE_SET_VERSION, type ModelCard } from '../../../src/contracts';

const ref = (digit: string) => ({
  uri: '',
  sha256: digit.repeat(64),
  bytes: 1,
  mediaType: 'application/json',
});

/** A card of a Gaussian process for logS. The weights it names are in no store unless a test puts them there. */
export function makeCard(changes: Partial<ModelCard>): ModelCard {
  return {
    campaignId: 'solubility-42',
    round: 1,
    property: 'logS',
    unit: 'log(mol/L)',
    family: 'gaussian-process',
    settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1, 1] },
    featurizer: { kind: 'morgan', radius: 2, bits: 1024, counts: 'simulated' },
    weights: ref('a'),
    training: ref('b'),
    dataVersion: 'dataset-1',
    cutId: 'cut-1',
    labels: 30,
    metrics: { n: 30, rmse: 0.8, mae: 0.6, r2: 0.7, spearman: 0.8, nll: 1.2, coverage90: 0.9 },
    calibration: { scale: 1.25, n: 30, coverage90Before: 0.8, coverage90After: 0.9 },
    runtime: {
      rdkit: '2026.09.1',
      ruleSet: RULE_SET_VERSION,
      backend: 'cpu',
      backendVersion: '4.22.0',
      cpu: 'x64',
      memberThreads: 1,
      node: '20.20.0',
    },
    seed: 1,
    ...changes,
  };
}
