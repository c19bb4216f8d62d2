import type { LoadedRdkit } from './rdkit-module';
import type { IsotopeShift } from './morgan-environments';

const known = new WeakMap<LoadedRdkit, IsotopeShift>();

/** How far isotopes lie from their element's average mass, asked of RDKit itself (once an isotope) as the mass of a lone atom. */
export function isotopeShifts(loaded: LoadedRdkit): IsotopeShift {
  const before = known.get(loaded);
  if (before) return before;
  const shifts = new Map<string, number>();
  const shift: IsotopeShift = (atomicNumber, isotope) => {
    const name = `${isotope}#${atomicNumber}`;
    let value = shifts.get(name);
    if (value === undefined) {
      value = Math.trunc(massOf(loaded, `[${name}]`) - massOf(loaded, `[#${atomicNumber}]`));
      shifts.set(name, value);
    }
    return value;
  };
  known.set(loaded, shift);
  return shift;
}

/** Da */
function massOf({ rdkit }: LoadedRdkit, atom: string): number {
  const mol = rdkit.get_mol(atom);
  if (!mol) throw new Error(`RDKit does not know the atom ${atom}`);
  try {
    return (JSON.parse(mol.get_descriptors()) as { amw: number }).amw;
  } finally {
    mol.delete();
  }
}
