import { DESCRIPTOR_NAMES } from '../../../src/chemistry';
import type { FeaturizerSpec, Molecule } from '../../../src/contracts';
import type { DriftSample } from '../../../src/drift';
import { rowStride } from '../../../src/foundation';
import { SIMILARITY_FEATURIZER } from '../../../src/learning';
import { featuriseIsolating, type LoadedModel, type MoleculeOutcome } from '../../../src/serving';
import type { DriftPorts } from './ports';

type MoleculeKey = Pick<Molecule, 'moleculeId' | 'smiles'>;

const SPECS: readonly FeaturizerSpec[] = [{ kind: 'descriptors' }, SIMILARITY_FEATURIZER];

function bitsOf(packed: Uint8Array): Uint16Array {
  const bits: number[] = [];
  for (let byte = 0; byte < packed.length; byte++)
    for (let place = 0; place < 8; place++) if ((packed[byte]! >> place) & 1) bits.push(8 * byte + place);
  return Uint16Array.from(bits);
}

/** Descriptors, fingerprints and scaffolds of standard molecules, row for row; a row that RDKit cannot do has none. */
export async function moleculeColumns(
  { chemistry }: Pick<DriftPorts, 'chemistry'>,
  molecules: readonly MoleculeKey[],
): Promise<Pick<DriftSample, 'descriptors' | 'fingerprints' | 'scaffolds'>> {
  const width = DESCRIPTOR_NAMES.length;
  const values = new Float64Array(molecules.length * width).fill(NaN);
  const fingerprints: Uint16Array[] = molecules.map(() => new Uint16Array(0));
  const { runs } = await featuriseIsolating(chemistry, molecules, SPECS);
  for (const { from, rows, matrices } of runs) {
    const [described, packed] = matrices;
    const stride = rowStride(packed!);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) values[(from + row) * width + i] = described!.data[row * width + i]!;
      fingerprints[from + row] = bitsOf(
        packed!.data.subarray(row * stride, (row + 1) * stride) as Uint8Array,
      );
    }
  }
  return {
    descriptors: { names: DESCRIPTOR_NAMES, values },
    fingerprints,
    scaffolds: await chemistry.scaffolds(molecules.map(({ smiles }) => smiles)),
  };
}

export type Said = Extract<MoleculeOutcome, { value: number }>;

/**
 * What a model says of molecules that it was not trained on: NaN for the others, and where it says nothing.
 * @param trained ids of its training molecules
 */
export function saidColumns(
  outcomes: readonly MoleculeOutcome[],
  molecules: readonly MoleculeKey[],
  trained: ReadonlySet<string>,
): Pick<DriftSample, 'similarity' | 'predicted' | 'deviation'> {
  const column = (pick: (outcome: Said) => number | undefined) =>
    Float64Array.from(molecules, ({ moleculeId }, row) => {
      const outcome = outcomes[row];
      if (!outcome || 'error' in outcome || trained.has(moleculeId)) return NaN;
      return pick(outcome) ?? NaN;
    });
  return {
    similarity: column(({ nearest }) => nearest?.similarity),
    predicted: column(({ value }) => value),
    deviation: column(({ standardDeviation }) => standardDeviation),
  };
}

/** A model in memory, with the molecules that it was trained on. */
export interface WatchedModel {
  readonly loaded: LoadedModel;
  readonly trained: ReadonlySet<string>;
}
