import { createReadStream } from 'node:fs';
import { MEDIA_TYPES, TitrateError, type DatasetVersion, type DatasetSource } from '../contracts';
import { hashOf, sqlText } from '../foundation';
import type { ObjectStore, PointerEntry, PointerLog } from '../objects';
import { assemble, stageRows, type Assembled } from './assemble';
import type { VersionBytes } from './bytes';
import type { CommitDatasetRequest, CommittedDataset } from './datasets';
import type { Engine, Session } from './engine';
import { validateDatasetName, type Heads } from './heads';
import type { Manifests } from './manifests';
import { agreedRuleSet, planMerge, readGiven, readParts, type GivenSource, type MergePlan } from './merging';
import { writeQuarantine } from './quarantine';
import type { Retention } from './retention';
import { DATASET_SCHEMA, SELECTED, selectRows } from './row-columns';

export interface CommitParts {
  readonly objects: ObjectStore;
  readonly pointers: PointerLog;
  readonly engine: Engine;
  readonly manifests: Manifests;
  readonly retention: Retention;
  readonly bytes: VersionBytes;
  readonly heads: Heads;
}

/** Times another writer may take the head first. Each time somebody's commit has got through; so many in a row is a fault. */
const MAX_ATTEMPTS = 1000;
/** Files of parts that are fetched at one time. */
const FETCHES = 8;

/**
 * Commits sources to a dataset, optimistically: the new version is made on the head as it was seen, its bytes are stored, its manifest is
 * recorded, and then the head moves if it still is where it was; else all over again on the new head. Everything before the move is
 * content-addressed, so a commit killed anywhere and repeated makes the same version.
 */
export function createCommit(parts: CommitParts) {
  const { objects, pointers, engine, manifests, retention, heads } = parts;

  async function localPaths(refs: readonly { readonly sha256: string }[]): Promise<string[]> {
    const paths: string[] = [];
    for (let i = 0; i < refs.length; i += FETCHES)
      paths.push(...(await Promise.all(refs.slice(i, i + FETCHES).map((ref) => objects.localPath(ref)))));
    return paths;
  }

  /** The rows of sources, read once however often the commit starts over. */
  async function stage(session: Session, given: readonly GivenSource[]): Promise<string> {
    const holding = given.flatMap((source) => source.parts.filter((part) => part.accepted > 0));
    const { file, rows } = await stageRows(session, await localPaths(holding.map((part) => part.rows)));
    const expected = given.reduce((total, { stored }) => total + stored.accepted, 0);
    if (rows !== expected) {
      throw new TitrateError('artifact-corrupt', {
        what: `the sources say ${expected} rows were accepted, their parts hold ${rows}`,
        where: given.map(({ stored }) => stored.name).join(', '),
        remedy: 'Ingest the sources again',
      });
    }
    return `SELECT ${SELECTED} FROM read_parquet(${sqlText(file)})`;
  }

  /** Queries of the rows that stay. */
  async function keptRows(session: Session, base: DatasetVersion | null, plan: MergePlan): Promise<string[]> {
    const selects: string[] = [];
    if (base && plan.kept.length) {
      const rows = selectRows(base, await parts.bytes.rowsFile(base));
      const dropped = plan.droppedSha256.map(sqlText).join(', ');
      selects.push(dropped ? `SELECT * FROM (${rows}) WHERE "sourceSha256" NOT IN (${dropped})` : rows);
    }
    if (plan.reread.length) {
      const again: GivenSource[] = [];
      for (const stored of plan.reread)
        again.push({ stored, parts: await readParts(objects, stored.parts, `source '${stored.name}'`) });
      if (again.some(({ stored }) => stored.accepted > 0)) selects.push(await stage(session, again));
    }
    return selects;
  }

  async function moleculesIn(session: Session, selects: readonly string[]): Promise<number> {
    if (!selects.length) return 0;
    const [counted] = await session.query(
      `SELECT count(DISTINCT "moleculeId") AS molecules FROM (${selects.join(' UNION ALL ')})`,
    );
    return Number(counted!.molecules);
  }

  /** A repeated commit finds that its sources have taken the others' place already; a name no version ever had is a slip. */
  async function checkReplaced(base: DatasetVersion | null, replaces: readonly string[]): Promise<void> {
    let missing = replaces.filter((name) => !base?.sources.some((source) => source.name === name));
    for (
      let at = base;
      at && missing.length;
      at = at.parent ? await manifests.find(at.parent, base!.dataset) : null
    ) {
      const { sources } = at;
      missing = missing.filter((name) => !sources.some((source) => source.name === name));
    }
    if (!missing.length) return;
    throw new TitrateError('not-found', {
      what: `there is no source '${missing[0]}' to replace`,
      where: base ? `dataset '${base.dataset}', version ${base.id}` : 'an empty dataset',
      remedy: base
        ? `Its sources: ${base.sources.map((source) => source.name).join(', ')}`
        : 'Leave out what is to be replaced',
    });
  }

  /** Stores the bytes, then the manifest that refers to them. */
  async function record(
    request: CommitDatasetRequest,
    identity: Pick<DatasetVersion, 'id' | 'schema' | 'ruleSet' | 'parent' | 'rowsSha256'>,
    made: Assembled,
    plan: MergePlan,
    given: readonly GivenSource[],
    base: DatasetVersion | null,
  ): Promise<DatasetVersion> {
    const rows = await objects.putStream(createReadStream(made.file), MEDIA_TYPES.parquet);
    const quarantine = await writeQuarantine(objects, parts.bytes, base, plan, given);
    for (const sha256 of new Set(given.map(({ stored }) => stored.sha256))) await objects.promote(sha256);
    const sources = [...plan.kept, ...given.map(({ stored }) => stored)];
    const standing = await manifests.create({
      ...identity,
      dataset: request.dataset,
      rows,
      quarantine,
      shards: made.shards,
      molecules: made.molecules,
      acceptedRows: made.rows,
      quarantinedRows: sources.reduce((total, source) => total + source.quarantined, 0),
      duplicateRows: made.rows - made.molecules,
      measuredRows: made.measuredRows,
      sources,
      author: request.author,
      reason: request.reason,
      createdAt: new Date().toISOString(),
    });
    if (!(await retention.pruned(standing.id))) return standing;
    // Its bytes are there again, all of them: they were stored just now.
    await manifests.renew(standing.id, { rows, quarantine, shards: made.shards });
    await retention.restore(standing.id, { author: request.author, reason: request.reason });
    return manifests.get(standing.id, request.dataset);
  }

  function moveHead(request: CommitDatasetRequest, head: PointerEntry | null, id: string) {
    return pointers.moveFrom(heads.pointerOf(request.dataset), head?.target ?? null, id, {
      // One move from this entry to this version: what a repeated commit finds, and a later one from elsewhere does not.
      operationId: `commit/${head?.number ?? 0}/${id}`,
      author: request.author,
      reason: request.reason,
    });
  }

  return async function commit(request: CommitDatasetRequest): Promise<CommittedDataset> {
    const { dataset, onto, sources, replaces = [] } = request;
    validateDatasetName(dataset);
    agreedRuleSet(dataset, sources, null);
    if (onto === 'nothing' && replaces.length) {
      throw new TitrateError('usage', {
        what: `a version onto nothing replaces everything; 'replaces' names ${replaces.join(', ')}`,
        where: `dataset '${dataset}'`,
        remedy: "Leave 'replaces' out, or commit onto the head",
      });
    }
    checkAccepted(sources);
    const given = await readGiven(objects, sources);

    const accepted = sources.reduce((total, source) => total + source.accepted, 0);

    return engine.session(async (session): Promise<CommittedDataset> => {
      let staged: string | undefined;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const head = await heads.head(dataset);
        const base = head && onto === 'head' ? await manifests.get(head.target, dataset) : null;
        const ruleSet = agreedRuleSet(dataset, sources, base);
        await checkReplaced(base, replaces);
        const plan = planMerge(base, given, replaces);
        const kept = await keptRows(session, base, plan);
        const keptMolecules = await moleculesIn(session, kept);
        const outcome = (version: DatasetVersion, changed: boolean): CommittedDataset => ({
          version,
          changed,
          duplicates: accepted - (version.molecules - keptMolecules),
        });
        if (base && plan.nothingNew) return outcome(base, false);

        staged ??= await stage(session, given);
        const made = await assemble(session, objects, [staged, ...kept], plan.mayRepeat);
        if (base && made.rowsSha256 === base.rowsSha256 && plan.nothingUnheardOf) return outcome(base, false);

        const identity = {
          schema: DATASET_SCHEMA,
          ruleSet,
          parent: base?.id ?? null,
          rowsSha256: made.rowsSha256,
        };
        const quarantine = quarantineDigest([...plan.kept, ...given.map(({ stored }) => stored)]);
        const id = `data_${hashOf({ ...identity, ...(quarantine && { quarantine }) }).slice(0, 32)}`;
        if (head?.target === id) return outcome(await manifests.get(id, dataset), false);
        const store = () => record(request, { id, ...identity }, made, plan, given, base);
        let version = await store();
        if (!(await moveHead(request, head, id))) continue;
        // Pruned between the manifest and the move: it is a head now, and gets its bytes again.
        if (await retention.pruned(id)) version = await store();
        return outcome(version, true);
      }
      throw new TitrateError('conflict', {
        what: `other writers moved the head ${MAX_ATTEMPTS} times before this commit could`,
        where: `dataset '${dataset}'`,
        remedy: 'Try again, with fewer writers at once',
      });
    });
  };
}

/**
 * What is in quarantine, whatever the sources are called and in whatever order they came; undefined where nothing is. Versions that
 * differ in nothing else are two, so that no quarantined row is dropped in silence.
 */
function quarantineDigest(sources: readonly DatasetSource[]): string | undefined {
  const holding = sources
    .filter(({ quarantined }) => quarantined > 0)
    .map(({ sha256, parts, quarantined }) => `${sha256} ${parts?.sha256 ?? quarantined}`);
  return holding.length ? hashOf([...new Set(holding)].sort()) : undefined;
}

function checkAccepted(sources: CommitDatasetRequest['sources']): void {
  if (sources.some((source) => source.accepted > 0)) return;
  const quarantined = sources.reduce((total, source) => total + source.quarantined, 0);
  const examples = sources.flatMap((source) => source.examples).slice(0, 3);
  throw new TitrateError('pool-empty', {
    what: `no row was accepted; ${quarantined} ${quarantined === 1 ? 'row was' : 'rows were'} quarantined${examples.length ? `, for instance ${examples.join('; ')}` : ''}`,
    where: sources.map((source) => source.source.uri).join(', '),
    remedy: 'Mend the files, or name the right columns',
  });
}
