import type { FeaturizerSpec, MoleculeCaps, Standardisation } from '../contracts';
import type {
  PreparedMolecule,
  ScreenOutcome,
  ScreenSpec,
  StandardiseOutcome,
  StructureInput,
} from './chemistry';
import { drawSvg, type DepictSize } from './depict';
import { featureRow, type FeatureRow } from './feature-row';
import { isotopeShifts } from './isotopes';
import type { LoadedRdkit } from './rdkit-module';
import { murckoScaffold } from './murcko';
import { withMol } from './molecule';
import { patternProblem, screenMolecule } from './screening';
import { standardiseReading, standardiseStructure } from './standardise';

/** What a chemistry thread can be asked to do with each structure of a chunk. */
export type RdkitTask =
  | { readonly kind: 'standardise'; readonly caps: MoleculeCaps; readonly standardisation: Standardisation }
  | {
      readonly kind: 'prepare';
      readonly caps: MoleculeCaps;
      readonly standardisation: Standardisation;
      readonly specs: readonly FeaturizerSpec[];
    }
  | { readonly kind: 'featurise'; readonly spec: FeaturizerSpec }
  | { readonly kind: 'scaffold' }
  | { readonly kind: 'screen'; readonly spec: ScreenSpec }
  /** Of texts that may be SMARTS. */
  | { readonly kind: 'pattern' }
  | ({ readonly kind: 'depict' } & DepictSize);

export type FeatureOutcome =
  { readonly ok: true; readonly row: FeatureRow } | { readonly ok: false; readonly message: string };

/** `standardise` gives a StandardiseOutcome, `prepare` a PreparedMolecule, `featurise` a FeatureOutcome, `scaffold` a SMILES or null, `depict` an SVG or null,
 * `screen` a ScreenOutcome, `pattern` what is wrong or null. */
export type RdkitValue =
  StandardiseOutcome | PreparedMolecule | FeatureOutcome | ScreenOutcome | string | null;

/** Runs inside a thread. Whatever it throws, the instance of RDKit is no longer to be trusted. */
export function runTask(loaded: LoadedRdkit, task: RdkitTask, input: StructureInput): RdkitValue {
  switch (task.kind) {
    case 'standardise':
      return standardiseStructure(loaded, input, task.caps, task.standardisation);
    case 'prepare': {
      const { caps, standardisation, specs } = task;
      const outcome = standardiseReading(loaded, input, caps, standardisation, (mol) =>
        specs.map((spec) => featureRow(mol, spec, isotopeShifts(loaded))),
      );
      return outcome.ok ? { ok: true, molecule: outcome.molecule, rows: outcome.value } : outcome;
    }
    case 'featurise': {
      const row = withMol(loaded, input.text, '{}', (mol) =>
        featureRow(mol, task.spec, isotopeShifts(loaded)),
      );
      return row ? { ok: true, row } : { ok: false, message: loaded.takeLog() || 'RDKit gives no reason' };
    }
    case 'scaffold':
      return murckoScaffold(loaded, input.text);
    case 'screen':
      return screenMolecule(loaded, input.text, task.spec);
    case 'pattern':
      return patternProblem(loaded, input.text);
    case 'depict': {
      const svg = withMol(loaded, input.text, '{}', (mol) => drawSvg(mol, task));
      loaded.takeLog();
      return svg;
    }
  }
}
