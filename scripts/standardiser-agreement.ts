/**
 * `node dist/scripts/standardiser-agreement.js FILE[:COLUMN]... [--limit N]`: how often rule set standard-2 and RDKit's own
 * standardiser (Python, the same release) give the same standard SMILES, and what they differ in. FILE has a SMILES a line in
 * column 1, or COLUMN, parted by white space or commas; .gz is read through. The table of docs/standardisation.md comes from here.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createChemistry } from '../src/chemistry';
import { moleculeCapsSchema, standardisationSchema } from '../src/contracts';
import { packageRoot } from '../src/foundation';
import { recordBenchmark, type BenchFigureInput } from '../src/platform/bench';

const EXAMPLES = 3;
const BATCH = 2000;

/** Two settings of RDKit: its defaults, and the largest organic fragment by heavy atoms, which is the rule of standard-2. */
const JUDGE = String.raw`
import json, sys
from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize as S
RDLogger.DisableLog('rdApp.*')
alike = S.CleanupParameters()
alike.preferOrganic = True
alike.largestFragmentChooserCountHeavyAtomsOnly = True
choosers = dict(defaults=S.LargestFragmentChooser(), alike=S.LargestFragmentChooser(alike))
uncharger = S.Uncharger()

def canonical(text):
    for _ in range(4):
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            return None
        again = Chem.MolToSmiles(mol)
        if again == text:
            return text
        text = again
    return text

def standard(clean, chooser):
    return canonical(Chem.MolToSmiles(uncharger.uncharge(chooser.choose(clean))))

def skeleton(smiles):
    mol = Chem.RWMol(Chem.MolFromSmiles(smiles))
    Chem.Kekulize(mol, clearAromaticFlags=True)
    Chem.RemoveStereochemistry(mol)
    for atom in mol.GetAtoms():
        atom.SetFormalCharge(0); atom.SetNoImplicit(True); atom.SetNumExplicitHs(0); atom.SetNumRadicalElectrons(0)
    for bond in mol.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
    return Chem.MolToSmiles(mol)

def flat(smiles, nitrogen_only):
    mol = Chem.MolFromSmiles(smiles)
    if nitrogen_only:
        for atom in mol.GetAtoms():
            if atom.GetAtomicNum() == 7 and atom.GetFormalCharge() == 0:
                atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    else:
        Chem.RemoveStereochemistry(mol)
    return canonical(Chem.MolToSmiles(mol))

def has(mol, smarts):
    return mol.HasSubstructMatch(Chem.MolFromSmarts(smarts))

def classify(ours, theirs):
    if ours is None:
        return 'refused by both' if theirs is None else 'placeholder atoms or size: refused here'
    mine = Chem.MolFromSmiles(ours)
    if theirs is None:
        return 'cyclopentadienyl anion' if has(mine, '[c-]') else 'RDKit gives nothing readable'
    other = Chem.MolFromSmiles(theirs)
    if skeleton(ours) != skeleton(theirs):
        return 'another fragment'
    if flat(theirs, True) == ours:
        return 'stereo mark on neutral nitrogen'
    if flat(theirs, False) == flat(ours, False):
        return 'another spelling of symmetric stereo' if Chem.MolToInchi(mine) == Chem.MolToInchi(other) else 'stereo'
    if has(mine, '[c-]'):
        return 'cyclopentadienyl anion'
    aromatic = [sum(atom.GetIsAromatic() for atom in mol.GetAtoms()) for mol in (mine, other)]
    if aromatic[1] < aromatic[0]:
        return 'aromatic ring that RDKit hydrogenates'
    if any(a.GetNumRadicalElectrons() for a in other.GetAtoms() if a.GetSymbol() in ('S', 'Se')) and not any(
        a.GetNumRadicalElectrons() for a in mine.GetAtoms()):
        return 'thiocarbonyl ligand drawn with a hydrogen'
    if has(mine, '[#5,#6,#14;+1]') and not has(other, '[#5,#6,#14;+1]') or has(mine, '[BH3-,BH2-,I-]'):
        return 'hydride or proton at boron, carbocation, onium halide'
    if Chem.GetFormalCharge(mine) == Chem.GetFormalCharge(other):
        return 'charge at another atom'
    return 'protons'

result = []
for smiles, ours in json.load(sys.stdin):
    mol, row = Chem.MolFromSmiles(smiles), {}
    for name, chooser in choosers.items():
        theirs = None
        if mol is not None:
            try:
                theirs = standard(S.Cleanup(mol), chooser)
            except Exception:
                pass
        row[name] = [theirs, None if ours is not None and ours == theirs else classify(ours, theirs)]
    result.append(row)
json.dump(result, sys.stdout)
`;

type Judgement = Record<'defaults' | 'alike', [standard: string | null, difference: string | null]>;

function judge(pairs: readonly (readonly [string, string | null])[]): Judgement[] {
  const python = [process.env.TITRATE_TEST_PYTHON, path.join(packageRoot, '.titrate/python/bin/python')].find(
    (file) => file && existsSync(file),
  );
  if (!python) throw new Error('no Python with RDKit: run npm test once, which makes one');
  const run = spawnSync(python, ['-c', JUDGE], {
    input: JSON.stringify(pairs),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Judgement[];
}

function readSmiles(argument: string): { file: string; smiles: string[] } {
  const [, file, column] = /^(.*?)(?::(\d+))?$/.exec(argument)!;
  const bytes = readFileSync(file!);
  const text = (file!.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const smiles = text
    .split('\n')
    .map((line) => line.trim().split(/[\s,]+/)[Number(column ?? 1) - 1] ?? '')
    .filter(Boolean);
  return { file: path.basename(file!), smiles };
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const at = words.indexOf('--limit');
  const limit = at < 0 ? Infinity : Number(words.splice(at, 2)[1]);
  if (words.length === 0 || !(limit > 0)) {
    process.stderr.write('usage: standardiser-agreement FILE[:COLUMN]... [--limit N]\n');
    process.exitCode = 2;
    return;
  }
  const chemistry = createChemistry({ threads: 2 });
  const figures: BenchFigureInput[] = [];
  try {
    for (const { file, smiles } of words.map(readSmiles)) {
      const counts = { total: 0, defaults: 0, alike: 0 };
      const classes = new Map<string, string[]>();
      for (let from = 0; from < Math.min(limit, smiles.length); from += BATCH) {
        const batch = smiles.slice(from, Math.min(from + BATCH, limit));
        const outcomes = await chemistry.standardise(
          batch.map((text) => ({ notation: 'smiles', text })),
          moleculeCapsSchema.parse({}),
          standardisationSchema.parse({ ruleSet: 'standard-2' }),
        );
        const ours = outcomes.map((outcome) => (outcome.ok ? outcome.molecule.smiles : null));
        judge(batch.map((text, index) => [text, ours[index]!] as const)).forEach((row, index) => {
          counts.total++;
          if (row.defaults[1] === null) counts.defaults++;
          const [theirs, difference] = row.alike;
          if (difference === null) counts.alike++;
          else {
            const example = `${batch[index]}\n      standard-2 ${ours[index]}\n      RDKit      ${theirs}`;
            classes.set(difference, [...(classes.get(difference) ?? []), example]);
          }
        });
      }
      figures.push({
        ...{ name: `${file}: equal to RDKit`, value: counts.alike / counts.total, unit: 'share' },
        ...{ better: 'higher', steady: true },
      });
      const percent = (count: number) => `${count} (${((100 * count) / counts.total).toFixed(2)} %)`;
      process.stdout.write(
        `${file}: ${counts.total} structures; equal to RDKit ${percent(counts.alike)}, with RDKit's default fragment rule ${percent(counts.defaults)}\n`,
      );
      for (const [name, examples] of [...classes].sort((a, b) => b[1].length - a[1].length)) {
        process.stdout.write(`  ${examples.length} ${name}\n`);
        for (const example of examples.slice(0, EXAMPLES)) process.stdout.write(`    - ${example}\n`);
      }
    }
    recordBenchmark('standardiser', figures);
  } finally {
    await chemistry.close();
  }
}

void main();
