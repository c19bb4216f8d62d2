import { TitrateError } from '../../contracts';

/** Fields of a result that a table may hold for each property: a column `value:logP`. */
const OF_PROPERTY = ['value', 'qualifier', 'unit', 'outcome'] as const;
type PropertyField = (typeof OF_PROPERTY)[number];
const FIELDS: ReadonlySet<string> = new Set(OF_PROPERTY);

/** A column that belongs to one of several properties. */
export interface PropertyColumn {
  readonly property: string;
  readonly field: PropertyField;
}

/** Header of a property's column. */
export const columnName = (field: string, property: string) => `${field}:${property}`;

/** What a header names of a property, where it is of the form `field:property`. */
export function propertyPart(header: string): { readonly field: string; readonly property: string } | null {
  const colon = header.indexOf(':');
  const property = header.slice(colon + 1).trim();
  return colon > 0 && property ? { field: header.slice(0, colon).trim(), property } : null;
}

/** The property's column that a header is; null for one of another kind. */
export function asPropertyColumn(header: string): PropertyColumn | null {
  const part = propertyPart(header);
  if (!part) return null;
  const field = part.field.toLowerCase();
  return FIELDS.has(field) ? { property: part.property, field: field as PropertyField } : null;
}

/**
 * Reads `PROPERTY=COLUMN` options: which column holds the values of which property.
 * @returns properties by column
 * @throws TitrateError usage for text of another form, and for a column named twice.
 */
export function valueColumnsOf(options: readonly string[]): ReadonlyMap<string, string> {
  const columns = new Map<string, string>();
  for (const text of options) {
    const at = text.indexOf('=');
    const [property, column] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    if (at < 0 || !property || !column || columns.has(column)) {
      throw new TitrateError('usage', {
        what: columns.has(column) ? `column '${column}' is named twice` : `'${text}' is not PROPERTY=COLUMN`,
        where: '--value-column',
        remedy: "Name the column with a property's values, such as --value-column logP=logP_measured",
      });
    }
    columns.set(column, property);
  }
  return columns;
}

type Fields = Record<string, unknown>;

/** A row of a table with a column a property: what is said of the molecule, and of each property. */
export interface WideRow {
  readonly common: Fields;
  readonly properties: ReadonlyMap<string, Fields>;
}

/**
 * The results of one row. A property without value and outcome of its own has none, unless the row as a whole has `failed`; a row that
 * has `abandoned` is a result of the molecule. What the row says of all of them (a unit, a note) holds where a property says nothing. Ids get the property's name, so that a row counts once however often it is posted.
 */
export function resultsOfRow({ common, properties }: WideRow): Fields[] {
  const { outcome, value, resultId, replaces, ...rest } = common;
  const named = (id: unknown, property: string) => (typeof id === 'string' ? `${id}/${property}` : id);
  const results: Fields[] = [];
  // A plain column of values beside the others' is of the first property.
  if (value !== undefined || outcome === 'abandoned') results.push(common);
  for (const [property, own] of properties) {
    const failed = outcome === 'failed' && own.value === undefined ? outcome : undefined;
    const said = own.outcome ?? failed;
    if (own.value === undefined && said === undefined) continue;
    results.push({
      ...rest,
      ...(resultId !== undefined && { resultId: named(resultId, property) }),
      ...(replaces !== undefined && { replaces: named(replaces, property) }),
      property,
      ...own,
      ...(said !== undefined && { outcome: said }),
    });
  }
  return results;
}
