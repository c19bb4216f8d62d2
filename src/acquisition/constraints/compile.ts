import type { ScreenSpec } from '../../chemistry';
import { TitrateError, type Constraints } from '../../contracts';
import { shown, type BatchRuleParts, type Refusal } from './batch-rules';
import { Draft, requiredIn } from './draft';
import { costIn, moleculeRules, type RuleLists } from './molecule-rules';
import { placesOn, plateLayout, type PlateLayout } from './plates';
import type { BatchDraft, BatchRules } from './rules';
import type { ScreenedMolecule } from './screen';
import { MoleculeTable } from './table';

export interface CompileRequest {
  readonly constraints: Constraints;
  /** What the molecules were screened for: `screenOf(constraints)`. */
  readonly screen: ScreenSpec | null;
  /** The whole pool, part by part, each molecule once; with nothing to screen for, ids will do. */
  readonly molecules: AsyncIterable<readonly ScreenedMolecule[]> | Iterable<readonly ScreenedMolecule[]>;
  /** Whether a molecule of the pool may still be proposed. */
  readonly isCandidate: (moleculeId: string) => boolean;
  readonly lists: RuleLists;
  /** Money that earlier batches of the campaign cost. */
  readonly spent: number;
}

/** Rules ready for use, and what they know of the pool. */
export interface CompiledRules extends BatchRules {
  begin(size: number): BatchDraft & { refusal(moleculeId: string): Refusal | null };
  readonly constraints: Constraints;
  readonly table: MoleculeTable;
  /** Required molecules that may still be proposed. */
  readonly wanted: readonly string[];
  readonly spent: number;
  readonly layout: PlateLayout | null;
  /** The price of a molecule; undefined where none is known. */
  priceOf(moleculeId: string): number | undefined;
}

const INCLUDE = 'acquisition.constraints.include';

/**
 * Holds the pool against the rules. Pure from here on: the same pool, in whatever order, gives the same rules.
 * @throws config-invalid for a plate without room for picks, and for a required molecule that is not in the pool, breaks another
 * rule, or is dearer, together with the others, than the money that is left
 */
export async function compileRules(request: CompileRequest): Promise<CompiledRules> {
  const { constraints, screen, molecules, isCandidate, lists, spent } = request;
  const layout = constraints.plates ? plateLayout(constraints.plates) : null;
  const table = new MoleculeTable(moleculeRules(constraints, screen, lists));
  for await (const part of molecules)
    for (const molecule of part) table.add(molecule, isCandidate(molecule.moleculeId));

  const priceOf = (moleculeId: string) => costIn(constraints, lists, moleculeId);
  const parts: BatchRuleParts = { constraints, table, costOf: (id) => priceOf(id) ?? 0, spent };
  const wanted = wantedOf(lists.include, table, isCandidate);
  checkMoney(wanted, parts);
  return {
    constraints,
    table,
    wanted,
    spent,
    layout,
    priceOf,
    admits: (moleculeId) => table.admits(moleculeId),
    begin(asked) {
      const size = layout ? placesOn(layout, constraints.plates!.fill, asked) : asked;
      return new Draft(parts, size, requiredIn(parts, size, wanted));
    },
  };
}

function wantedOf(
  include: readonly string[],
  table: MoleculeTable,
  isCandidate: (moleculeId: string) => boolean,
): string[] {
  const missing = include.filter((moleculeId) => !table.has(moleculeId));
  if (missing.length) {
    throw new TitrateError('config-invalid', {
      what: `${few(missing)} must be included and ${missing.length === 1 ? 'is' : 'are'} not in the pool`,
      where: INCLUDE,
      remedy: 'Add them to the sources of the pool, or take them off the list',
    });
  }
  const wanted = [...new Set(include)].filter(isCandidate);
  const broken = wanted.filter((moleculeId) => table.brokenBy(moleculeId).length > 0);
  if (broken.length) {
    const first = broken[0]!;
    const others = broken.length > 1 ? `, and ${broken.length - 1} more do so` : '';
    throw new TitrateError('config-invalid', {
      what: `${first} must be included and breaks: ${table.brokenBy(first).join('; ')}${others}`,
      where: INCLUDE,
      remedy: 'Take them off the list, or loosen the rules that they break',
    });
  }
  return wanted;
}

/** All required molecules have to be within the campaign's money; a batch takes as many as it has money for. */
function checkMoney(wanted: readonly string[], { constraints, costOf, spent }: BatchRuleParts): void {
  const total = constraints.cost?.total;
  if (total === undefined || wanted.length === 0) return;
  const needed = wanted.reduce((sum, moleculeId) => sum + costOf(moleculeId), 0);
  const left = Math.max(0, total - spent);
  if (needed <= left * (1 + 1e-9)) return;
  throw new TitrateError('config-invalid', {
    what: `the ${wanted.length} molecules that must be included cost ${shown(needed)}, and ${shown(left)} is left of acquisition.constraints.cost.total (${total})`,
    where: INCLUDE,
    remedy: 'Take some off the list, or raise the total',
  });
}

const few = (ids: readonly string[]): string =>
  ids.length > 3 ? `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more` : ids.join(', ');
