import {
  compileRules,
  screenOf,
  type CompiledRules,
  type RuleLists,
  type ScreenedMolecule,
} from '../../src/acquisition';
import type {
  ArtifactRef,
  Constraints,
  ListedMolecule,
  Molecule,
  ResolvedList,
  RuleInputs,
} from '../../src/contracts';
import { hashOf } from '../../src/foundation';
import type { ObjectStore } from '../../src/objects';
import { jsonArtifacts } from './artifacts';

export interface LoadRulesRequest {
  readonly constraints: Constraints;
  readonly inputs: RuleInputs;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
  /** Molecules that may not be proposed (any more). */
  readonly excluded: ReadonlySet<string>;
  /** Money that earlier batches cost. */
  readonly spent: number;
  /** Only these shards of the pool, to know whom the rules admit of them: what they require is left out, since it can lie elsewhere. */
  readonly range?: { readonly from: number; readonly to: number };
}

const LISTS = ['costs', 'amounts', 'include', 'exclude'] as const;
const NAMES: Readonly<Record<(typeof LISTS)[number], string>> = {
  costs: 'prices',
  amounts: 'amounts in stock',
  include: 'the include list',
  exclude: 'the exclude list',
};

/** The part of a step's key that the rules' inputs are. */
export const rulesDigest = (inputs: RuleInputs): string =>
  hashOf({
    ...Object.fromEntries(LISTS.map((list) => [list, (inputs[list] ?? []).map(({ rows }) => rows.sha256)])),
    screening: inputs.screening?.map(({ sha256 }) => sha256) ?? null,
  });

/**
 * The rules of a batch from what was read and found for them, shard by shard.
 * @returns the rules, and what could not be read of their lists, in words
 * @throws as compileRules
 */
export async function loadRules(
  objects: ObjectStore,
  { constraints, inputs, pool, excluded, spent, range }: LoadRulesRequest,
): Promise<{ rules: CompiledRules; notes: string[] }> {
  const artifacts = jsonArtifacts(objects);
  const notes = LISTS.flatMap((name) =>
    (inputs[name] ?? []).flatMap((list) => unreadableNote(NAMES[name], list)),
  );

  async function* rowsOf(lists: readonly ResolvedList[] | undefined): AsyncGenerator<ListedMolecule> {
    for (const { rows } of lists ?? []) yield* await artifacts.getRows<ListedMolecule>(rows);
  }
  const ids = async (lists: readonly ResolvedList[] | undefined) => {
    const found = new Set<string>();
    for await (const { moleculeId } of rowsOf(lists)) found.add(moleculeId);
    return found;
  };
  /** One value a molecule. */
  const values = async (
    lists: readonly ResolvedList[] | undefined,
    merge: (a: number, b: number) => number,
  ) => {
    const found = new Map<string, number | null>();
    for await (const { moleculeId, value } of rowsOf(lists)) {
      const before = found.get(moleculeId);
      if (value === undefined) continue;
      if (value === null) found.set(moleculeId, before ?? null);
      else found.set(moleculeId, typeof before === 'number' ? merge(before, value) : value);
    }
    const unread = [...found.values()].filter((value) => value === null).length;
    return { found, unread };
  };

  async function amountsOf(): Promise<RuleLists['amounts']> {
    const { stock } = constraints;
    if (!stock) return null;
    if (stock.file && stock.file.amountColumn === undefined) {
      const listed = await ids(inputs.amounts);
      return new Map([...listed].map((moleculeId) => [moleculeId, stock.least ?? 1]));
    }
    const { found, unread } = await values(inputs.amounts, (a, b) => a + b);
    if (unread) notes.push(`${unread} molecules have an amount that is no number: none of them is in stock`);
    return found;
  }

  const costs = await values(inputs.costs, Math.min);
  if (costs.unread)
    notes.push(`${costs.unread} molecules have a price that is no number: none of them has one`);
  const lists: RuleLists = {
    costs: costs.found,
    amounts: await amountsOf(),
    include: range ? [] : [...(await ids(inputs.include))],
    exclude: await ids(inputs.exclude),
  };

  async function* molecules(): AsyncGenerator<readonly ScreenedMolecule[]> {
    if (!inputs.screening) {
      for (const shard of (await artifacts.getJson<ArtifactRef[]>(pool)).slice(range?.from, range?.to))
        yield (await artifacts.getRows<Molecule>(shard)).map(({ moleculeId }) => ({ moleculeId }));
      return;
    }
    const screened: ArtifactRef[] = [];
    for (const group of inputs.screening) screened.push(...(await artifacts.getJson<ArtifactRef[]>(group)));
    for (const shard of screened.slice(range?.from, range?.to))
      yield await artifacts.getRows<ScreenedMolecule>(shard);
  }
  const rules = await compileRules({
    constraints,
    screen: screenOf(constraints),
    molecules: molecules(),
    isCandidate: (moleculeId) => !excluded.has(moleculeId),
    lists,
    spent,
  });
  return { rules, notes };
}

const unreadableNote = (name: string, { unreadable, count, examples }: ResolvedList): string[] =>
  unreadable
    ? [`${unreadable} of ${count + unreadable} rows with ${name} could not be read (${examples.join('; ')})`]
    : [];
