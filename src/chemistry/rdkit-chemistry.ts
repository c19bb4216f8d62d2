import {
  TitrateError,
  type FeatureMatrix,
  type FeaturizerSpec,
  type Molecule,
  type MoleculeCaps,
  type Standardisation,
} from '../contracts';
import { compiledEntry } from '../foundation';
import type {
  Chemistry,
  PreparedMolecule,
  ScreenOutcome,
  ScreenSpec,
  StandardiseOutcome,
  StructureInput,
} from './chemistry';
import { checkDepictSize, DEFAULT_DEPICT_SIZE, type DepictSize } from './depict';
import { matrixOfRows } from './feature-matrix';
import type { FeatureRow } from './feature-row';
import { checkFeaturizer } from './featurize';
import { RdkitPool, type PoolItem, type PoolResult } from './rdkit-pool';
import type { FeatureOutcome, RdkitTask, RdkitValue } from './rdkit-tasks';
import { NO_CAPS, quote, screenStructure, type Rejection } from './structure-text';

export interface ChemistryOptions {
  /** RDKit threads at most, each about 60 MB; they start when there is work. */
  readonly threads: number;
  /**
   * Longest time on one molecule, ms, by the clock and by this process's CPU time, so that a busy machine changes no outcome.
   * A molecule is given up after two such times. Default 5000.
   */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 5000;

/**
 * Molecules of more heavy atoms than this get a thread of their own that is then thrown away. RDKit's stack in WASM overflows
 * somewhere above 500 atoms, at times without a trap, and what it overwrites belongs to the next molecule.
 */
const ISOLATE_ABOVE_HEAVY_ATOMS = 300;

/**
 * Chemistry on a pool of disposable RDKit threads.
 * @throws usage when the options are no sizes
 */
export function createChemistry({ threads, deadlineMs = DEADLINE_MS }: ChemistryOptions): Chemistry {
  if (!Number.isInteger(threads) || threads < 1 || !(deadlineMs > 0)) {
    throw new TitrateError('usage', {
      what: `threads ${threads} and deadlineMs ${deadlineMs}`,
      where: 'createChemistry',
      remedy: 'Give a whole number of threads from 1 and a deadline above 0 ms',
    });
  }
  const entry = compiledEntry('src/chemistry/rdkit-thread');
  return new RdkitChemistry(new RdkitPool({ entry, threads, deadlineMs }));
}

class RdkitChemistry implements Chemistry {
  constructor(private readonly pool: RdkitPool<RdkitTask, StructureInput, RdkitValue>) {}

  standardise(
    inputs: readonly StructureInput[],
    caps: MoleculeCaps,
    standardisation: Standardisation,
  ): Promise<StandardiseOutcome[]> {
    return this.ofStructures<StandardiseOutcome>(
      { kind: 'standardise', caps, standardisation },
      inputs,
      caps,
    );
  }

  prepare(
    inputs: readonly StructureInput[],
    caps: MoleculeCaps,
    standardisation: Standardisation,
    specs: readonly FeaturizerSpec[],
  ): Promise<PreparedMolecule[]> {
    const task: RdkitTask = { kind: 'prepare', caps, standardisation, specs: specs.map(checkFeaturizer) };
    return this.ofStructures<PreparedMolecule>(task, inputs, caps);
  }

  /** Structures as they come: screened before a thread sees them, and what brings RDKit down is an outcome. */
  private async ofStructures<O>(
    task: RdkitTask,
    inputs: readonly StructureInput[],
    caps: MoleculeCaps,
  ): Promise<(O | Rejection)[]> {
    const outcomes = inputs.map((input) => {
      const screened = screenStructure(input, caps);
      return screened.ok ? { input, heavyAtoms: screened.heavyAtoms } : screened;
    });
    const sound = outcomes.flatMap((outcome) =>
      'input' in outcome ? [item(outcome.input, outcome.heavyAtoms)] : [],
    );
    const results = (await this.pool.run(task, sound)) as PoolResult<O>[];
    let at = 0;
    return outcomes.map((outcome): O | Rejection => {
      if (!('input' in outcome)) return outcome;
      const result = results[at++]!;
      if (result.ok) return result.value;
      const message = `RDKit came down on ${quote(outcome.input.text)}: ${result.reason}`;
      return { ok: false, reason: 'molecule-crashed', message };
    });
  }

  async featurise(
    molecules: readonly Pick<Molecule, 'moleculeId' | 'smiles'>[],
    spec: FeaturizerSpec,
  ): Promise<FeatureMatrix> {
    const checked = checkFeaturizer(spec);
    const items = molecules.map(({ moleculeId, smiles }) => {
      const input: StructureInput = { notation: 'smiles', text: smiles };
      const screened = screenStructure(input, NO_CAPS);
      if (!screened.ok) throw notFeaturisable(moleculeId, smiles, screened.message);
      return item(input, screened.heavyAtoms);
    });
    const results = (await this.pool.run(
      { kind: 'featurise', spec: checked },
      items,
    )) as PoolResult<FeatureOutcome>[];
    const rows = results.map((result, index): FeatureRow => {
      const { moleculeId, smiles } = molecules[index]!;
      if (!result.ok) throw notFeaturisable(moleculeId, smiles, `RDKit came down on it: ${result.reason}`);
      if (!result.value.ok) throw notFeaturisable(moleculeId, smiles, result.value.message);
      return result.value.row;
    });
    return matrixOfRows(
      checked,
      molecules.map(({ moleculeId }) => moleculeId),
      rows,
    );
  }

  async depict(
    smiles: readonly string[],
    size: DepictSize = DEFAULT_DEPICT_SIZE,
  ): Promise<(string | null)[]> {
    const { width, height } = checkDepictSize(size);
    return this.textOfEach({ kind: 'depict', width, height }, smiles);
  }

  scaffolds(smiles: readonly string[]): Promise<(string | null)[]> {
    return this.textOfEach({ kind: 'scaffold' }, smiles);
  }

  /** For what gives a text of a molecule; null where RDKit cannot have it or comes down on it. */
  private async textOfEach(
    task: Extract<RdkitTask, { kind: 'depict' | 'scaffold' }>,
    smiles: readonly string[],
  ): Promise<(string | null)[]> {
    const usable = smiles.map((text) => {
      const screened = screenStructure({ notation: 'smiles', text }, NO_CAPS);
      return screened.ok ? item({ notation: 'smiles', text: screened.text }, screened.heavyAtoms) : null;
    });
    const items = usable.filter((entry) => entry !== null);
    const results = (await this.pool.run(task, items)) as PoolResult<string | null>[];
    let at = 0;
    return usable.map((entry) => {
      const result = entry && results[at++]!;
      return result?.ok ? result.value : null;
    });
  }

  async screen(smiles: readonly string[], spec: ScreenSpec): Promise<ScreenOutcome[]> {
    const screened = smiles.map((text) => screenStructure({ notation: 'smiles', text }, NO_CAPS));
    const items = screened.flatMap((each, i) =>
      each.ok ? [item({ notation: 'smiles', text: smiles[i]! }, each.heavyAtoms)] : [],
    );
    const results = (await this.pool.run({ kind: 'screen', spec }, items)) as PoolResult<ScreenOutcome>[];
    let at = 0;
    return screened.map((each): ScreenOutcome => {
      if (!each.ok) return { ok: false, message: each.message };
      const result = results[at++]!;
      return result.ok ? result.value : { ok: false, message: `RDKit came down on it: ${result.reason}` };
    });
  }

  async patternProblems(smarts: readonly string[]): Promise<(string | null)[]> {
    const items = smarts.map((text) => item({ notation: 'smiles', text }, 0));
    const results = (await this.pool.run({ kind: 'pattern' }, items)) as PoolResult<string | null>[];
    return results.map((result) => (result.ok ? result.value : `RDKit came down on it: ${result.reason}`));
  }

  version(): Promise<string> {
    return this.pool.version();
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

const item = (payload: StructureInput, heavyAtoms: number): PoolItem<StructureInput> => ({
  payload,
  isolated: heavyAtoms > ISOLATE_ABOVE_HEAVY_ATOMS,
});

const notFeaturisable = (moleculeId: string, smiles: string, reason: string) =>
  new TitrateError('molecule-invalid', {
    what: `${quote(smiles)} cannot be featurised: ${reason}`,
    where: moleculeId,
    remedy: 'Leave this molecule out, or set lower pool.caps so that it is refused when it is read',
  });
