import type { SourceSpec } from '../contracts';
import { assertUnits } from '../measurements';
import { checkColumns } from '../sources';

/**
 * What each part of a source spec says: where the bytes are, how they are read (it ends up in SourceReading), or which cells
 * mean what. Only the last takes part in keys, beside the reading itself; a new part of the spec has to be put in its place here.
 */
const ROLES = {
  uri: 'place',
  name: 'place',
  query: 'place',
  format: 'reading',
  encoding: 'reading',
  delimiter: 'reading',
  smilesColumn: 'mapping',
  compoundIdColumn: 'mapping',
  valueColumn: 'mapping',
  qualifierColumn: 'mapping',
  decimal: 'mapping',
  unit: 'mapping',
  unitColumn: 'mapping',
  convertTo: 'mapping',
  replicateColumn: 'mapping',
  assay: 'mapping',
  assayColumn: 'mapping',
  batchColumn: 'mapping',
  measuredAtColumn: 'mapping',
} as const satisfies Record<keyof SourceSpec, 'place' | 'reading' | 'mapping'>;

type MappingKey = {
  [K in keyof typeof ROLES]: (typeof ROLES)[K] extends 'mapping' ? K : never;
}[keyof typeof ROLES];

/** Which cells of a source mean what. */
export type SourceMapping = Pick<SourceSpec, MappingKey>;

/** The mapping of a source, without where its bytes are and what it is called. */
export function mappingOf(source: SourceSpec): SourceMapping {
  const entries = Object.entries(source).filter(
    ([key, value]) => ROLES[key as keyof SourceSpec] === 'mapping' && value !== undefined,
  );
  return Object.fromEntries(entries) as SourceMapping;
}

/**
 * Refuses a source spec whose columns or units make no sense together, before a byte is read.
 * @throws TitrateError config-invalid, unit-unknown.
 */
export function checkSource(source: SourceSpec): void {
  checkColumns(source);
  if (source.valueColumn !== undefined) assertUnits(source);
}
