import type { TableField, TableMetadata } from '@google-cloud/bigquery';
import type { Connection } from './client';
import type { Jobs } from './jobs';
import { migrate } from './schema';

export interface WarehouseTable {
  readonly description: string;
  readonly schema: readonly { readonly name: string; readonly type: string; readonly mode: string }[];
  /** Column that partitions the table by day. */
  readonly partition?: string;
  readonly cluster?: readonly string[];
}

/** A dataset that notes which tables are made and changed, as far as the migrations ask it to. */
class Notes {
  readonly tables = new Map<string, TableMetadata>();

  exists = () => Promise.resolve([true]);
  createTable = (name: string, metadata: TableMetadata) => {
    this.tables.set(name, metadata);
    return Promise.resolve([]);
  };
  table = (name: string) => ({
    getMetadata: () => Promise.resolve([{ creationTime: '0', ...this.tables.get(name) }]),
    setMetadata: (change: TableMetadata) => this.createTable(name, { ...this.tables.get(name), ...change }),
  });
}

function described(
  name: string,
  { description, schema, timePartitioning, clustering }: TableMetadata,
): WarehouseTable {
  const fields = typeof schema === 'object' && 'fields' in schema ? (schema.fields ?? []) : [];
  if (!description || fields.length === 0)
    throw new Error(`the migrations make '${name}' without a description or columns`);
  return {
    description,
    schema: fields.map(({ name, type, mode }: TableField) => ({ name: name!, type: type!, mode: mode! })),
    ...(timePartitioning?.field && { partition: timePartitioning.field }),
    ...(clustering?.fields && { cluster: clustering.fields }),
  };
}

/** Tables, not views, by name: what an empty dataset has after all migrations, which run here on one that only takes notes. */
export async function warehouseTables(): Promise<Record<string, WarehouseTable>> {
  const notes = new Notes();
  const connection = {
    dataset: notes,
    options: { projectId: 'notes', dataset: 'titrate', location: 'EU', labels: {} },
    tableId: (name: string) => name,
    sqlName: (name: string) => name,
    select: () => Promise.resolve([]),
  } as unknown as Connection;
  await migrate(connection, { statement: () => Promise.resolve() } as unknown as Jobs);
  const tables = [...notes.tables].filter(([, { view }]) => !view).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(tables.map(([name, metadata]) => [name, described(name, metadata)]));
}
