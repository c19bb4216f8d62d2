import { createRandom } from '../../foundation';
import type { SplitLeakage } from './data-card';

export const FOLDS = 5;

/** Molecules by two groupings: groups are numbered from 0; -1 is a molecule that belongs to none. */
export interface Grouped {
  readonly scaffoldOf: Int32Array;
  readonly skeletonOf: Int32Array;
}

/** Fold of each molecule: a seeded shuffle, dealt out in turn. */
export function randomFolds(molecules: number, seed: number): Uint8Array {
  const order = createRandom(seed).shuffle(Array.from({ length: molecules }, (_, i) => i));
  const folds = new Uint8Array(molecules);
  order.forEach((molecule, position) => (folds[molecule] = position % FOLDS));
  return folds;
}

/**
 * Fold of each molecule, scaffolds whole: largest scaffold first, each into the fold with fewest molecules so far (the scaffold split of
 * MoleculeNet, Wu et al. 2018, for several folds). Molecules without rings are one group, as they are there; one whose scaffold is not
 * known is a group of its own.
 */
export function scaffoldFolds(
  scaffoldOf: Int32Array,
  withoutRings: (molecule: number) => boolean,
): Uint8Array {
  const groups = new Map<string, number[]>();
  scaffoldOf.forEach((scaffold, molecule) => {
    const key = scaffold >= 0 ? `s${scaffold}` : withoutRings(molecule) ? 'acyclic' : `m${molecule}`;
    const members = groups.get(key);
    if (members) members.push(molecule);
    else groups.set(key, [molecule]);
  });
  const sizes = new Array<number>(FOLDS).fill(0);
  const folds = new Uint8Array(scaffoldOf.length);
  for (const members of [...groups.values()].sort((a, b) => b.length - a.length || a[0]! - b[0]!)) {
    const fold = sizes.indexOf(Math.min(...sizes));
    sizes[fold]! += members.length;
    for (const molecule of members) folds[molecule] = fold;
  }
  return folds;
}

/** Share of the grouped molecules that have a member of their group in another fold, which is what their model learned from. */
function seenInTraining(groupOf: Int32Array, folds: Uint8Array): number {
  const foldOfGroup = new Map<number, number>();
  const SEVERAL = FOLDS;
  groupOf.forEach((group, molecule) => {
    if (group < 0) return;
    const before = foldOfGroup.get(group);
    if (before === undefined) foldOfGroup.set(group, folds[molecule]!);
    else if (before !== folds[molecule]) foldOfGroup.set(group, SEVERAL);
  });
  let [grouped, seen] = [0, 0];
  groupOf.forEach((group) => {
    if (group < 0) return;
    grouped++;
    // A group in several folds has, for each of its members, another member outside that member's fold.
    if (foldOfGroup.get(group) === SEVERAL) seen++;
  });
  return grouped ? seen / grouped : 0;
}

export function leakageOf({ scaffoldOf, skeletonOf }: Grouped, folds: Uint8Array): SplitLeakage {
  const sizes = new Array<number>(FOLDS).fill(0);
  folds.forEach((fold) => sizes[fold]!++);
  return {
    folds: sizes,
    scaffolds: seenInTraining(scaffoldOf, folds),
    skeletons: seenInTraining(skeletonOf, folds),
  };
}
