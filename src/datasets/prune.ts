import { TitrateError } from '../contracts';
import { liveObjects, type ObjectStore, type PointerLog } from '../objects';
import type { PruneReport, PruneRequest } from './datasets';
import type { Heads } from './heads';
import { versionOfKey, type Manifests } from './manifests';
import type { Retention } from './retention';

export interface PruneParts {
  readonly objects: ObjectStore;
  readonly pointers: PointerLog;
  readonly manifests: Manifests;
  readonly retention: Retention;
  readonly heads: Heads;
}

/** Records that are read at one time. */
const READS = 16;
/** Records in which a version's id says nothing about who needs it: its own manifests and pointers, and what was computed from it. */
const SILENT = ['datasets/', 'pointers/datasets/', 'pointers/dataset-tags/', 'pointers/retention/', 'steps/'];
const VERSION_TOKEN = /data_[0-9a-f]{32}/g;

/** What stands for a version's staying, at one moment. */
interface Needs {
  /** Version id → who needs it. */
  readonly by: ReadonlyMap<string, string>;
  /** Version id → last time it was made, or ceased to be a head or a tag, ms. */
  readonly lastInUse: ReadonlyMap<string, number>;
  readonly datasetsOf: ReadonlyMap<string, readonly string[]>;
  readonly createdAt: ReadonlyMap<string, number>;
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += READS) await Promise.all(items.slice(i, i + READS).map(work));
}

/** Versions that records of campaigns, deployments and the like name, and the first record that does. */
async function namedInRecords(objects: ObjectStore): Promise<Map<string, string>> {
  const named = new Map<string, string>();
  const keys = (await objects.listRecords('')).filter(
    (key) => !SILENT.some((prefix) => key.startsWith(prefix)),
  );
  await inBatches(keys, async (key) => {
    const bytes = await objects.readRecord(key);
    for (const [id] of (bytes?.toString('latin1') ?? '').matchAll(VERSION_TOKEN))
      if (!named.has(id) || key < named.get(id)!) named.set(id, key);
  });
  return new Map([...named].map(([id, key]) => [id, `record ${key} names it`]));
}

async function lookAround({ objects, pointers, manifests, heads }: PruneParts): Promise<Needs> {
  const by = await namedInRecords(objects);
  const lastInUse = new Map<string, number>();
  const datasetsOf = new Map<string, string[]>();
  const createdAt = new Map<string, number>();
  const used = (id: string, at: number) => lastInUse.set(id, Math.max(at, lastInUse.get(id) ?? 0));
  await inBatches(await manifests.ids(), async (id) => {
    const made = Date.parse((await manifests.get(id)).createdAt);
    createdAt.set(id, made);
    used(id, made);
    datasetsOf.set(id, await manifests.datasetsOf(id));
  });
  for (const dataset of await heads.names()) {
    const entries = await pointers.entries(heads.pointerOf(dataset));
    entries.forEach(({ target, at, previous }) => {
      used(target, Date.parse(at));
      if (previous) used(previous, Date.parse(at));
      const of = datasetsOf.get(target);
      if (of && !of.includes(dataset)) of.push(dataset);
    });
    const head = entries.at(-1);
    if (head) by.set(head.target, `head of ${dataset}`);
    for (const { tag, target } of await heads.tags(dataset))
      if (!by.get(target)?.startsWith('head of ')) by.set(target, `tagged ${dataset}@${tag}`);
  }
  return { by, lastInUse, datasetsOf, createdAt };
}

/** Why each version stays; null: nothing speaks for it. */
function judge(
  needs: Needs,
  ids: readonly string[],
  request: PruneRequest,
  now: number,
): Map<string, string | null> {
  const newest = new Map<string, string>();
  for (const dataset of new Set([...needs.datasetsOf.values()].flat())) {
    const own = ids
      .filter((id) => needs.datasetsOf.get(id)!.includes(dataset))
      .sort((a, b) => needs.createdAt.get(b)! - needs.createdAt.get(a)! || (a < b ? 1 : -1));
    for (const id of own.slice(0, request.keep))
      newest.set(id, `among the newest ${request.keep} of ${dataset}`);
  }
  return new Map(
    ids.map((id) => {
      const elsewhere = needs.datasetsOf.get(id)!.filter((dataset) => dataset !== request.dataset);
      if (needs.by.has(id)) return [id, needs.by.get(id)!];
      if (request.dataset !== undefined && elsewhere.length)
        return [id, `belongs to ${elsewhere.join(', ')}`];
      if (newest.has(id)) return [id, newest.get(id)!];
      if (now - needs.lastInUse.get(id)! < request.olderThanMs) return [id, 'in use too lately'];
      return [id, null];
    }),
  );
}

function check({ keep, olderThanMs, author, reason }: PruneRequest): void {
  const wrong =
    !Number.isInteger(keep) || keep < 0
      ? `'keep' should be a whole number from 0 on, it is ${keep}`
      : !(olderThanMs >= 0)
        ? `'olderThanMs' should be a time from 0 ms on, it is ${olderThanMs}`
        : !author || !reason
          ? 'pruning needs an author and a reason: they are kept'
          : null;
  if (wrong) throw new TitrateError('usage', { what: wrong, remedy: 'Mend the request' });
}

/**
 * Prunes in an order that a kill at any point leaves sound: versions are marked in their retention logs, what points at versions is
 * looked at again (whoever moved a pointer meanwhile looks at the mark, so one of the two sees the other), and only then objects
 * go that no record needs. Manifests stay.
 *
 * An object that was stored or touched within `olderThanMs` stays, for a commit that runs now may count on it: `olderThanMs` has to be longer than
 * the longest ingest.
 */
export function createPrune(parts: PruneParts) {
  const { objects, manifests, retention, heads } = parts;

  return async function prune(request: PruneRequest): Promise<PruneReport> {
    check(request);
    const now = request.now ?? Date.now();
    if (request.dataset !== undefined && !(await heads.names()).includes(request.dataset))
      throw await heads.noDataset(request.dataset);

    const gone = new Set<string>();
    const ids: string[] = [];
    for (const id of await manifests.ids()) {
      if (await retention.pruned(id)) gone.add(id);
      else ids.push(id);
    }
    const judged = judge(await lookAround(parts), ids, request, now);
    const marked = ids.filter((id) => judged.get(id) === null);

    if (!request.dryRun && marked.length) {
      const by = { author: request.author, reason: request.reason };
      for (const id of marked) await retention.prune(id, by);
      const again = await lookAround(parts);
      for (const id of marked) {
        const need = again.by.get(id);
        if (need === undefined) continue;
        judged.set(id, need);
        await retention.restore(id, { author: request.author, reason: `needed after all: ${need}` });
      }
    }
    const versions = ids.filter((id) => judged.get(id) === null);
    for (const id of versions) gone.add(id);
    const live = await liveObjects(objects, {
      isRoot: (key) => {
        const id = versionOfKey(key);
        return id === null || !gone.has(id);
      },
    });

    const untouchedSince = now - request.olderThanMs;
    const report = { objects: 0, bytes: 0 };
    for await (const { sha256, bytes, touchedAt } of objects.listObjects()) {
      if (live.has(sha256) || touchedAt >= untouchedSince) continue;
      if (!request.dryRun && !(await objects.deleteObject(sha256, untouchedSince))) continue;
      report.objects++;
      report.bytes += bytes;
    }
    // The store tells of landings only as it deletes them: a dry run counts none.
    const { dryRun, landingsOlderThanMs = request.olderThanMs } = request;
    const landings = (await objects.expireLandings(landingsOlderThanMs, { dryRun })).length;
    return {
      versions,
      kept: ids.filter((id) => judged.get(id) !== null).map((id) => ({ id, because: judged.get(id)! })),
      ...report,
      landings,
    };
  };
}
