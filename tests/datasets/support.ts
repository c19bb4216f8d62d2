import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  MEDIA_TYPES,
  type ArtifactRef,
  type DatasetRow,
  type QuarantineRow,
  type Standardisation,
  type StandardisedPart,
  type StandardisedSource,
} from '../../src/contracts';
import { encodeNdjson, sha256 } from '../../src/foundation';
import { createFileObjectStore, createPointerLog, type ObjectStore } from '../../src/objects';
import { createDatasets, type Datasets, type Engine } from '../../src/datasets';

const folders: string[] = [];
afterAll(() => folders.forEach((at) => rmSync(at, { recursive: true, force: true })));

export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'titrate-test-datasets-'));
  folders.push(folder);
  return folder;
}

export interface Home {
  readonly folder: string;
  readonly objects: ObjectStore;
  readonly datasets: Datasets;
}

/** A new store with datasets on it, or others on a store that is there, as another process would have. */
export function newHome(engine?: Engine, folder = newFolder()): Home {
  const objects = createFileObjectStore(path.join(folder, 'store'));
  return {
    folder,
    objects,
    datasets: createDatasets({ objects, pointers: createPointerLog(objects), engine }),
  };
}

/** Alkanes by length: molecules whose text needs no chemistry. */
export function molecule(n: number) {
  const smiles = 'C'.repeat(n);
  return { moleculeId: `mol_${sha256(smiles).slice(0, 32)}`, smiles, inchiKey: inchiKey(n) };
}
const inchiKey = (n: number) =>
  `${String(n)
    .padStart(14, '0')
    .replace(/\d/g, (d) => 'ABCDEFGHIJ'[Number(d)]!)}-UHFFFAOYSA-N`;

export type RowOf = { readonly n: number; readonly line?: number } & Partial<
  Omit<DatasetRow, 'sourceSha256' | 'line'>
>;

export interface SourceOptions {
  readonly name?: string;
  readonly uri?: string;
  /** Raw bytes; default: told by the rows. */
  readonly raw?: string;
  readonly quarantine?: readonly Omit<QuarantineRow, 'sourceSha256'>[];
  readonly standardisation?: Standardisation;
  /** Rows in a part. */
  readonly partRows?: number;
}

/** A source as bulk processing hands it over, its raw bytes only landed. Row i stands in line i + 2 unless it says otherwise. */
export async function sourceOf(
  objects: ObjectStore,
  rows: readonly RowOf[],
  options: SourceOptions = {},
): Promise<StandardisedSource> {
  const { uri = 'pool.csv', name, partRows = 3 } = options;
  const bytes = Buffer.from(options.raw ?? `${uri}\n${JSON.stringify([rows, options.quarantine])}`);
  const raw = await objects.land(Readable.from([bytes]), MEDIA_TYPES.raw);
  const full = rows.map(({ n, line, ...row }, i): DatasetRow => {
    const { smiles, ...ids } = molecule(n);
    return { smiles, rawSmiles: smiles, ...ids, ...row, sourceSha256: raw.sha256, line: line ?? i + 2 };
  });
  const quarantine = (options.quarantine ?? []).map((row) => ({ sourceSha256: raw.sha256, ...row }));
  const parts: StandardisedPart[] = [];
  for (let i = 0; i < Math.max(full.length, quarantine.length, 1); i += partRows) {
    const [good, bad] = [full.slice(i, i + partRows), quarantine.slice(i, i + partRows)];
    parts.push({
      rows: await objects.put(encodeNdjson(good), MEDIA_TYPES.ndjson),
      quarantine: await objects.put(encodeNdjson(bad), MEDIA_TYPES.ndjson),
      accepted: good.length,
      quarantined: bad.length,
    });
  }
  return {
    source: { uri, ...(name ? { name } : {}) },
    raw,
    reading: { format: 'csv', compression: 'none', encoding: 'utf-8', delimiter: ',' },
    standardisation: options.standardisation ?? { ruleSet: 'standard-2', isotopes: 'keep' },
    parts: await objects.put(Buffer.from(JSON.stringify(parts)), MEDIA_TYPES.json),
    accepted: full.length,
    quarantined: quarantine.length,
    examples: quarantine.slice(0, 3).map((row) => `${uri}, line ${row.line}: ${row.message}`),
  };
}

export async function allOf<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const out: T[] = [];
  for await (const batch of batches) out.push(...batch);
  return out;
}

/** The rows a source brought, as they were handed over. */
export async function rowsOfSource(objects: ObjectStore, source: StandardisedSource): Promise<DatasetRow[]> {
  const parts = JSON.parse((await objects.get(source.parts)).toString()) as StandardisedPart[];
  const read = async ({ rows }: { rows: ArtifactRef }) =>
    (await objects.get(rows))
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as DatasetRow);
  return (await Promise.all(parts.map(read))).flat();
}

/** What a test compares: which molecules with which values, in words, sorted. */
export const told = (rows: readonly DatasetRow[]): string[] =>
  rows.map((row) => `${row.smiles.length}${row.value === undefined ? '' : `=${row.value}`}`).sort();

export const by = { author: 'ada', reason: 'a test' };
