import type {
  FeatureMatrix,
  FeaturizerSpec,
  Molecule,
  MoleculeCaps,
  PropertyName,
  QuarantineRow,
  Standardisation,
} from '../contracts';
import type { FeatureRow } from './feature-row';

/** A structure as it came: SMILES or one molblock. */
export interface StructureInput {
  readonly notation: 'smiles' | 'molblock';
  readonly text: string;
}

export type StandardiseOutcome =
  | { readonly ok: true; readonly molecule: Molecule; readonly rawSmiles: string }
  | { readonly ok: false; readonly reason: QuarantineRow['reason']; readonly message: string };

/** A standard molecule and its features under several specs; without an InChIKey, which costs more than a fingerprint. */
export type PreparedMolecule =
  | {
      readonly ok: true;
      readonly molecule: Pick<Molecule, 'moleculeId' | 'smiles'>;
      /** One row a spec, in their order: rows that `matrixOfRows` makes a matrix of. */
      readonly rows: readonly FeatureRow[];
    }
  | { readonly ok: false; readonly reason: QuarantineRow['reason']; readonly message: string };

/** What is to be found out about molecules. Only what is asked for is computed: descriptors take most of the time. */
export interface ScreenSpec {
  readonly properties: readonly PropertyName[];
  /** SMARTS. Molecules have no explicit hydrogens. */
  readonly patterns: readonly string[];
  readonly scaffold: boolean;
  /** ECFP4: Morgan of radius 2. */
  readonly fingerprint: boolean;
}

/** What was found of one molecule. */
export type ScreenOutcome =
  | {
      readonly ok: true;
      /** In the order of the spec; null where RDKit has no number. */
      readonly properties: readonly (number | null)[];
      /** Indices of the patterns that match, ascending. */
      readonly matches: readonly number[];
      /** '' without rings, null where it cannot be had; absent unless asked for. */
      readonly scaffold?: string | null;
      /** Packed bits in base64; absent unless asked for. */
      readonly fingerprint?: string;
    }
  | { readonly ok: false; readonly message: string };

/**
 * Chemistry on RDKit's WASM build, in disposable worker threads: a deadline from outside, caps, and a thread is thrown away
 * after any trap, the rest of its work given to a new one. One bad molecule never costs another one its result.
 */
export interface Chemistry {
  /** Outcome i belongs to input i. */
  standardise(
    inputs: readonly StructureInput[],
    caps: MoleculeCaps,
    standardisation: Standardisation,
  ): Promise<StandardiseOutcome[]>;
  /** Bemis-Murcko scaffold of each standard SMILES as canonical SMILES; '' for a molecule without rings, null where it cannot be had. */
  scaffolds(smiles: readonly string[]): Promise<(string | null)[]>;
  /** Features of standard molecules, row i for molecule i. @throws molecule-invalid naming the molecule that cannot be featurised. */
  featurise(
    molecules: readonly Pick<Molecule, 'moleculeId' | 'smiles'>[],
    spec: FeaturizerSpec,
  ): Promise<FeatureMatrix>;
  /**
   * `standardise`, and `featurise` of what comes of it under every spec, in one visit to a thread and from one parsed molecule.
   * Outcome i belongs to input i.
   */
  prepare(
    inputs: readonly StructureInput[],
    caps: MoleculeCaps,
    standardisation: Standardisation,
    specs: readonly FeaturizerSpec[],
  ): Promise<PreparedMolecule[]>;
  /** SVG drawings; null where a molecule cannot be drawn. */
  depict(smiles: readonly string[], size?: { width: number; height: number }): Promise<(string | null)[]>;
  /** What is asked for of each standard SMILES; one that brings RDKit down is an outcome too. Patterns must have passed `patternProblems`. */
  screen(smiles: readonly string[], spec: ScreenSpec): Promise<ScreenOutcome[]>;
  /** What is wrong with each SMARTS; null where nothing is. */
  patternProblems(smarts: readonly string[]): Promise<(string | null)[]>;
  /** RDKit's version, e.g. '2026.09.1'. */
  version(): Promise<string>;
  close(): Promise<void>;
}
