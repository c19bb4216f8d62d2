import type { DatasetRow } from '../../contracts';
import type { Chemistry } from '../../chemistry';
import { createRandom, deriveSeed } from '../../foundation';

/** Molecules whose scaffolds are sought at one time. */
const SCAFFOLD_BATCH = 1024;

/** Rows of a version, which lie sorted by moleculeId, molecule by molecule. */
export async function* moleculesOf(
  batches: AsyncIterable<readonly DatasetRow[]>,
): AsyncGenerator<DatasetRow[]> {
  let current: DatasetRow[] = [];
  for await (const batch of batches) {
    for (const row of batch) {
      if (current.length && current[0]!.moleculeId !== row.moleculeId) {
        yield current;
        current = [];
      }
      current.push(row);
    }
  }
  if (current.length) yield current;
}

/** Heavy atoms of a standard SMILES: every atom but hydrogen, also [2H]. */
export function heavyAtomsOf(smiles: string): number {
  let atoms = 0;
  for (const [atom] of smiles.matchAll(/\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]/g))
    if (!/^\[\d*H[+-]?\]$/.test(atom)) atoms++;
  return atoms;
}

/** First block of an InChIKey: atoms and bonds without stereochemistry, isotopes and protons. */
export const skeletonOf = (inchiKey: string): string => inchiKey.split('-')[0]!;

/** Numbers for names, in the order they come up. */
export function createNumbering() {
  const numbers = new Map<string, number>();
  return {
    numberOf(name: string): number {
      let number = numbers.get(name);
      if (number === undefined) numbers.set(name, (number = numbers.size));
      return number;
    },
    names: () => [...numbers.keys()],
    size: () => numbers.size,
  };
}

/** Chooses `wanted` of `total` things that come one after another, every choice equally likely (Knuth, algorithm S). */
export function createSampler(total: number, wanted: number, seed: number): () => boolean {
  const random = createRandom(deriveSeed(seed, 'data-card', 'sample'));
  let [left, needed] = [total, Math.min(wanted, total)];
  return () => {
    const takes = random.next() * left < needed;
    left--;
    if (takes) needed--;
    return takes;
  };
}

/** Scaffolds of molecules that come one after another, sought in batches, given in the order they came. */
export function createScaffoldFinder(
  chemistry: Pick<Chemistry, 'scaffolds'>,
  found: (scaffold: string | null, position: number) => void,
) {
  let waiting: string[] = [];
  let position = 0;
  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    for (const scaffold of await chemistry.scaffolds(batch)) found(scaffold, position++);
  }
  return {
    async add(smiles: string): Promise<void> {
      waiting.push(smiles);
      if (waiting.length === SCAFFOLD_BATCH) await flush();
    },
    end: flush,
  };
}
