import { Readable } from 'node:stream';
import {
  TitrateError,
  type TrackedArtifactName,
  type TrackedPoint,
  type TrackedRun,
  type TrackedTable,
  type TrackedValue,
} from '../../contracts';
import { isVersionAlias } from '../names';
import type { WandbApi, WandbConnection } from './api';
import { chartOf, tableFile, tableName, type TableFile } from './media';
import { openRuns } from './open-runs';
import * as operations from './operations';
import type { RunThere } from './operations';

/** Lines go in requests of about this size, bytes: W&B's own client keeps them below 10 MB. */
const STREAM_BYTES = 4 * 2 ** 20;
/** Steps asked for at once; W&B thins out longer answers. */
const HISTORY_PAGE = 1_000;
const HISTORY_FILE = 'wandb-history.jsonl';
const SUMMARY_FILE = 'wandb-summary.json';

type WandbConfig = Readonly<Record<string, { readonly value?: unknown } | undefined>>;
interface TableReference {
  readonly _type: 'table-file';
  readonly path: string;
}

const isTable = (value: unknown): value is TableReference =>
  (value as { _type?: unknown } | null)?._type === 'table-file';

/** The configuration as W&B keeps it: each value under `value`; charts among W&B's own settings. */
function configOf(run: TrackedRun): Record<string, { value: unknown }> {
  const config = Object.fromEntries(Object.entries(run.config).map(([key, value]) => [key, { value }]));
  const visualize = Object.assign({}, ...run.tables.map(chartOf)) as object;
  return { ...config, _wandb: { value: { visualize } } };
}

const referencesTo = (files: readonly TableFile[]) =>
  Object.fromEntries(files.map(({ key, reference }) => [key, reference]));

/** The history line by line; tables are its last line, so a run that has any does not grow. */
function linesOf(run: TrackedRun, files: readonly TableFile[]): string[] {
  const lines = run.history.map(({ step, values }) => JSON.stringify({ ...values, _step: step }));
  if (files.length) lines.push(JSON.stringify({ ...referencesTo(files), _step: lines.length }));
  return lines;
}

/** Cuts lines into pieces of about `STREAM_BYTES`, at least one line each. */
function* pieces(lines: readonly string[], offset: number): Iterable<{ offset: number; content: string[] }> {
  let content: string[] = [];
  let bytes = 0;
  for (const line of lines.slice(offset)) {
    if (content.length && bytes + line.length > STREAM_BYTES) {
      yield { offset, content };
      offset += content.length;
      content = [];
      bytes = 0;
    }
    content.push(line);
    bytes += line.length;
  }
  if (content.length) yield { offset, content };
}

/** Runs of one project: created by the SDK, filled and read back by calls of our own (docs/adr/0009). */
export function createWandbRuns(connection: WandbConnection, api: WandbApi, sdkTimeoutMs?: number) {
  const { entity, project } = connection;
  const inProject = { entity, project };

  const find = async (runId: string, signal: AbortSignal): Promise<RunThere | null> =>
    (await api.call(operations.RUN, { ...inProject, run: runId }, signal)).model?.bucket ?? null;

  async function put(run: TrackedRun, there: RunThere, signal: AbortSignal): Promise<void> {
    await api.call(
      operations.UPSERT_RUN,
      {
        input: {
          name: run.runId,
          entityName: entity,
          modelName: project,
          displayName: run.name,
          groupName: run.group,
          jobType: run.jobType,
          tags: [...run.tags],
          notes: run.notes,
          config: JSON.stringify(configOf(run)),
        },
      },
      signal,
    );
    const files = run.tables.map(tableFile);
    await putFiles(run.runId, files, signal);
    const lines = linesOf(run, files);
    for (const piece of pieces(lines, Math.min(there.historyLineCount ?? 0, lines.length)))
      await api.stream(run.runId, { files: { [HISTORY_FILE]: piece } }, signal);
    const summary = JSON.stringify({ ...run.summary, ...referencesTo(files) });
    await api.stream(
      run.runId,
      {
        files: { [SUMMARY_FILE]: { offset: 0, content: [summary] } },
        complete: true,
        exitcode: run.summary.failed === true ? 1 : 0,
      },
      signal,
    );
    for (const used of run.uses) await use(run.runId, used, signal);
  }

  async function filesThere(runId: string, names: readonly string[], signal: AbortSignal) {
    const answer = await api.call(operations.RUN_FILES, { ...inProject, run: runId, files: names }, signal);
    const nodes = answer.project?.run?.files.edges.flatMap(({ node }) => (node ? [node] : [])) ?? [];
    return new Map(nodes.map(({ name, directUrl }) => [name, directUrl]));
  }

  async function putFiles(runId: string, files: readonly TableFile[], signal: AbortSignal): Promise<void> {
    if (files.length === 0) return;
    const names = files.map(({ path }) => path);
    const answer = await api.call(
      operations.CREATE_RUN_FILES,
      { ...inProject, run: runId, files: names },
      signal,
    );
    const { uploadHeaders = [], files: addresses = [] } = answer.createRunFiles ?? {};
    for (const { path, content } of files) {
      const url = addresses.find(({ name }) => name === path)?.uploadUrl;
      if (!url) throw unexpected(`no address to write ${path} to`);
      const open = () => Promise.resolve(Readable.from([content]));
      await api.upload(url, uploadHeaders, { bytes: content.length, open }, signal);
    }
  }

  async function use(runId: string, used: TrackedArtifactName, signal: AbortSignal): Promise<void> {
    const name = `${used.collection}:${used.version}`;
    const found = (await api.call(operations.ARTIFACT, { ...inProject, name }, signal)).project?.artifact;
    if (!found) throw unexpected(`no artifact ${name} for a run to use`);
    if ((await usesOf(runId, signal)).some((other) => `${other.collection}:${other.version}` === name))
      return;
    const input = { artifactID: found.id, entityName: entity, projectName: project, runName: runId };
    await api.call(operations.USE_ARTIFACT, { input }, signal);
  }

  async function usesOf(runId: string, signal: AbortSignal): Promise<TrackedArtifactName[]> {
    const uses: TrackedArtifactName[] = [];
    for (let after: string | null = null; ;) {
      const answer: { project: { run: { inputArtifacts: UsePage | null } | null } | null } = await api.call(
        operations.RUN_USES,
        { ...inProject, run: runId, after },
        signal,
      );
      const page = answer.project?.run?.inputArtifacts;
      for (const { node } of page?.edges ?? [])
        for (const { alias, artifactCollectionName } of node?.aliases ?? [])
          if (isVersionAlias(alias)) uses.push({ collection: artifactCollectionName, version: alias });
      if (!page?.pageInfo.hasNextPage) return uses;
      after = page.pageInfo.endCursor;
    }
  }

  async function historyOf(run: RunThere, signal: AbortSignal): Promise<TrackedPoint[]> {
    const points: TrackedPoint[] = [];
    for (let minStep = 0; minStep < (run.historyLineCount ?? 0); minStep += HISTORY_PAGE) {
      const page = { minStep, maxStep: minStep + HISTORY_PAGE, samples: HISTORY_PAGE };
      const answer = await api.call(operations.HISTORY, { ...inProject, run: run.name, ...page }, signal);
      for (const line of answer.project?.run?.history ?? []) {
        const row = JSON.parse(line) as Record<string, unknown>;
        const values = Object.entries(row).filter(([key, value]) => !key.startsWith('_') && !isTable(value));
        if (values.length === 0 && Object.values(row).some(isTable)) continue;
        points.push({
          step: Number(row._step),
          values: Object.fromEntries(values) as Record<string, number>,
        });
      }
    }
    return points.sort((a, b) => a.step - b.step);
  }

  async function tablesOf(
    runId: string,
    references: readonly [string, TableReference][],
    charts: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<TrackedTable[]> {
    if (references.length === 0) return [];
    const there = await filesThere(
      runId,
      references.map(([, { path }]) => path),
      signal,
    );
    const tables: TrackedTable[] = [];
    for (const [key, { path }] of references) {
      const url = there.get(path);
      if (!url) continue;
      const text = await downloaded(url, signal);
      if (text === null) continue;
      const { columns, data } = JSON.parse(text) as { columns: string[]; data: TrackedTable['rows'] };
      tables.push({ name: tableName(key, charts), columns, rows: data });
    }
    return tables;
  }

  /** null when the file was announced and never arrived, or arrived in part. */
  async function downloaded(url: string, signal: AbortSignal): Promise<string | null> {
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of await api.download(url, signal)) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      JSON.parse(text);
      return text;
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof TitrateError && error.code === 'internal'))
        return null;
      throw error;
    }
  }

  const unexpected = (what: string) =>
    new TitrateError('unavailable', {
      what: `W&B gave ${what}`,
      where: `${connection.baseUrl}, ${entity}/${project}`,
    });

  return {
    async putRuns(runs: readonly TrackedRun[], signal: AbortSignal): Promise<void> {
      const missing: TrackedRun[] = [];
      for (const run of runs) if (!(await find(run.runId, signal))) missing.push(run);
      const toOpen = missing.map((run) => ({ runId: run.runId, name: run.name, config: configOf(run) }));
      await openRuns(connection, toOpen, signal, sdkTimeoutMs);
      for (const run of runs) {
        const there = await find(run.runId, signal);
        if (!there) throw unexpected(`no run ${run.runId} after its SDK had opened it`);
        await put(run, there, signal);
      }
    },

    async run(runId: string, signal: AbortSignal): Promise<TrackedRun | null> {
      const found = await find(runId, signal);
      if (!found) return null;
      const { _wandb, ...config } = JSON.parse((found.config as string | null) ?? '{}') as WandbConfig;
      const { visualize = {} } = (_wandb?.value ?? {}) as { visualize?: object };
      const summary = Object.entries(
        JSON.parse((found.summaryMetrics as string | null) ?? '{}') as Record<string, unknown>,
      );
      const references = summary.filter((entry): entry is [string, TableReference] => isTable(entry[1]));
      return {
        runId: found.name,
        name: found.displayName ?? '',
        group: found.group ?? '',
        jobType: (found.jobType ?? '') as TrackedRun['jobType'],
        tags: found.tags ?? [],
        notes: found.notes ?? '',
        config: Object.fromEntries(
          Object.entries(config).map(([key, entry]) => [key, entry?.value as TrackedValue]),
        ),
        history: await historyOf(found, signal),
        summary: Object.fromEntries(
          summary.filter(([key, value]) => !key.startsWith('_') && !isTable(value)),
        ) as TrackedRun['summary'],
        tables: await tablesOf(runId, references, new Set(Object.keys(visualize)), signal),
        uses: await usesOf(runId, signal),
      };
    },
  };
}

type UsePage = {
  readonly edges: readonly {
    readonly node: { readonly aliases: readonly { alias: string; artifactCollectionName: string }[] } | null;
  }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
};
