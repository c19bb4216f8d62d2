/**
 * What RDKit's periodic table (Code/GraphMol/atomic_data.cpp, release 2026.09.1) says of the elements, by atomic number from 1 to
 * 118, one character each.
 */

/** Outer electrons, base 36. */
const OUTER =
  '121234567812345678123456789ab2345678123456789ab234567812343456789abcdef456789ab234567812343456789abcdef222222222222222';
/** Smallest valence; '-' where there is none. */
const VALENCE = '10123432101234321012----------34321012----------32321012-------------------------2321012';

const digit = (list: string, atomicNumber: number): number => {
  const character = list[atomicNumber - 1] ?? '-';
  return character === '-' ? -1 : parseInt(character, 36);
};

/** Electrons of the outer shell. */
export const outerElectrons = (atomicNumber: number): number => Math.max(0, digit(OUTER, atomicNumber));

/** Default valence, which is the smallest of an element's valences; -1 where it has none (most metals). */
export const defaultValence = (atomicNumber: number): number => digit(VALENCE, atomicNumber);
