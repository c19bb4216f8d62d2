import type { PropertyName } from '../contracts';
import type { ScreenOutcome, ScreenSpec } from './chemistry';
import { withMol } from './molecule';
import { murckoScaffold } from './murcko';
import type { LoadedRdkit } from './rdkit-module';
import { quote } from './structure-text';

/** Bits of the fingerprint of a screened molecule. */
export const SCREEN_FINGERPRINT_BITS = 1024;

/** RDKit's descriptor of each property: average mass in Da, area in Å². Counts of donors and acceptors are RDKit's own, not Lipinski's. */
const DESCRIPTORS: Readonly<Record<Exclude<PropertyName, 'formalCharge'>, string>> = {
  molecularWeight: 'amw',
  logP: 'CrippenClogP',
  tpsa: 'tpsa',
  hBondDonors: 'NumHBD',
  hBondAcceptors: 'NumHBA',
  rotatableBonds: 'NumRotatableBonds',
  rings: 'NumRings',
  aromaticRings: 'NumAromaticRings',
  fractionCsp3: 'FractionCSP3',
  heavyAtoms: 'NumHeavyAtoms',
};

type Query = NonNullable<ReturnType<LoadedRdkit['rdkit']['get_qmol']>>;

/** Patterns of an instance of RDKit, parsed once. They go with the instance. */
const parsed = new WeakMap<LoadedRdkit, Map<string, Query>>();
const KEPT_PATTERNS = 1000;

/** @throws Error where the SMARTS is none: patterns are checked before molecules are screened. */
function queryOf(loaded: LoadedRdkit, smarts: string): Query {
  let queries = parsed.get(loaded);
  if (!queries) parsed.set(loaded, (queries = new Map()));
  const known = queries.get(smarts);
  if (known) return known;
  const query = loaded.rdkit.get_qmol(smarts);
  if (!query) throw new Error(`${quote(smarts)} is no SMARTS: ${loaded.takeLog()}`);
  if (queries.size >= KEPT_PATTERNS) {
    for (const old of queries.values()) old.delete();
    queries.clear();
  }
  queries.set(smarts, query);
  return query;
}

/** Why a text is no SMARTS; null if it is one. */
export function patternProblem(loaded: LoadedRdkit, smarts: string): string | null {
  const query = loaded.rdkit.get_qmol(smarts);
  const log = loaded.takeLog();
  if (!query) return log || 'RDKit gives no reason';
  try {
    return query.get_num_atoms() === 0 ? 'it has no atom' : null;
  } finally {
    query.delete();
  }
}

/** Runs inside a thread. @param smiles a standard SMILES */
export function screenMolecule(loaded: LoadedRdkit, smiles: string, spec: ScreenSpec): ScreenOutcome {
  const found = withMol(loaded, smiles, '{}', (mol) => {
    const needed = spec.properties.some((name) => name !== 'formalCharge');
    const values = needed ? (JSON.parse(mol.get_descriptors()) as Record<string, number | null>) : {};
    const matches = spec.patterns.flatMap((smarts, index) =>
      mol.get_substruct_match(queryOf(loaded, smarts)) === '{}' ? [] : [index],
    );
    const fingerprint = spec.fingerprint
      ? mol.get_morgan_fp_as_uint8array(JSON.stringify({ radius: 2, nBits: SCREEN_FINGERPRINT_BITS }))
      : null;
    return {
      properties: spec.properties.map((name) =>
        name === 'formalCharge' ? chargeOf(smiles) : (values[DESCRIPTORS[name]] ?? null),
      ),
      matches,
      ...(fingerprint && { fingerprint: Buffer.from(fingerprint).toString('base64') }),
    };
  });
  if (!found) return { ok: false, message: loaded.takeLog() || 'RDKit gives no reason' };
  return { ok: true, ...found, ...(spec.scaffold && { scaffold: murckoScaffold(loaded, smiles) }) };
}

/** Sum of the charges that a SMILES writes: `[NH4+]`, `[Fe+2]`, `[O-:1]`. */
function chargeOf(smiles: string): number {
  let sum = 0;
  for (const [, sign, size] of smiles.matchAll(/\[[^\]]*?([+-])(\d*)(?::\d+)?\]/g))
    sum += (sign === '+' ? 1 : -1) * Number(size || 1);
  return sum;
}
