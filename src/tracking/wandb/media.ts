import type { TrackedTable } from '../../contracts';
import { sha256 } from '../../foundation';

/** A table as W&B keeps it: a JSON file of the run, and the reference to it that stands in the history and the summary. */
export interface TableFile {
  readonly key: string;
  readonly path: string;
  readonly content: Buffer;
  readonly reference: { readonly [key: string]: string | number };
}

const FOLDER = 'media/table';
/** Digits of the content's hash in a file's name: another content is another file, and a file never changes. */
const HASH_DIGITS = 20;

/** Charts read the table `<chart>_table`. */
const keyOf = (table: TrackedTable) => (table.plot ? `${table.name}_table` : table.name);

export function tableFile(table: TrackedTable): TableFile {
  const content = Buffer.from(JSON.stringify({ columns: table.columns, data: table.rows }));
  const hash = sha256(content);
  const key = keyOf(table);
  const path = `${FOLDER}/${key}_${hash.slice(0, HASH_DIGITS)}.table.json`;
  return {
    key,
    path,
    content,
    reference: {
      _type: 'table-file',
      path,
      sha256: hash,
      size: content.length,
      ncols: table.columns.length,
      nrows: table.rows.length,
    },
  };
}

/** W&B's own chart definitions, by the kind of plot. */
const CHARTS = { scatter: 'wandb/scatter/v0', bar: 'wandb/bar/v0' } as const;

/** What `_wandb.visualize` of a run's configuration says of a chart: the definition, its fields, and the query for its table. */
export function chartOf(table: TrackedTable): { readonly [name: string]: object } {
  if (!table.plot) return {};
  const { kind, x, y, title } = table.plot;
  const field = (name: string) => ({ name, fields: [] });
  return {
    [table.name]: {
      panel_type: 'Vega2',
      panel_config: {
        panelDefId: CHARTS[kind],
        fieldSettings: kind === 'bar' ? { label: x, value: y } : { x, y },
        stringSettings: { title },
        transform: { name: 'tableWithLeafColNames' },
        userQuery: {
          queryFields: [
            {
              name: 'runSets',
              args: [{ name: 'runSets', value: '${runSets}' }],
              fields: [
                field('id'),
                field('name'),
                field('_defaultColorIndex'),
                { ...field('summaryTable'), args: [{ name: 'tableKey', value: keyOf(table) }] },
              ],
            },
          ],
        },
      },
    },
  };
}

/** The name a table was tracked under, from the key of its reference and the charts of the run. */
export function tableName(key: string, charts: ReadonlySet<string>): string {
  const name = key.replace(/_table$/, '');
  return charts.has(name) ? name : key;
}
