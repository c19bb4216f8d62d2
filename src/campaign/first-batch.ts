import type { CampaignConfig, FeaturizerSpec } from '../contracts';

const isGraph = (spec: FeaturizerSpec): boolean =>
  spec.kind === 'graph' || (spec.kind === 'concatenation' && spec.parts.some(isGraph));

/** Counts and descriptors: what molecules are told apart by where the models read graphs alone. */
const INSTEAD_OF_GRAPHS: FeaturizerSpec = {
  kind: 'concatenation',
  parts: [{ kind: 'morgan-counts', radius: 3 }, { kind: 'atom-pair-counts' }, { kind: 'descriptors' }],
};

/**
 * Features that a batch is designed on while there is no model: the campaign's first that hold vectors, which the models will
 * read too, so that nothing is computed twice.
 */
export function designFeaturizer({ featurizers }: Pick<CampaignConfig, 'featurizers'>): FeaturizerSpec {
  const readable = featurizers.find((spec) =>
    spec.kind === 'bundle' ? spec.parts.some((part) => !isGraph(part)) : !isGraph(spec),
  );
  return readable ?? INSTEAD_OF_GRAPHS;
}
