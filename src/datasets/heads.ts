import { nearestName, TitrateError, type Authorship, type DatasetVersion } from '../contracts';
import type { ObjectStore, PointerEntry, PointerLog } from '../objects';
import { prunedError } from './bytes';
import { isVersionId, type Manifests } from './manifests';
import type { Retention } from './retention';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Where a tag's pointer goes when the tag is taken away. */
const UNTAGGED = 'none';

/** @throws TitrateError usage. */
export function validateDatasetName(name: string): void {
  if (NAME.test(name) && !isVersionId(name)) return;
  throw new TitrateError('usage', {
    what: `'${name.slice(0, 120)}' is not a dataset's name: up to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit, and no version id`,
    remedy: 'Choose another name',
  });
}

/** @throws TitrateError usage. A tag of digits alone would read as an entry of the history. */
export function validateTag(tag: string): void {
  if (NAME.test(tag) && !/^\d+$/.test(tag)) return;
  throw new TitrateError('usage', {
    what: `'${tag.slice(0, 120)}' is not a tag: up to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit, and not digits alone`,
    remedy: 'Choose another tag',
  });
}

const listed = (names: readonly string[]) =>
  names.length ? names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '') : 'none';

/** Heads and tags of datasets: pointer logs `datasets/<name>` and `dataset-tags/<name>/<tag>`. */
export function createHeads(
  objects: ObjectStore,
  pointers: PointerLog,
  manifests: Manifests,
  retention: Retention,
) {
  const pointerOf = (dataset: string) => `datasets/${dataset}`;
  const tagPointerOf = (dataset: string, tag: string) => `dataset-tags/${dataset}/${tag}`;
  const head = (dataset: string) => pointers.head(pointerOf(dataset));

  /** Distinct parts of record keys right below a prefix. */
  async function partsBelow(prefix: string): Promise<string[]> {
    const keys = await objects.listRecords(prefix);
    return [...new Set(keys.map((key) => key.slice(prefix.length).split('/')[0]!))];
  }

  async function names(): Promise<string[]> {
    const found = new Set(await partsBelow('pointers/datasets/'));
    // Versions of the first releases have no head.
    for (const id of await manifests.ids())
      for (const dataset of await manifests.datasetsOf(id)) found.add(dataset);
    return [...found].sort();
  }

  async function tags(dataset: string): Promise<{ tag: string; target: string }[]> {
    const out: { tag: string; target: string }[] = [];
    for (const tag of await partsBelow(`pointers/dataset-tags/${dataset}/`)) {
      const entry = await pointers.head(tagPointerOf(dataset, tag));
      if (entry && entry.target !== UNTAGGED) out.push({ tag, target: entry.target });
    }
    return out.sort((a, b) => (a.tag < b.tag ? -1 : 1));
  }

  const versionIds = async (dataset: string): Promise<Set<string>> => {
    const ids = new Set((await pointers.entries(pointerOf(dataset))).map((entry) => entry.target));
    for (const id of await manifests.ids())
      if ((await manifests.datasetsOf(id)).includes(dataset)) ids.add(id);
    return ids;
  };

  async function noDataset(dataset: string): Promise<TitrateError> {
    const known = await names();
    const near = nearestName(dataset, known);
    return new TitrateError('not-found', {
      what: `there is no dataset '${dataset}'`,
      remedy: near ? `Did you mean '${near}'?` : `Datasets: ${listed(known)}`,
    });
  }

  async function resolve(reference: string): Promise<DatasetVersion> {
    if (isVersionId(reference)) return manifests.get(reference);
    const [dataset = '', selector, ...rest] = reference.split('@');
    if (rest.length) {
      throw new TitrateError('usage', {
        what: `'${reference}' is no reference to a dataset version`,
        remedy: "Expected 'data_…', 'name', 'name@tag' or 'name@3'",
      });
    }
    validateDatasetName(dataset);
    const entries = await pointers.entries(pointerOf(dataset));
    if (!entries.length) {
      const ids = [...(await versionIds(dataset))];
      if (!ids.length) throw await noDataset(dataset);
      throw new TitrateError('not-found', {
        what: `dataset '${dataset}' has no head`,
        remedy: `Move its head to one of its versions (titrate data rollback): ${listed(ids)}`,
      });
    }
    if (selector === undefined) return manifests.get(entries.at(-1)!.target, dataset);
    if (/^\d+$/.test(selector)) {
      const entry = entries[Number(selector) - 1];
      if (entry) return manifests.get(entry.target, dataset);
      throw new TitrateError('not-found', {
        what: `the history of dataset '${dataset}' has no entry ${selector}`,
        remedy: `It has entries 1 to ${entries.length}`,
      });
    }
    const there = await tags(dataset);
    const tagged = there.find(({ tag }) => tag === selector);
    if (tagged) return manifests.get(tagged.target, dataset);
    throw new TitrateError('not-found', {
      what: `dataset '${dataset}' has no tag '${selector}'`,
      remedy: `Its tags: ${listed(there.map(({ tag }) => tag))}`,
    });
  }

  /** A version of the dataset whose bytes are there. */
  async function usable(dataset: string, reference: string): Promise<DatasetVersion> {
    validateDatasetName(dataset);
    const version = await resolve(reference);
    const ids = await versionIds(dataset);
    if (!ids.has(version.id)) {
      if (!ids.size) throw await noDataset(dataset);
      throw new TitrateError('not-found', {
        what: `'${reference}' is no version of dataset '${dataset}'`,
        remedy: `Its versions: ${listed([...ids])}`,
      });
    }
    const pruned = await retention.pruned(version.id);
    if (pruned) throw prunedError(version.id, pruned);
    return version;
  }

  type By = Authorship & { readonly operationId: string };
  const moveChecked = async (pointer: string, id: string, by: By): Promise<PointerEntry> => {
    const before = (await pointers.head(pointer))?.target ?? UNTAGGED;
    const entry = await pointers.move(pointer, id, by);
    const pruned = await retention.pruned(id);
    if (!pruned) return entry;
    // Pruned at this very moment. Whoever prunes looks again after saying so; so does whoever points, and takes it back.
    if (before !== UNTAGGED || pointer.startsWith('dataset-tags/'))
      await pointers.moveFrom(pointer, id, before, { ...by, operationId: `${by.operationId}/undone` });
    throw prunedError(id, pruned);
  };

  /** The entry this operation made before, if it did. */
  async function done(pointer: string, operationId: string): Promise<PointerEntry | undefined> {
    const entries = await pointers.entries(pointer);
    if (entries.some((entry) => entry.operationId === `${operationId}/undone`)) {
      throw new TitrateError('usage', {
        what: `operation '${operationId}' was taken back: its version was being pruned`,
        where: `pointer '${pointer}'`,
        remedy: 'Ingest the sources again to bring the bytes back, and try under a new operation',
      });
    }
    return entries.find((entry) => entry.operationId === operationId);
  }

  return {
    pointerOf,
    head,
    names,
    tags,
    versionIds,
    resolve,
    noDataset,
    history: (dataset: string) => pointers.entries(pointerOf(dataset)),
    async rollback(dataset: string, to: string, by: By): Promise<PointerEntry> {
      const before = await done(pointerOf(dataset), by.operationId);
      // A retry: `name@tag` may mean another version by now.
      if (before) return before;
      return moveChecked(pointerOf(dataset), (await usable(dataset, to)).id, by);
    },
    async tag(dataset: string, tag: string, version: string, by: By): Promise<PointerEntry> {
      validateTag(tag);
      const before = await done(tagPointerOf(dataset, tag), by.operationId);
      if (before) return before;
      return moveChecked(tagPointerOf(dataset, tag), (await usable(dataset, version)).id, by);
    },
    async untag(dataset: string, tag: string, by: By): Promise<void> {
      validateTag(tag);
      const pointer = tagPointerOf(dataset, tag);
      if (await done(pointer, by.operationId)) return;
      const there = await tags(dataset);
      if (!there.some((known) => known.tag === tag)) {
        throw new TitrateError('not-found', {
          what: `dataset '${dataset}' has no tag '${tag}'`,
          remedy: `Its tags: ${listed(there.map((known) => known.tag))}`,
        });
      }
      await pointers.move(pointer, UNTAGGED, by);
    },
  };
}
export type Heads = ReturnType<typeof createHeads>;
