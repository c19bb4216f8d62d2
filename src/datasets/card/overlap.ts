import type { SharedPart, SourceOverlap } from './data-card';

/** Sets of small numbers, each stored once: there are few different ones among millions of molecules. */
export function createSetRegistry() {
  const sets: (readonly number[])[] = [[]];
  const known = new Map<string, number>([['', 0]]);
  const unions = new Map<string, number>();

  function intern(members: Iterable<number>): number {
    const sorted = [...new Set(members)].sort((a, b) => a - b);
    const key = sorted.join();
    let id = known.get(key);
    if (id === undefined) {
      known.set(key, (id = sets.length));
      sets.push(sorted);
    }
    return id;
  }

  return {
    intern,
    /** Id of the union of two sets; 0 is the empty set. */
    union(a: number, b: number): number {
      if (a === b || b === 0) return a;
      const key = `${a},${b}`;
      let id = unions.get(key);
      if (id === undefined) unions.set(key, (id = intern([...sets[a]!, ...sets[b]!])));
      return id;
    },
    members: (id: number): readonly number[] => sets[id]!,
  };
}
export type SetRegistry = ReturnType<typeof createSetRegistry>;

/** Counts of things by which sources have them. */
export interface OverlapCounts {
  /** Things in source i; in both i and j: `[i][j]`. */
  readonly pairs: readonly (readonly number[])[];
}

/** @param owners for each distinct thing, the set of sources that have it */
export function countOverlaps(
  registry: SetRegistry,
  owners: Iterable<number>,
  sources: number,
): OverlapCounts {
  const things = new Map<number, number>();
  for (const set of owners) things.set(set, (things.get(set) ?? 0) + 1);
  const pairs = Array.from({ length: sources }, () => new Array<number>(sources).fill(0));
  for (const [set, count] of things)
    for (const i of registry.members(set)) for (const j of registry.members(set)) pairs[i]![j]! += count;
  return { pairs };
}

/** Each ordered pair of `chosen` sources. */
export function overlapsOf(
  names: readonly string[],
  chosen: readonly number[],
  counts: {
    readonly molecules: OverlapCounts;
    readonly skeletons: OverlapCounts;
    readonly scaffolds: OverlapCounts;
  },
): SourceOverlap[] {
  const part = ({ pairs }: OverlapCounts, train: number, test: number): SharedPart => ({
    shared: pairs[train]![test]!,
    share: pairs[test]![test] ? pairs[train]![test]! / pairs[test]![test]! : 0,
  });
  return chosen.flatMap((train) =>
    chosen
      .filter((test) => test !== train)
      .map((test) => ({
        train: names[train]!,
        test: names[test]!,
        molecules: part(counts.molecules, train, test),
        skeletons: part(counts.skeletons, train, test),
        scaffolds: part(counts.scaffolds, train, test),
      })),
  );
}
