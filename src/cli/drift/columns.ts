import { DESCRIPTOR_NAMES } from '../../chemistry';
import { TitrateError } from '../../contracts';
import { columnsThere } from './read-cells';

/** What a column holds, and the option that names it. */
export const ROLES = {
  value: '--value-column',
  unit: '--unit-column',
  plate: '--plate-column',
  lab: '--lab-column',
  predicted: '--predicted-column',
  deviation: '--deviation-column',
} as const;
export type Role = keyof typeof ROLES;

export interface ColumnNames {
  readonly smilesColumn?: string;
  readonly valueColumn?: string;
  readonly unitColumn?: string;
  readonly plateColumn?: string;
  readonly labColumn?: string;
  readonly predictedColumn?: string;
  readonly deviationColumn?: string;
}

export interface FileColumns {
  /** Name of each role's column where the file has it. */
  readonly there: ReadonlyMap<Role, string>;
  /** Descriptors that the file has as served. */
  readonly descriptors: readonly string[];
}

export interface FoundColumns {
  readonly reference: FileColumns;
  readonly stream: FileColumns;
  /** Roles with a column in one of the files. */
  readonly names: ReadonlyMap<Role, string>;
}

/**
 * Which file has which column. One that was asked for must be in one of them: a pool has no values, and a stream that lost a column is
 * a finding.
 * @param property of the model: a column of that name holds values
 * @throws column-missing when neither file has a column that was asked for
 */
export async function findColumns(
  files: { readonly reference: string; readonly stream: string },
  options: ColumnNames,
  property: string | undefined,
): Promise<FoundColumns> {
  const asked: Readonly<Record<Role, string | undefined>> = {
    value: options.valueColumn ?? property,
    unit: options.unitColumn,
    plate: options.plateColumn ?? 'plate',
    lab: options.labColumn ?? 'lab',
    predicted: options.predictedColumn,
    deviation: options.deviationColumn,
  };
  const explicit = new Set<Role>(
    (Object.keys(ROLES) as Role[]).filter((role) => options[`${role}Column`] !== undefined),
  );
  const roles = (Object.keys(ROLES) as Role[]).filter((role) => asked[role] !== undefined);
  const wanted = [...new Set([...roles.map((role) => asked[role]!), ...DESCRIPTOR_NAMES])];
  const of = async (file: string): Promise<FileColumns> => {
    const there = await columnsThere(file, options.smilesColumn, wanted);
    return {
      there: new Map(roles.filter((role) => there.has(asked[role]!)).map((role) => [role, asked[role]!])),
      descriptors: DESCRIPTOR_NAMES.filter((name) => there.has(name)),
    };
  };
  const found = { reference: await of(files.reference), stream: await of(files.stream) };
  const names = new Map([...found.reference.there, ...found.stream.there]);
  for (const role of explicit) {
    if (names.has(role)) continue;
    throw new TitrateError('column-missing', {
      what: `neither ${files.reference} nor ${files.stream} has a column '${asked[role]}'`,
      where: ROLES[role],
      remedy: 'Name a column of one of them; the first line of a file names its columns',
    });
  }
  return { ...found, names };
}
