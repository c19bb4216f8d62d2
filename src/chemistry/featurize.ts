import {
  featurizerSchema,
  parseWith,
  TitrateError,
  type FeatureLayout,
  type FeaturizerSpec,
  type SimpleFeaturizer,
} from '../contracts';
import { DESCRIPTOR_NAMES } from './descriptors';

/** MACCS has 167 bits (bit 0 is never set); a 168th, always 0, fills the last byte. */
export const MACCS_COLUMNS = 168;

/** What the rows of a spec look like; a bundle has no columns of its own. */
export interface FeatureShape {
  readonly columns: number;
  readonly layout: FeatureLayout;
}

/** Featurizers that make up a spec side by side: those of a concatenation, or the one it is; of a bundle, all of its parts'. */
export function simplePartsOf(spec: FeaturizerSpec): readonly SimpleFeaturizer[] {
  if (spec.kind === 'bundle') return spec.parts.flatMap(simplePartsOf);
  return spec.kind === 'concatenation' ? spec.parts : [spec];
}

type Nature = 'bits' | 'descriptors' | 'counts' | 'graph';

export function natureOf({ kind }: SimpleFeaturizer): Nature {
  if (kind === 'morgan-counts' || kind === 'atom-pair-counts') return 'counts';
  return kind === 'graph' || kind === 'descriptors' ? kind : 'bits';
}

/** Columns of a part with rows of one length; the others have none. */
export function partColumns(part: SimpleFeaturizer): number {
  if ('bits' in part) return part.bits;
  if (part.kind === 'maccs') return MACCS_COLUMNS;
  return part.kind === 'descriptors' ? DESCRIPTOR_NAMES.length : 0;
}

/**
 * Columns and layout of a spec's features: parts side by side in their order. `counts` or `graph` as soon as there is one among
 * them, the descriptors then in front; else `dense` with descriptors, else `bits`.
 */
export function featureShape(spec: FeaturizerSpec): FeatureShape {
  if (spec.kind === 'bundle') return { columns: 0, layout: 'bundle' };
  const parts = simplePartsOf(spec);
  const natures = parts.map(natureOf);
  return {
    columns: parts.reduce((sum, part) => sum + partColumns(part), 0),
    layout: natures.includes('graph')
      ? 'graph'
      : natures.includes('counts')
        ? 'counts'
        : natures.includes('descriptors')
          ? 'dense'
          : 'bits',
  };
}

/**
 * Fills in defaults and checks what the schema cannot.
 * @throws config-invalid
 */
export function checkFeaturizer(spec: FeaturizerSpec): FeaturizerSpec {
  const checked = parseWith(featurizerSchema, spec, 'featurizer');
  for (const part of simplePartsOf(checked)) {
    if (part.kind === 'rdkit' && part.minPath > part.maxPath) {
      throw new TitrateError('config-invalid', {
        what: `minPath is ${part.minPath} and maxPath ${part.maxPath}; paths need minPath <= maxPath`,
        where: 'featurizer rdkit',
        remedy: 'Swap them',
      });
    }
  }
  return checked;
}
