import { Readable } from 'node:stream';
import {
  MEDIA_TYPES,
  nearestName,
  QUARANTINE_REASONS,
  TitrateError,
  type ArtifactRef,
  type DatasetVersion,
  type QuarantineRow,
} from '../contracts';
import type { ObjectStore } from '../objects';
import type { VersionBytes } from './bytes';
import type { GivenSource, MergePlan } from './merging';
import { linesOf, NEWLINE } from './lines';

const BATCH_ROWS = 1000;

/**
 * A version's quarantine: one stretch a source, in the order of its sources, as many lines as the source says. So a line's place
 * tells its source, also where two sources have the same bytes.
 */
export async function writeQuarantine(
  objects: ObjectStore,
  bytes: VersionBytes,
  base: DatasetVersion | null,
  plan: MergePlan,
  given: readonly GivenSource[],
): Promise<ArtifactRef> {
  async function* kept() {
    if (!base || !plan.kept.some((source) => source.quarantined > 0)) return;
    let at = 0;
    let left = base.sources[0]?.quarantined ?? 0;
    for await (const lines of linesOf(await bytes.quarantine(base))) {
      const keeps: Buffer[] = [];
      for (const line of lines) {
        while (left === 0 && at < base.sources.length) left = base.sources[++at]?.quarantined ?? 0;
        if (plan.keeps[at]) keeps.push(line);
        left--;
      }
      if (keeps.length) yield Buffer.concat(keeps);
    }
  }
  async function* fresh() {
    for (const { stored, parts } of given) {
      let lines = 0;
      for (const part of parts) {
        if (part.quarantined === 0) continue;
        for await (const chunk of (await objects.openRead(part.quarantine)) as AsyncIterable<Buffer>) {
          for (let i = chunk.indexOf(NEWLINE); i >= 0; i = chunk.indexOf(NEWLINE, i + 1)) lines++;
          yield chunk;
        }
      }
      if (lines !== stored.quarantined) {
        throw new TitrateError('artifact-corrupt', {
          what: `${stored.quarantined} rows should be in quarantine, its parts hold ${lines}`,
          where: `source '${stored.name}'`,
          remedy: 'Ingest the source again',
        });
      }
    }
  }
  async function* all() {
    yield* kept();
    yield* fresh();
  }
  return objects.putStream(Readable.from(all(), { objectMode: false }), MEDIA_TYPES.ndjson);
}

/** @throws TitrateError usage for a reason or a source there is not. */
export async function* readQuarantine(
  bytes: VersionBytes,
  version: DatasetVersion,
  filter: { readonly reason?: string; readonly source?: string } = {},
): AsyncGenerator<(QuarantineRow & { readonly source: string })[]> {
  checkName('reason', filter.reason, QUARANTINE_REASONS, version);
  const names = [...new Set(version.sources.map((source) => source.name))];
  checkName('source', filter.source, names, version);

  let batch: (QuarantineRow & { source: string })[] = [];
  let at = 0;
  let left = version.sources[0]?.quarantined ?? 0;
  try {
    for await (const lines of linesOf(await bytes.quarantine(version))) {
      for (const line of lines) {
        while (left === 0 && at < version.sources.length) left = version.sources[++at]?.quarantined ?? 0;
        const source = version.sources[at]?.name ?? '';
        left--;
        if (filter.source !== undefined && filter.source !== source) continue;
        const row = JSON.parse(line.toString('utf8')) as QuarantineRow;
        if (filter.reason !== undefined && filter.reason !== row.reason) continue;
        batch.push({ ...row, source });
        if (batch.length < BATCH_ROWS) continue;
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    throw await bytes.explain(version, error);
  }
  if (batch.length) yield batch;
}

function checkName(
  what: string,
  name: string | undefined,
  known: readonly string[],
  version: DatasetVersion,
): void {
  if (name === undefined || known.includes(name)) return;
  const near = nearestName(name, known);
  throw new TitrateError('usage', {
    what: `there is no ${what} '${name}'`,
    where: `dataset version ${version.id}`,
    remedy: near ? `Did you mean '${near}'?` : `There are: ${known.slice(0, 20).join(', ')}`,
  });
}
