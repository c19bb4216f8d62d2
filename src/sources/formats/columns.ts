import { nearestName, TitrateError, type SourceSpec } from '../../contracts';
import { looksLikeSmiles } from './smiles-text';
import type { SourceCells } from './source-record';

/** The option of a source spec that names each cell's column. */
export const CELL_OPTIONS = {
  compoundId: 'compoundIdColumn',
  value: 'valueColumn',
  qualifier: 'qualifierColumn',
  unit: 'unitColumn',
  replicate: 'replicateColumn',
  assay: 'assayColumn',
  batch: 'batchColumn',
  measuredAt: 'measuredAtColumn',
} as const satisfies Record<keyof SourceCells, keyof SourceSpec>;

/** A column (field, key) to read into a cell of a record. */
export interface WantedColumn {
  readonly cell: keyof SourceCells;
  readonly option: string;
  /** Matched exactly. */
  readonly name: string;
}

/** The columns a source spec names, but for the SMILES. */
export function wantedColumns(source: SourceSpec): readonly WantedColumn[] {
  return Object.entries(CELL_OPTIONS).flatMap(([cell, option]) => {
    const name = source[option];
    return name === undefined ? [] : [{ cell: cell as keyof SourceCells, option, name }];
  });
}

/** Whether a source spec names any column, the SMILES included. */
export const namesColumns = (source: SourceSpec): boolean =>
  source.smilesColumn !== undefined || wantedColumns(source).length > 0;

/** Whether a column holds the SMILES of a source: the one it names, else 'smiles' in any case. */
export function isSmilesColumn(column: string, source: Pick<SourceSpec, 'smilesColumn'>): boolean {
  return source.smilesColumn === undefined
    ? column.toLowerCase() === 'smiles'
    : column === source.smilesColumn;
}

/** Names in quotes, at most 50 of them, none of more than 60 characters. */
export function listed(names: readonly string[]): string {
  const brief = (name: string) => (name.length > 60 ? `${name.slice(0, 60)}…` : name);
  const shown = names.slice(0, 50).map((name) => `'${brief(name)}'`);
  return shown.join(', ') + (names.length > 50 ? ', …' : '');
}

/** A column that is not there, or stands there more than once. */
export function columnError(
  where: string,
  option: string,
  name: string,
  columns: readonly string[],
  { found = 0, shown = listed(columns), hint = '' }: { found?: number; shown?: string; hint?: string } = {},
): TitrateError {
  const near = nearestName(name, columns);
  return new TitrateError('column-missing', {
    what:
      found > 0
        ? `${found} columns are called '${name}'; the columns are ${shown}`
        : `there is no column '${name}'; the columns are ${shown}`,
    where,
    remedy:
      found > 0
        ? `Rename one of them, or set ${option}`
        : `${near ? `Did you mean '${near}'? ` : ''}Set ${option} to one of them${hint}`,
  });
}

/** Where the wanted columns stand in a header, 0-based. */
export interface ColumnPositions {
  readonly smiles: number;
  /** One for each wanted column, in their order. */
  readonly cells: readonly number[];
}

/**
 * Finds the wanted columns in a header. A name that stands there twice is an error only if it is wanted.
 * @throws TitrateError column-missing naming the columns there are and the nearest name.
 */
export function findColumns(
  header: readonly string[],
  source: SourceSpec,
  wanted: readonly WantedColumn[],
): ColumnPositions {
  const find = (name: string, option: string, matches: (column: string) => boolean) => {
    const at = header.flatMap((column, i) => (matches(column) ? [i] : []));
    if (at.length === 1) return at[0]!;
    throw columnError(`${source.uri}, header`, option, name, header, {
      found: at.length,
      hint: `; the first line of the file must name the columns${
        header.some(looksLikeSmiles)
          ? " (format: 'smi' reads a list of SMILES and names without a header)"
          : ''
      }`,
    });
  };
  return {
    smiles: find(source.smilesColumn ?? 'smiles', 'smilesColumn', (column) => isSmilesColumn(column, source)),
    cells: wanted.map(({ name, option }) => find(name, option, (column) => column === name)),
  };
}

/**
 * Refuses a source spec whose columns make no sense together.
 * @throws TitrateError config-invalid.
 */
export function checkColumns(source: SourceSpec): void {
  for (const option of ['qualifierColumn', 'unitColumn'] as const) {
    if (source[option] === undefined || source.valueColumn !== undefined) continue;
    throw new TitrateError('config-invalid', {
      what: `${option} is set without valueColumn`,
      where: source.uri,
      remedy: `Set valueColumn as well, or leave ${option} out`,
    });
  }
}
