import type { Chemistry } from '../../chemistry';
import { TitrateError, type DatasetVersion } from '../../contracts';
import { deriveSeed } from '../../foundation';
import type { Datasets } from '../datasets';
import type { DataCard } from './data-card';
import { distributionOf } from './distribution';
import {
  createNumbering,
  createSampler,
  createScaffoldFinder,
  heavyAtomsOf,
  moleculesOf,
  skeletonOf,
} from './molecules';
import { countOverlaps, createSetRegistry, overlapsOf } from './overlap';
import { leakageOf, randomFolds, scaffoldFolds } from './splits';
import { createValueStatistics } from './values';

export interface DataCardRequest {
  readonly datasets: Pick<Datasets, 'rows' | 'quarantine'>;
  readonly version: DatasetVersion;
  readonly chemistry: Pick<Chemistry, 'scaffolds'>;
  /** Of the random folds, and of the sample whose scaffolds are looked at. */
  readonly seed: number;
  /** Molecules whose scaffolds are looked at, at most; default 100,000 (about a minute). The card says when it was a sample. */
  readonly scaffoldMolecules?: number;
}

const SCAFFOLD_MOLECULES = 100_000;
const MOST_COMMON = 10;
const SKELETON_EXAMPLES = 5;
/** Sources that are compared pair by pair. */
const COMPARED_SOURCES = 10;
const NO_SCAFFOLD = -1;

/**
 * Looks through a dataset version once and says what is in it. Memory grows with its molecules (about 200 bytes each), not with its rows.
 * @throws TitrateError artifact-pruned; config-invalid for a seed that is no whole number from 0 on.
 */
export async function createDataCard(request: DataCardRequest): Promise<DataCard> {
  const { datasets, version, chemistry, seed, scaffoldMolecules = SCAFFOLD_MOLECULES } = request;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TitrateError('config-invalid', {
      what: `the seed should be a whole number from 0 on, it is ${seed}`,
      remedy: 'Give another seed',
    });
  }
  const registry = createSetRegistry();
  const sourceNames = [...new Set(version.sources.map((source) => source.name))];
  const ownersOfBytes = new Map<string, number>();
  for (const { sha256, name } of version.sources)
    ownersOfBytes.set(
      sha256,
      registry.union(ownersOfBytes.get(sha256) ?? 0, registry.intern([sourceNames.indexOf(name)])),
    );

  const total = version.molecules;
  const ownersOfMolecule = new Int32Array(total);
  const skeletons = createNumbering();
  const skeletonOfMolecule = new Int32Array(total);
  const heavyAtoms = new Uint16Array(total);
  const characters = new Uint16Array(total);
  const values = createValueStatistics();
  const duplicates = { moleculesInSeveralRows: 0, mostRows: 0 };

  const scaffolds = createNumbering();
  const sampled: number[] = [];
  const scaffoldOfSampled: number[] = [];
  const acyclic = new Set<number>();
  const takes = createSampler(total, scaffoldMolecules, seed);
  const finder = createScaffoldFinder(chemistry, (scaffold, position) => {
    if (scaffold === '') acyclic.add(position);
    scaffoldOfSampled.push(scaffold ? scaffolds.numberOf(scaffold) : NO_SCAFFOLD);
  });

  let index = 0;
  for await (const rows of moleculesOf(datasets.rows(version))) {
    const { smiles, inchiKey } = rows[0]!;
    for (const row of rows)
      ownersOfMolecule[index] = registry.union(
        ownersOfMolecule[index]!,
        ownersOfBytes.get(row.sourceSha256) ?? 0,
      );
    skeletonOfMolecule[index] = skeletons.numberOf(skeletonOf(inchiKey));
    heavyAtoms[index] = heavyAtomsOf(smiles);
    characters[index] = smiles.length;
    values.add(rows);
    if (rows.length > 1) duplicates.moleculesInSeveralRows++;
    duplicates.mostRows = Math.max(duplicates.mostRows, rows.length);
    if (takes()) {
      sampled.push(index);
      await finder.add(smiles);
    }
    index++;
  }
  await finder.end();

  const ownersBy = (groupOf: ArrayLike<number>, moleculeAt: (i: number) => number, groups: number) => {
    const owners = new Int32Array(groups);
    for (let i = 0; i < groupOf.length; i++)
      if (groupOf[i]! >= 0)
        owners[groupOf[i]!] = registry.union(owners[groupOf[i]!]!, ownersOfMolecule[moleculeAt(i)]!);
    return owners;
  };
  const count = (owners: Iterable<number>) => countOverlaps(registry, owners, sourceNames.length);
  const counts = {
    molecules: count(ownersOfMolecule),
    skeletons: count(ownersBy(skeletonOfMolecule, (i) => i, skeletons.size())),
    scaffolds: count(ownersBy(scaffoldOfSampled, (i) => sampled[i]!, scaffolds.size())),
  };
  const moleculesIn = (source: number) => counts.molecules.pairs[source]![source]!;
  const compared = sourceNames
    .map((_, source) => source)
    .sort((a, b) => moleculesIn(b) - moleculesIn(a) || a - b)
    .slice(0, COMPARED_SOURCES)
    .sort((a, b) => a - b);

  const grouped = {
    scaffoldOf: Int32Array.from(scaffoldOfSampled),
    skeletonOf: Int32Array.from(sampled, (molecule) => skeletonOfMolecule[molecule]!),
  };
  const { measuredMolecules, ...valueParts } = values.end();
  return {
    schema: 'titrate.data-card/1',
    dataset: version.dataset,
    version: version.id,
    parent: version.parent,
    ruleSet: version.ruleSet,
    seed,
    counts: {
      rows: version.acceptedRows,
      molecules: total,
      measuredRows: version.measuredRows,
      measuredMolecules,
      quarantinedRows: version.quarantinedRows,
    },
    sources: version.sources.map(({ name, sha256, reading, accepted, quarantined }) => ({
      name,
      sha256,
      format: reading?.format ?? null,
      accepted,
      quarantined,
      molecules: moleculesIn(sourceNames.indexOf(name)),
    })),
    quarantine: await quarantineOf(request),
    ...valueParts,
    duplicates: { ...duplicates, ...(await sharedSkeletons(request, skeletonOfMolecule, skeletons)) },
    size: { heavyAtoms: distributionOf(heavyAtoms)!, smilesCharacters: distributionOf(characters)! },
    scaffolds: {
      lookedAt: sampled.length,
      sampled: sampled.length < total,
      withoutRings: acyclic.size,
      undetermined: scaffoldOfSampled.filter((scaffold) => scaffold < 0).length - acyclic.size,
      ...commonest(grouped.scaffoldOf, scaffolds.names()),
    },
    leakage: {
      betweenSources: overlapsOf(sourceNames, compared, counts),
      random: leakageOf(grouped, randomFolds(sampled.length, deriveSeed(seed, 'data-card', 'folds'))),
      scaffold: leakageOf(
        grouped,
        scaffoldFolds(grouped.scaffoldOf, (molecule) => acyclic.has(molecule)),
      ),
    },
  };
}

async function quarantineOf({ datasets, version }: DataCardRequest): Promise<DataCard['quarantine']> {
  const reasons = new Map<string, { reason: string; rows: number; example: string }>();
  for await (const batch of datasets.quarantine(version)) {
    for (const { reason, message, source, line } of batch) {
      const known = reasons.get(reason);
      if (known) known.rows++;
      else reasons.set(reason, { reason, rows: 1, example: `${source}, line ${line}: ${message}` });
    }
  }
  return [...reasons.values()].sort((a, b) => b.rows - a.rows || (a.reason < b.reason ? -1 : 1));
}

/** Skeletons of several molecules; the rows are looked through once more for the SMILES of the largest. */
async function sharedSkeletons(
  { datasets, version }: DataCardRequest,
  skeletonOfMolecule: Int32Array,
  skeletons: ReturnType<typeof createNumbering>,
) {
  const members = new Int32Array(skeletons.size());
  for (const skeleton of skeletonOfMolecule) members[skeleton]!++;
  const shared: number[] = [];
  members.forEach((count, skeleton) => {
    if (count > 1) shared.push(skeleton);
  });
  const names = skeletons.names();
  const chosen = new Map<string, string[]>(
    [...shared]
      .sort((a, b) => members[b]! - members[a]! || (names[a]! < names[b]! ? -1 : 1))
      .slice(0, SKELETON_EXAMPLES)
      .map((skeleton) => [names[skeleton]!, []]),
  );
  if (chosen.size) {
    for await (const [row] of moleculesOf(datasets.rows(version)))
      chosen.get(skeletonOf(row!.inchiKey))?.push(row!.smiles);
  }
  return {
    sharedSkeletons: shared.length,
    moleculesWithSharedSkeleton: shared.reduce((sum, skeleton) => sum + members[skeleton]!, 0),
    examples: [...chosen].map(([skeleton, smiles]) => ({
      skeleton,
      smiles: smiles.slice(0, SKELETON_EXAMPLES),
    })),
  };
}

function commonest(scaffoldOf: Int32Array, names: readonly string[]) {
  const members = new Int32Array(names.length);
  for (const scaffold of scaffoldOf) if (scaffold >= 0) members[scaffold]!++;
  const mostCommon = names
    .map((scaffold, i) => ({ scaffold, molecules: members[i]! }))
    .sort((a, b) => b.molecules - a.molecules || (a.scaffold < b.scaffold ? -1 : 1))
    .slice(0, MOST_COMMON);
  return { distinct: names.length, singletons: members.filter((count) => count === 1).length, mostCommon };
}
