/** A set whose values are known, with all that a campaign and the drift detectors ask of its molecules, worked out once. */
import { createChemistry, DESCRIPTOR_NAMES } from '../../../../src/chemistry';
import {
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
  type FeaturizerSpec,
} from '../../../../src/contracts';
import { emptySample, type DriftSample } from '../../../../src/drift';
import { concatFeatureRows, createRandom } from '../../../../src/foundation';
import { featurizersFor, SIMILARITY_FEATURIZER } from '../../../../src/learning';
import { readDataSet } from '../../acquisition/scenarios';

export interface Library {
  readonly name: string;
  readonly moleculeIds: readonly string[];
  readonly smiles: readonly string[];
  readonly scaffolds: readonly (string | null)[];
  readonly values: Float64Array;
  /** What models may be trained on, the first by default: one matrix a featurizer, row i for molecule i. */
  readonly features: readonly FeatureMatrix[];
  /** Packed ECFP4, for similarity. */
  readonly fingerprints: FeatureMatrix;
  /** Positions of its set bits. */
  readonly bits: readonly Uint16Array[];
  readonly descriptors: Float32Array;
}

const CHUNK = 512;
const SEED = 9;
const WIDTH = DESCRIPTOR_NAMES.length;

function bitsOf(packed: Uint8Array): Uint16Array {
  const bits: number[] = [];
  for (let bit = 0; bit < packed.length * 8; bit++) if ((packed[bit >> 3]! >> (bit & 7)) & 1) bits.push(bit);
  return Uint16Array.from(bits);
}

/** Molecules of the rows with a value, each once: of rows of one molecule the first. */
export async function libraryOf(
  name: string,
  rows: readonly { readonly smiles: string; readonly value: number | null }[],
): Promise<Library> {
  const chemistry = createChemistry({ threads: 2 });
  const models = featurizersFor({ families: 'gaussian-process', task: 'regression', labels: rows.length });
  const specs: readonly FeaturizerSpec[] = [...models, SIMILARITY_FEATURIZER, { kind: 'descriptors' }];
  const parts: FeatureMatrix[][] = specs.map(() => []);
  const kept: { moleculeId: string; smiles: string; value: number; scaffold: string | null }[] = [];
  const seen = new Set<string>();
  const usable = rows.filter(({ value }) => value !== null);
  try {
    for (let at = 0; at < usable.length; at += CHUNK) {
      const part = usable.slice(at, at + CHUNK);
      const outcomes = await chemistry.standardise(
        part.map(({ smiles }) => ({ notation: 'smiles' as const, text: smiles })),
        moleculeCapsSchema.parse({}),
        standardisationSchema.parse({}),
      );
      const own = outcomes.flatMap((outcome, i) => {
        if (!outcome.ok || seen.has(outcome.molecule.moleculeId)) return [];
        seen.add(outcome.molecule.moleculeId);
        return [{ ...outcome.molecule, value: part[i]!.value! }];
      });
      const scaffolds = await chemistry.scaffolds(own.map(({ smiles }) => smiles));
      for (const [i, spec] of specs.entries()) parts[i]!.push(await chemistry.featurise(own, spec));
      own.forEach(({ moleculeId, smiles, value }, i) =>
        kept.push({ moleculeId, smiles, value, scaffold: scaffolds[i]! }),
      );
    }
  } finally {
    await chemistry.close();
  }
  const matrices = parts.map((each) => concatFeatureRows(each));
  const fingerprints = matrices.at(-2)!;
  const packed = fingerprints.data as Uint8Array;
  const bytes = fingerprints.columns / 8;
  return {
    name,
    moleculeIds: kept.map(({ moleculeId }) => moleculeId),
    smiles: kept.map(({ smiles }) => smiles),
    scaffolds: kept.map(({ scaffold }) => scaffold),
    values: Float64Array.from(kept, ({ value }) => value),
    features: matrices.slice(0, models.length),
    fingerprints,
    bits: kept.map((_, row) => bitsOf(packed.subarray(row * bytes, (row + 1) * bytes))),
    descriptors: matrices.at(-1)!.data as Float32Array,
  };
}

/** @param folder the files that scripts/peers/acquisition/scenarios.ts names @param most molecules with a value, drawn by chance */
export function loadLibrary(folder: string, name: string, most = Infinity): Promise<Library> {
  const rows = readDataSet(folder, name).filter(({ value }) => value !== null);
  return libraryOf(name, createRandom(SEED).shuffle(rows).slice(0, most));
}

export function descriptorOf(library: Library, name: string, row: number): number {
  const column = (DESCRIPTOR_NAMES as readonly string[]).indexOf(name);
  if (column < 0) throw new Error(`RDKit has no descriptor '${name}'`);
  return library.descriptors[row * WIDTH + column]!;
}

/** What is known of rows without a model. */
export function sampleOfRows(library: Library, rows: readonly number[]): DriftSample {
  const values = new Float32Array(rows.length * WIDTH);
  rows.forEach((row, i) =>
    values.set(library.descriptors.subarray(row * WIDTH, (row + 1) * WIDTH), i * WIDTH),
  );
  return {
    ...emptySample,
    rows: rows.length,
    smiles: rows.map((row) => library.smiles[row]!),
    descriptors: { names: DESCRIPTOR_NAMES, values },
    fingerprints: rows.map((row) => library.bits[row]!),
    scaffolds: rows.map((row) => library.scaffolds[row]!),
  };
}
