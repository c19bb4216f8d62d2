import type { DatasetVersion } from '../contracts';
import type { ObjectStore, PointerLog } from '../objects';
import { createVersionBytes } from './bytes';
import { createCommit } from './commit';
import type { DatasetListing, Datasets } from './datasets';
import { diffVersions } from './diff';
import { createEngine, type Engine, type EngineOptions } from './engine';
import { exportVersion } from './export';
import { createHeads, validateDatasetName } from './heads';
import { createManifests } from './manifests';
import { createPrune } from './prune';
import { readQuarantine } from './quarantine';
import { createReader } from './read';
import { createRetention } from './retention';

export interface DatasetsOptions extends EngineOptions {
  readonly objects: ObjectStore;
  readonly pointers: PointerLog;
  /** One DuckDB for several of these; whoever made it closes it. */
  readonly engine?: Engine;
}

/** Molecules and values a diff shows of each kind, when not told otherwise. */
const DIFF_EXAMPLES = 10;

/**
 * Datasets on any object store. DuckDB sorts and reads, in memory, with what does not fit spilled to a temporary directory; nothing is kept
 * there, so any number of processes work on one store.
 */
export function createDatasets(options: DatasetsOptions): Datasets {
  const { objects, pointers } = options;
  const engine = options.engine ?? createEngine(options);
  const manifests = createManifests(objects);
  const retention = createRetention(pointers);
  const bytes = createVersionBytes(objects, manifests, retention);
  const heads = createHeads(objects, pointers, manifests, retention);
  const reader = createReader(engine, bytes);

  async function list(dataset: string): Promise<DatasetListing[]> {
    validateDatasetName(dataset);
    const versions: DatasetVersion[] = [];
    for (const id of await heads.versionIds(dataset)) versions.push(await manifests.get(id, dataset));
    if (!versions.length) throw await heads.noDataset(dataset);
    const head = (await heads.head(dataset))?.target;
    const tags = await heads.tags(dataset);
    const ordered = parentsFirst(versions);
    const listings: DatasetListing[] = [];
    for (const version of ordered) {
      listings.push({
        version,
        tags: tags.flatMap(({ tag, target }) => (target === version.id ? [tag] : [])),
        isHead: version.id === head,
        pruned: await retention.pruned(version.id),
      });
    }
    return listings;
  }

  return {
    commit: createCommit({ objects, pointers, engine, manifests, retention, bytes, heads }),
    version: (id) => manifests.get(id),
    resolve: (reference) => heads.resolve(reference),
    names: () => heads.names(),
    list,
    async history(dataset) {
      validateDatasetName(dataset);
      const entries = await heads.history(dataset);
      if (!entries.length && !(await heads.versionIds(dataset)).size) throw await heads.noDataset(dataset);
      return entries;
    },
    rollback: (dataset, to, by) => heads.rollback(dataset, to, by),
    requireBytes: (version) => bytes.require(version),
    tag: (dataset, tag, version, by) => heads.tag(dataset, tag, version, by),
    untag: (dataset, tag, by) => heads.untag(dataset, tag, by),
    rows: (version) => reader.rows(version),
    quarantine: (version, filter) => readQuarantine(bytes, version, filter),
    measuredValues: (version, unit) => reader.measuredValues(version, unit),
    findMolecules: (version, ids) => reader.findMolecules(version, ids),
    diff: (from, to, limit = DIFF_EXAMPLES) => diffVersions(engine, bytes, from, to, limit),
    exportTo: (version, file, format) => exportVersion(engine, bytes, version, file, format),
    prune: createPrune({ objects, pointers, manifests, retention, heads }),
    async close() {
      if (!options.engine) await engine.close();
    },
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** By the time they were made; a parent comes before its children, also where clocks disagree. */
function parentsFirst(versions: readonly DatasetVersion[]): DatasetVersion[] {
  const waiting = new Map(
    [...versions]
      .sort((a, b) => compare(a.createdAt, b.createdAt) || compare(a.id, b.id))
      .map((version) => [version.id, version]),
  );
  const out: DatasetVersion[] = [];
  for (const first of [...waiting.values()]) {
    const line: DatasetVersion[] = [];
    for (let at: DatasetVersion | undefined = waiting.get(first.id); at; at = waiting.get(at.parent ?? '')) {
      waiting.delete(at.id);
      line.push(at);
    }
    out.push(...line.reverse());
  }
  return out;
}
