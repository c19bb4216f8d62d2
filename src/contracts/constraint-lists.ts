import type { Constraints } from './constraints';
import type { SourceSpec } from './sources';

/** A list of molecules that a campaign's constraints name, and how it is read. */
export interface ConstraintList {
  readonly role: 'costs' | 'amounts' | 'include' | 'exclude';
  /** Where it stands in the configuration. */
  readonly where: string;
  readonly from: { readonly source: SourceSpec } | { readonly molecules: readonly string[] };
  /** Whether every entry has to be a molecule: one that cannot be read might be the one that must not be picked. */
  readonly strict: boolean;
}

/** How a source's rows are read, without what its cells mean. */
const readingOf = ({
  uri,
  format,
  query,
  encoding,
  delimiter,
  smilesColumn,
  decimal,
}: SourceSpec): SourceSpec => ({
  uri,
  ...(format && { format }),
  ...(query !== undefined && { query }),
  ...(encoding && { encoding }),
  ...(delimiter !== undefined && { delimiter }),
  ...(smilesColumn !== undefined && { smilesColumn }),
  ...(decimal && { decimal }),
});

type File = NonNullable<NonNullable<Constraints['include']>['file']> & { readonly decimal?: '.' | ',' };

const fileSource = ({ uri, moleculeColumn, format, encoding, delimiter, decimal }: File): SourceSpec =>
  readingOf({ uri, smilesColumn: moleculeColumn, format, encoding, delimiter, decimal });

/**
 * The lists that constraints name, in an order of their own.
 * @param sources of the pool; absent where it is a dataset
 * @returns what is wrong, in words, where a column of the pool's sources is wanted and there are none
 */
export function constraintLists(
  constraints: Constraints,
  sources: readonly SourceSpec[] | undefined,
): readonly ConstraintList[] | string {
  const at = 'acquisition.constraints';
  const { cost, stock } = constraints;
  for (const [key, column] of [
    ['cost', cost?.column],
    ['stock', stock?.column],
  ] as const) {
    if (column !== undefined && !sources)
      return `${at}.${key}.column: '${column}' is a column of the pool's sources, and the pool is a dataset. Give ${at}.${key}.file instead`;
  }
  const columns = (role: 'costs' | 'amounts', key: string, column: string | undefined): ConstraintList[] =>
    column === undefined
      ? []
      : sources!.map((source) => ({
          role,
          where: `${at}.${key}.column (${column})`,
          from: { source: { ...readingOf(source), valueColumn: column } },
          strict: false,
        }));
  const file = (
    role: 'costs' | 'amounts',
    key: string,
    given: File | undefined,
    valueColumn?: string,
  ): ConstraintList[] =>
    given
      ? [
          {
            role,
            where: `${at}.${key}.file`,
            from: { source: { ...fileSource(given), ...(valueColumn !== undefined && { valueColumn }) } },
            strict: false,
          },
        ]
      : [];
  const list = (role: 'include' | 'exclude'): ConstraintList[] => {
    const given = constraints[role];
    return [
      ...(given?.molecules
        ? [{ role, where: `${at}.${role}.molecules`, from: { molecules: given.molecules }, strict: true }]
        : []),
      ...(given?.file
        ? [{ role, where: `${at}.${role}.file`, from: { source: fileSource(given.file) }, strict: true }]
        : []),
    ];
  };
  return [
    ...columns('costs', 'cost', cost?.column),
    ...file('costs', 'cost', cost?.file, cost?.file?.costColumn),
    ...columns('amounts', 'stock', stock?.column),
    ...file('amounts', 'stock', stock?.file, stock?.file?.amountColumn),
    ...list('include'),
    ...list('exclude'),
  ];
}

/** Whether anything has to be found out of the molecules of a pool. */
export function needsScreening({ properties, substructures, perScaffold, perCluster }: Constraints): boolean {
  const { any, all, exclude, alerts } = substructures ?? {};
  return (
    perScaffold !== undefined ||
    perCluster !== undefined ||
    Object.values(properties ?? {}).some((window) => window !== undefined) ||
    [any, all, exclude, alerts].some((given) => given && Object.keys(given).length > 0)
  );
}
