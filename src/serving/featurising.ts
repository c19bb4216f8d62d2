import { TitrateError, type FeatureMatrix, type FeaturizerSpec, type Molecule } from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';

type MoleculeKey = Pick<Molecule, 'moleculeId' | 'smiles'>;

/** A stretch of molecules that could be featurised: `from` up to `from + matrices[0].rows` of the input. */
export interface FeaturisedRun {
  readonly from: number;
  readonly rows: number;
  /** One matrix a spec, in the order of the specs. */
  readonly matrices: readonly FeatureMatrix[];
}

export interface Featurised {
  readonly runs: readonly FeaturisedRun[];
  /** Molecules left out, by position, and why. */
  readonly failures: ReadonlyMap<number, TitrateError>;
}

/**
 * Features under several specs, where a molecule that cannot be featurised costs nobody else anything: a batch that fails for
 * a molecule is halved until the culprit stands alone.
 * @throws TitrateError anything other than molecule-invalid, which is not about one molecule.
 */
export async function featuriseIsolating(
  chemistry: Chemistry,
  molecules: readonly MoleculeKey[],
  specs: readonly FeaturizerSpec[],
): Promise<Featurised> {
  const runs: FeaturisedRun[] = [];
  const failures = new Map<number, TitrateError>();
  const work = async (from: number, to: number): Promise<void> => {
    if (from === to) return;
    const part = molecules.slice(from, to);
    try {
      const matrices = await Promise.all(specs.map((spec) => chemistry.featurise(part, spec)));
      runs.push({ from, rows: part.length, matrices });
    } catch (error) {
      if (!(error instanceof TitrateError) || error.code !== 'molecule-invalid') throw error;
      if (part.length === 1) {
        failures.set(from, error);
        return;
      }
      const middle = from + Math.ceil(part.length / 2);
      await work(from, middle);
      await work(middle, to);
    }
  };
  await work(0, molecules.length);
  return { runs, failures };
}
