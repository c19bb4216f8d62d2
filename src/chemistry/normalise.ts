import type { LoadedRdkit, Rdkit, RdkitMol } from './rdkit-module';
import { neighboursOf, parseSmilesTree } from './smiles-tree';
import { NITRO } from './structure-text';

type Reaction = NonNullable<ReturnType<Rdkit['get_rxn']>>;

interface Transform {
  readonly name: string;
  /** Reaction SMARTS. */
  readonly smarts: string;
  /** Says from the canonical SMILES alone that the reaction cannot match; true costs time and nothing else. */
  readonly mayMatch: (smiles: string) => boolean;
}

const CATION = /\+\d?\]/;
const ANION = /-\d?\]/;
/** Anions beside their cation (N-oxide, azide, diazo, isocyanide) begin no chain between separated charges. */
const PAIRED_ANION =
  /\[O-\](?=\[[nN]\+\])|(?<=\[[nN]\+\](?:\d|%\d\d)*)\(\[O-\]\)|(?<=\[[nN]\+\])\[O-\]|=\[N-\]|\[N-\](?==)|\[C-\]#|#\[C-\]/g;
const separated = (smiles: string) => CATION.test(smiles) && ANION.test(smiles.replace(PAIRED_ANION, ''));
/** The common ways in which a canonical SMILES writes a sulfone; only what else has S and =O is worth a closer look. */
const SULFONE = /S(?:\d|%\d\d)*\(=O\)\(=O\)|O=S(?:\d|%\d\d)*\(=O\)/g;
const NO_SULFONE = /(?=.*S(?![a-z]))(?=.*(?:=O|O=))/;
/** N+ or O+ without hydrogens: the far end of a conjugated cation. */
const BARE_CATION = /\[\d*[NO]@*\+\]/;

/**
 * RDKit's normalisation transforms (Code/GraphMol/MolStandardize/TransformCatalog/normalizations.in, release 2026.09.1), in its
 * order. What RDKit's parser mends itself (nitro, N-oxide, azide and diazo drawn with five bonds at N) never gets here.
 */
export const TRANSFORMS: readonly Transform[] = [
  {
    name: 'Nitro to N+(O-)=O',
    smarts: '[N,P,As,Sb;X3:1](=[O,S,Se,Te:2])=[O,S,Se,Te:3]>>[*+1:1]([*-1:2])=[*:3]',
    mayMatch: (smiles) =>
      /P|As|Sb/.test(smiles) && hasOxidised(smiles, /^\[?\d*(P|As|Sb)(?![a-z])/, /^\[?\d*(O|S|Se|Te)/, 2),
  },
  {
    name: 'Sulfone to S(=O)(=O)',
    smarts: '[S+2:1]([O-:2])([O-:3])>>[S+0:1](=[O-0:2])(=[O-0:3])',
    mayMatch: (smiles) => /S[^\]]*\+2\]/.test(smiles),
  },
  {
    name: 'Pyridine oxide to n+O-',
    smarts: '[nH0+0:1]=[OH0+0:2]>>[n+:1][O-:2]',
    mayMatch: (smiles) => /n(\d|%\d\d)*\(?=O|O=n/.test(smiles),
  },
  {
    name: 'Azide to N=N+=N-',
    smarts: '[*:1][N:2]=[N:3]#[N:4]>>[*:1][N:2]=[N+:3]=[N-:4]',
    mayMatch: (smiles) => /N#N/.test(smiles),
  },
  {
    name: 'Diazo/azo to =N+=N-',
    smarts: '[*:1]=[N:2]#[N:3]>>[*:1]=[N+:2]=[N-:3]',
    mayMatch: (smiles) => /N#N/.test(smiles),
  },
  {
    name: 'Sulfoxide to -S+(O-)-',
    smarts: '[!O:1][S+0;X3:2](=[O:3])[!O:4]>>[*:1][S+1:2]([O-:3])[*:4]',
    mayMatch: (smiles) =>
      NO_SULFONE.test(smiles.replace(SULFONE, '')) && hasOxidised(smiles, /^(S|\[\d*S@*\])$/, /^\[?\d*O/, 1),
  },
  {
    name: 'Phosphate to P(O-)=O',
    smarts: '[O,S,Se,Te;-1:1][P+;D4:2][O,S,Se,Te;-1:3]>>[*+0:1]=[P+0;D5:2][*-1:3]',
    mayMatch: (smiles) => /P[^\]]*\+\]/.test(smiles),
  },
  {
    name: 'C/S+N to C/S=N+',
    smarts: '[C,S&!$([S+]-[O-]);X3+1:1]([NX3:2])[NX3!H0:3]>>[*+0:1]([N:2])=[N+:3]',
    mayMatch: (smiles) => /\[\d*[CS][^\]a-z]*\+\]/.test(smiles),
  },
  {
    name: 'P+N to P=N+',
    smarts: '[P;X4+1:1]([NX3:2])[NX3!H0:3]>>[*+0:1]([N:2])=[N+:3]',
    mayMatch: (smiles) => /P[^\]]*\+\]/.test(smiles),
  },
  {
    name: 'Normalize hydrazine-diazonium',
    smarts: '[CX4:1][NX3H:2]-[NX3H:3][CX4:4][NX2+:5]#[NX1:6]>>[CX4:1][NH0:2]=[NH+:3][C:4][N+0:5]=[NH:6]',
    mayMatch: (smiles) => /N\+\]#N|N#\[\d*N\+/.test(smiles),
  },
  {
    name: 'Recombine 1,3-separated charges',
    smarts: '[N,P,As,Sb,O,S,Se,Te;-1:1]-[A+0:2]=[N,P,As,Sb,O,S,Se,Te;+1:3]>>[*-0:1]=[*:2]-[*+0:3]',
    mayMatch: separated,
  },
  {
    name: 'Recombine 1,3-separated charges, anion in the ring',
    smarts: '[n,o,p,s;-1:1]:[a:2]=[N,O,P,S;+1:3]>>[*-0:1]:[*:2]-[*+0:3]',
    mayMatch: separated,
  },
  {
    name: 'Recombine 1,3-separated charges, cation in the ring',
    smarts: '[N,O,P,S;-1:1]-[a+0:2]:[n,o,p,s;+1:3]>>[*-0:1]=[*:2]:[*+0:3]',
    mayMatch: separated,
  },
  {
    name: 'Recombine 1,5-separated charges',
    smarts:
      '[N,P,As,Sb,O,S,Se,Te;-1:1]-[A+0:2]=[A:3]-[A:4]=[N,P,As,Sb,O,S,Se,Te;+1:5]>>[*-0:1]=[*:2]-[*:3]=[*:4]-[*+0:5]',
    mayMatch: separated,
  },
  {
    name: 'Recombine 1,5-separated charges, anion in the ring',
    smarts: '[n,o,p,s;-1:1]:[a:2]:[a:3]:[c:4]=[N,O,P,S;+1:5]>>[*-0:1]:[*:2]:[*:3]:[c:4]-[*+0:5]',
    mayMatch: separated,
  },
  {
    name: 'Recombine 1,5-separated charges, cation in the ring',
    smarts: '[N,O,P,S;-1:1]-[c:2]:[a:3]:[a:4]:[n,o,p,s;+1:5]>>[*-0:1]=[c:2]:[*:3]:[*:4]:[*+0:5]',
    mayMatch: separated,
  },
  {
    name: 'Normalize 1,3 conjugated cation',
    smarts: '[N,O!$(*N);+0!H0:1]-[A:2]=[N!$(*~[N,O,P,S;-1]),O;+1H0:3]>>[*+1:1]=[*:2]-[*+0:3]',
    mayMatch: (smiles) => BARE_CATION.test(smiles),
  },
  {
    name: 'Normalize 1,3 conjugated cation, ring',
    smarts: '[n;+0!H0:1]:[c:2]=[N!$(*~[N,O,P,S;-1]),O;+1H0:3]>>[*+1:1]:[*:2]-[*+0:3]',
    mayMatch: (smiles) => BARE_CATION.test(smiles),
  },
  {
    name: 'Normalize 1,5 conjugated cation',
    smarts:
      '[N,O!$(*N);+0!H0:1]-[A:2]=[A:3]-[A:4]=[N!$(*~[N,O,P,S;-1]),O;+1H0:5]>>[*+1:1]=[*:2]-[*:3]=[*:4]-[*+0:5]',
    mayMatch: (smiles) => BARE_CATION.test(smiles),
  },
  {
    name: 'Normalize 1,5 conjugated cation, ring',
    smarts: '[n;+0!H0:1]:[a:2]:[a:3]:[c:4]=[N!$(*~[N,O,P,S;-1]),O;+1H0:5]>>[n+1:1]:[*:2]:[*:3]:[*:4]-[*+0:5]',
    mayMatch: (smiles) => BARE_CATION.test(smiles),
  },
  {
    name: 'Charge normalization',
    smarts: '[F,Cl,Br,I,At;-1:1]=[O:2]>>[*-0:1][O-:2]',
    mayMatch: (smiles) => /\[\d*(F|Cl|Br|I|At)H?-\]/.test(smiles) && /=/.test(smiles),
  },
  {
    name: 'Charge recombination',
    smarts: '[N,P,As,Sb;-1:1]=[C+;v3:2]>>[*+0:1]#[C+0:2]',
    mayMatch: (smiles) => /\[\d*CH?\+\]/.test(smiles),
  },
];

/** Whether a centre with three neighbours has this many double bonds to oxygens (or their like). */
function hasOxidised(smiles: string, centre: RegExp, oxygen: RegExp, doubleBonds: number): boolean {
  const tree = parseSmilesTree(smiles);
  return tree.atoms.some(({ text }, index) => {
    if (!centre.test(text)) return false;
    const neighbours = neighboursOf(tree, index);
    const double = neighbours.filter(({ atom, bond }) => bond === '=' && oxygen.test(tree.atoms[atom]!.text));
    return neighbours.length === 3 && double.length >= doubleBonds;
  });
}

/** As RDKit's Normalizer: a transform is repeated this often at most, and the list begun anew this often at most. */
const MAX_REPEATS = 20;
const MAX_RESTARTS = 200;
const MAX_PRODUCTS = 1000;

/** Nitro groups are charges too; they are common and no transform changes them. */
const withoutNitro = (smiles: string) => (smiles.includes('[N+]') ? smiles.replace(NITRO, '') : smiles);

/**
 * Writes functional groups one way, by RDKit's transforms and its Normalizer's scheme: each in turn, repeated while it changes
 * something, and after a change the list begins anew. Of several products the SMILES that comes first is taken.
 * @param smiles canonical SMILES of one fragment
 * @returns canonical SMILES, or null when no transform applies
 */
export function normalise(loaded: LoadedRdkit, smiles: string): string | null {
  const seen = new Set<string>();
  let current = smiles;
  for (let restart = 0; restart < MAX_RESTARTS; restart++) {
    const next = firstChange(loaded, current, seen);
    if (next === null) break;
    seen.add(next);
    current = next;
  }
  return current === smiles ? null : current;
}

function firstChange(loaded: LoadedRdkit, smiles: string, seen: ReadonlySet<string>): string | null {
  const text = withoutNitro(smiles);
  const likely = TRANSFORMS.flatMap(({ mayMatch }, index) => (mayMatch(text) ? [index] : []));
  if (likely.length === 0) return null;
  return use(loaded.rdkit.get_mol(smiles, '{}'), (mol) => {
    for (const index of likely) {
      const product = repeat(loaded, reaction(loaded.rdkit, index), mol);
      if (product !== null && !seen.has(product)) return product;
    }
    return null;
  });
}

function repeat(loaded: LoadedRdkit, transform: Reaction, mol: RdkitMol): string | null {
  let current: string | null = null;
  for (let i = 0; i < MAX_REPEATS; i++) {
    const reached: string[] | null =
      current === null
        ? products(loaded, transform, mol)
        : use(loaded.rdkit.get_mol(current, '{}'), (next) => products(loaded, transform, next));
    const first: string | undefined = reached?.sort()[0];
    if (first === undefined) break;
    current = first;
  }
  return current;
}

/** Reactions live as long as the thread's RDKit. */
const compiled = new WeakMap<Rdkit, Map<number, Reaction>>();

function reaction(rdkit: Rdkit, index: number): Reaction {
  const known = compiled.get(rdkit) ?? new Map<number, Reaction>();
  compiled.set(rdkit, known);
  const cached = known.get(index);
  if (cached) return cached;
  const { name, smarts } = TRANSFORMS[index]!;
  const made = rdkit.get_rxn(smarts, '{"useSmiles":false}');
  if (!made) throw new Error(`RDKit does not accept the transform '${name}'`);
  known.set(index, made);
  return made;
}

/** Canonical SMILES of what the reaction makes of a molecule; products that RDKit refuses are none. */
function products({ rdkit, takeLog }: LoadedRdkit, transform: Reaction, mol: RdkitMol): string[] {
  const reactants = new rdkit.MolList();
  reactants.append(mol);
  const texts = new Set<string>();
  try {
    const sets = transform.run_reactants(reactants, MAX_PRODUCTS);
    for (let i = 0; i < sets.size(); i++) {
      const set = sets.get(i)!;
      set.reset();
      use(set.next(), (product) => texts.add(product.get_smiles()));
      set.delete();
    }
    sets.delete();
  } finally {
    reactants.delete();
  }
  const canonical = [...texts].flatMap(
    (text) => use(rdkit.get_mol(text, '{}'), (m) => [m.get_smiles()]) ?? [],
  );
  takeLog();
  return [...new Set(canonical)];
}

function use<T>(mol: RdkitMol | null, read: (mol: RdkitMol) => T): T | null {
  if (!mol) return null;
  try {
    return read(mol);
  } finally {
    mol.delete();
  }
}
