import type { ScreenSpec } from '../../chemistry';
import type { Constraints, PropertyName, PropertyWindow } from '../../contracts';
import { patternsOf, type ScreenedMolecule } from './screen';

/** Prices, amounts and lists, by molecule. */
export interface RuleLists {
  /** null: there is a price and it is no number. */
  readonly costs: ReadonlyMap<string, number | null>;
  /** null where molecules need not be in stock. */
  readonly amounts: ReadonlyMap<string, number | null> | null;
  /** In the order they were given, each once. */
  readonly include: readonly string[];
  readonly exclude: ReadonlySet<string>;
}

export const NO_LISTS: RuleLists = { costs: new Map(), amounts: null, include: [], exclude: new Set() };

/** A rule about single molecules. */
export interface MoleculeRule {
  /** What it asks for, as reports name it. */
  readonly name: string;
  breaks(molecule: ScreenedMolecule): boolean;
}

/** The price of a molecule; undefined where none is known. */
export function costIn(
  { cost }: Constraints,
  { costs }: Pick<RuleLists, 'costs'>,
  moleculeId: string,
): number | undefined {
  const listed = costs.get(moleculeId);
  return listed === undefined ? cost?.default : (listed ?? undefined);
}

/** Every rule that a molecule can be held against alone, in the order in which reports tell them. */
export function moleculeRules(
  constraints: Constraints,
  spec: ScreenSpec | null,
  lists: RuleLists,
): MoleculeRule[] {
  return [
    ...(spec
      ? [{ name: 'can be examined', breaks: ({ failed }: ScreenedMolecule) => failed !== undefined }]
      : []),
    ...windowRules(constraints, spec),
    ...patternRules(constraints, spec),
    ...listRules(constraints, lists),
    ...moneyRules(constraints, lists),
  ];
}

function windowRules({ properties }: Constraints, spec: ScreenSpec | null): MoleculeRule[] {
  return (spec?.properties ?? []).map((property, index) => {
    const window = properties![property]!;
    const { from = -Infinity, to = Infinity } = window;
    return {
      name: windowName(property, window),
      breaks: ({ failed, properties: values }) => {
        if (failed !== undefined) return false;
        const value = values?.[index] ?? null;
        return value === null || value < from || value > to;
      },
    };
  });
}

function windowName(property: PropertyName, { from, to }: PropertyWindow): string {
  if (from === undefined) return `${property} at most ${to}`;
  return to === undefined ? `${property} at least ${from}` : `${property} from ${from} to ${to}`;
}

function patternRules(constraints: Constraints, spec: ScreenSpec | null): MoleculeRule[] {
  const { any, all, exclude, alerts } = patternsOf(constraints);
  const has = (smarts: string) => {
    const index = spec!.patterns.indexOf(smarts);
    return ({ matches }: ScreenedMolecule) => matches?.includes(index) ?? false;
  };
  const seen = (molecule: ScreenedMolecule) => molecule.failed === undefined;
  const hasAny = any.map(({ smarts }) => has(smarts));
  return [
    ...(any.length
      ? [
          {
            name: `has one of: ${any.map(({ name }) => name).join(', ')}`,
            breaks: (molecule: ScreenedMolecule) =>
              seen(molecule) && !hasAny.some((matches) => matches(molecule)),
          },
        ]
      : []),
    ...all.map(({ name, smarts }) => {
      const matches = has(smarts);
      return {
        name: `has: ${name}`,
        breaks: (molecule: ScreenedMolecule) => seen(molecule) && !matches(molecule),
      };
    }),
    ...exclude.map(({ name, smarts }) => ({ name: `has no: ${name}`, breaks: has(smarts) })),
    ...alerts.map(({ name, smarts }) => ({ name: `alert, ${name}`, breaks: has(smarts) })),
  ];
}

function listRules({ stock }: Constraints, { amounts, exclude }: RuleLists): MoleculeRule[] {
  const rules: MoleculeRule[] = [];
  if (exclude.size)
    rules.push({ name: 'not on the exclude list', breaks: ({ moleculeId }) => exclude.has(moleculeId) });
  if (amounts) {
    const least = stock?.least ?? Number.MIN_VALUE;
    rules.push({
      name: stock?.least === undefined ? 'in stock' : `in stock, at least ${least}`,
      breaks: ({ moleculeId }) => (amounts.get(moleculeId) ?? 0) < least,
    });
  }
  return rules;
}

/** The dearest that a molecule may be, should all of a batch's money go into it. */
const dearest = ({ cost }: Constraints) => Math.min(cost?.perBatch ?? Infinity, cost?.total ?? Infinity);

function moneyRules(constraints: Constraints, lists: RuleLists): MoleculeRule[] {
  const most = dearest(constraints);
  if (most === Infinity) return [];
  return [
    {
      name: 'price known',
      breaks: ({ moleculeId }) => costIn(constraints, lists, moleculeId) === undefined,
    },
    {
      name: `price within what ${constraints.cost!.perBatch === most ? 'a batch' : 'the campaign'} may cost (${most})`,
      breaks: ({ moleculeId }) => (costIn(constraints, lists, moleculeId) ?? 0) > most,
    },
  ];
}
