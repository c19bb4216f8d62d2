import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  campaignConfigSchema,
  MEDIA_TYPES,
  type CampaignConfig,
  type Cut,
  type DatasetRow,
  type QuarantineRow,
  FIRST_STANDARDISATION,
  type StandardisedPart,
  type StandardisedSource,
  type TrainingRow,
} from '../../src/contracts';
import { createDatasets, type Datasets } from '../../src/datasets';
import { decodeNdjson, encodeNdjson, sha256 } from '../../src/foundation';
import { createFileObjectStore, createPointerLog, type ObjectStore } from '../../src/objects';
import { createDuckDbIndex, createWarehouse, type ResolvedResult, type Warehouse } from '../../src/warehouse';

const folders: string[] = [];
const opened: Datasets[] = [];
afterAll(async () => {
  for (const datasets of opened) await datasets.close();
  folders.forEach((at) => rmSync(at, { recursive: true, force: true }));
});

export interface Home {
  readonly directory: string;
  /** Place of a DuckDB file. */
  readonly path: string;
  readonly objects: ObjectStore;
  readonly datasets: Datasets;
}

/** A new home: an object store, its datasets, and the place of a warehouse file. */
export function newHome(): Home {
  const directory = mkdtempSync(path.join(tmpdir(), 'titrate-warehouse-'));
  folders.push(directory);
  const objects = createFileObjectStore(path.join(directory, 'objects'));
  const datasets = createDatasets({ objects, pointers: createPointerLog(objects) });
  opened.push(datasets);
  return { directory, path: path.join(directory, 'warehouse', 'w.duckdb'), objects, datasets };
}

/** The warehouse of a home, on DuckDB. */
export const openWarehouse = async ({ path: file, objects, datasets }: Home): Promise<Warehouse> =>
  createWarehouse({ objects, datasets, index: await createDuckDbIndex({ path: file, objects }) });

/** Commits rows as a dataset of one source, replacing what it held. @returns the version's id. */
export async function commit(
  { objects, datasets }: Pick<Home, 'objects' | 'datasets'>,
  dataset: string,
  rows: readonly RowOf[],
  quarantine: readonly QuarantineRow[] = [],
): Promise<string> {
  const sources = [await sourceOf(objects, rows, quarantine, `${dataset}.csv`)];
  const { version } = await datasets.commit({
    dataset,
    sources,
    onto: 'nothing',
    author: 'ada',
    reason: 'test',
  });
  return version.id;
}

/** Alkanes by length: molecules whose text needs no chemistry. */
export const molecule = (n: number) => {
  const smiles = 'C'.repeat(n);
  return { moleculeId: `mol_${createHash('sha256').update(smiles).digest('hex').slice(0, 32)}`, smiles };
};

export function result(resultId: string, n: number, more: Partial<ResolvedResult> = {}): ResolvedResult {
  const { moleculeId, smiles } = molecule(n);
  const measured = more.outcome === undefined || more.outcome === 'measured';
  return {
    resultId,
    moleculeId,
    standardSmiles: smiles,
    outcome: 'measured',
    qualifier: '=',
    ...(measured ? { value: n } : {}),
    ...more,
  };
}

export const config = (
  more: { direction?: 'maximize' | 'minimize'; unit?: string; retryFailed?: boolean } = {},
): CampaignConfig =>
  campaignConfigSchema.parse({
    objective: { property: 'p', direction: more.direction ?? 'maximize', unit: more.unit },
    pool: { sources: [{ uri: 'pool.csv' }] },
    lab: { retryFailed: more.retryFailed ?? false },
  });

export type RowOf = { n: number; line: number } & Partial<
  Pick<DatasetRow, 'value' | 'unit' | 'qualifier' | 'compoundId' | 'rawSmiles'>
>;

/** A source as processing hands it over. */
export async function sourceOf(
  objects: ObjectStore,
  rows: readonly RowOf[],
  quarantine: readonly QuarantineRow[] = [],
  uri = 'pool.csv',
): Promise<StandardisedSource> {
  const raw = await objects.put(Buffer.from(`raw of ${uri}`), MEDIA_TYPES.raw);
  const full = rows.map(({ n, line, ...row }): DatasetRow => {
    const { moleculeId, smiles } = molecule(n);
    return {
      moleculeId,
      smiles,
      inchiKey: `KEY-${n}`,
      rawSmiles: smiles,
      ...row,
      sourceSha256: sha256(uri),
      line,
    };
  });
  const part: StandardisedPart = {
    rows: await objects.put(encodeNdjson(full), MEDIA_TYPES.ndjson),
    quarantine: await objects.put(encodeNdjson(quarantine), MEDIA_TYPES.ndjson),
    accepted: rows.length,
    quarantined: quarantine.length,
  };
  return {
    source: { uri },
    raw,
    reading: { format: 'csv', compression: 'none', encoding: 'utf-8', delimiter: ',' },
    standardisation: FIRST_STANDARDISATION,
    parts: await objects.put(Buffer.from(JSON.stringify([part])), MEDIA_TYPES.json),
    accepted: rows.length,
    quarantined: quarantine.length,
    examples: quarantine.map((row) => `${uri}, line ${row.line}: ${row.message}`),
  };
}

/** Everything a cut says, its artifacts read. */
export async function readCut(objects: ObjectStore, cut: Cut) {
  const read = async <T>(ref: { sha256: string }) => decodeNdjson<T>(await objects.get(ref));
  const ids = async (ref: { sha256: string }) =>
    (await read<{ moleculeId: string }>(ref)).map((row) => row.moleculeId);
  return {
    resultIds: await read<string>(cut.resultIds),
    training: await read<TrainingRow>(cut.training),
    pending: await ids(cut.pending),
    excluded: await ids(cut.excluded),
    extra: (await Promise.all(cut.extraShards.map((ref) => read<{ moleculeId: string }>(ref)))).flat(),
  };
}
