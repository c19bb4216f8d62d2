import type { Command } from 'commander';
import {
  shownUri,
  TitrateError,
  type DatasetVersion,
  type SourceSpec,
  type StandardisedSource,
} from '../../../contracts';
import type { Ports } from '../../../platform/composition';
import { verb } from '../../context';
import { interruption } from '../../interruption';
import { withPorts } from '../../ports';
import { createProgress } from '../../progress';
import { facts, formatNumber } from '../../table';
import { addAuthorOptions, authorship, type AuthorOptions } from '../../authorship';
import { addSourceOptions, chemistryOptions, sourceSpecs, type SourceOptions } from './source-options';

interface IngestOptions extends SourceOptions, AuthorOptions {
  readonly dataset: string;
  readonly only?: boolean;
  readonly replaces?: string[];
  readonly dryRun?: boolean;
}

/** What `titrate data ingest` ends with. */
export interface Ingested {
  readonly dataset: string;
  readonly version: string;
  /** Rows read: accepted and quarantined. */
  readonly rows: number;
  readonly accepted: number;
  /** Accepted rows whose molecule was there already: in an earlier row, or in the dataset. */
  readonly duplicates: number;
  readonly quarantined: number;
}

const count = (n: number) => n.toLocaleString('en');

async function standardise(
  ports: Ports,
  source: SourceSpec,
  how: ReturnType<typeof chemistryOptions>,
  signal: AbortSignal,
): Promise<StandardisedSource> {
  const fetching = createProgress(`fetching ${shownUri(source.uri)}`, 0);
  const landed = await ports
    .landing(process.stdin)
    .land(source, { signal, onProgress: (bytes, total) => fetching.update(bytes, total ?? bytes) })
    .finally(() => fetching.stop());
  const reading = createProgress(`standardising ${shownUri(source.uri)}`, landed.raw.bytes);
  const { value } = await ports
    .processor()
    .standardise(
      { landed, ...how },
      {
        signal,
        onProgress: ({ rows, bytes, totalBytes, job, state }) =>
          reading.update(
            bytes ?? 0,
            totalBytes ?? landed.raw.bytes,
            job ? `${job}: ${state ?? 'starting'}` : `${count(rows)} rows`,
          ),
      },
    )
    .finally(() => reading.stop());
  return value;
}

/** Sources of the version before that this one has under the same name and with other bytes, in words. */
async function replacedBy(ports: Ports, version: DatasetVersion, changed: boolean): Promise<string[]> {
  if (!changed || version.parent === null) return [];
  const before = (await ports.datasets.version(version.parent)).sources;
  return before
    .filter((old) => version.sources.every((now) => now.name !== old.name || now.sha256 !== old.sha256))
    .map(
      (old) =>
        `takes the place of the earlier source '${old.name}' (${count(old.accepted)} rows, sha256 ${old.sha256.slice(0, 12)}); it stays in ${version.parent}`,
    );
}

const ingest = verb<[string[]], IngestOptions>(async (cli, options, uris) => {
  const sources = sourceSpecs(uris, options);
  const how = chemistryOptions(options);
  const stdin = sources.filter(({ uri }) => uri === '-').length;
  if (stdin > 1 || (stdin === 1 && process.stdin.isTTY)) {
    throw new TitrateError('usage', {
      what:
        stdin > 1
          ? 'standard input can be read once'
          : "'-' means standard input, and nothing is piped into it",
      remedy: 'cat file.csv | titrate data ingest - --name file --dataset set',
    });
  }
  let committing = false;
  if (stdin === 1 && options.name === undefined) {
    throw new TitrateError('usage', {
      what: 'standard input has no name, and a later ingest under the same name takes its place',
      where: '-',
      remedy: 'Give it one with --name',
    });
  }
  // Stopped cleanly: what is done so far is found by the next call.
  const signal = interruption(cli, () =>
    committing
      ? 'committing; it ends in a moment'
      : 'stopping; run the same command again to go on from here',
  );
  await withPorts(
    cli.settings,
    async (ports) => {
      const standardised: StandardisedSource[] = [];
      for (const source of sources) standardised.push(await standardise(ports, source, how, signal));
      const sum = (of: (source: StandardisedSource) => number) =>
        standardised.reduce((total, source) => total + of(source), 0);
      const accepted = sum((source) => source.accepted);
      const quarantined = sum((source) => source.quarantined);
      for (const example of standardised.flatMap((source) => source.examples).slice(0, 5)) cli.say(example);
      if (options.dryRun) {
        const readings = standardised.map(({ source, reading }) => ({ uri: source.uri, ...reading }));
        cli.result(
          {
            dryRun: true,
            dataset: options.dataset,
            rows: accepted + quarantined,
            accepted,
            quarantined,
            readings,
          },
          (r) =>
            facts([
              ['rows', r.rows],
              ['accepted', r.accepted],
              ['quarantined', r.quarantined],
            ]),
        );
        cli.say('nothing was committed');
        return;
      }
      if (signal.aborted)
        throw new TitrateError('cancelled', { what: 'stopped before the commit', where: options.dataset });
      committing = true;
      const { version, changed, duplicates } = await ports.datasets.commit({
        dataset: options.dataset,
        sources: standardised,
        onto: options.only ? 'nothing' : 'head',
        replaces: options.replaces,
        ...authorship(options, `ingest of ${uris.map(shownUri).join(', ')}`),
      });
      // DuckDB's file may be in another process's hands, and reads the version's Parquet anyway.
      if (cli.settings.warehouse.engine === 'bigquery') await (await ports.warehouse()).indexDataset(version);
      const result: Ingested = {
        dataset: options.dataset,
        version: version.id,
        rows: accepted + quarantined,
        accepted,
        duplicates,
        quarantined,
      };
      cli.result(result, (r) =>
        facts([
          ['dataset', r.dataset],
          ['version', r.version],
          ['rows', r.rows],
          ['accepted', r.accepted],
          ['duplicates', r.duplicates],
          ['quarantined', r.quarantined],
          ['molecules', `${formatNumber(version.molecules)} in the version`],
        ]),
      );
      for (const line of await replacedBy(ports, version, changed)) cli.say(line);
      if (!changed) cli.say('the dataset held exactly this already: nothing has changed');
      if (quarantined)
        cli.say(
          `see the quarantined rows: titrate data quarantine ${options.dataset}; mend the file and ingest it again`,
        );
    },
    { job: 'ingest', tell: cli.say },
  );
});

export function ingestVerb(data: Command): void {
  const command = data
    .command('ingest <source...>')
    .description(
      'read files (CSV, TSV, SMILES, SDF, NDJSON, Parquet, each maybe gzipped), gs://, https://, bq:// or standard input (-) into a new version of a dataset',
    )
    .requiredOption('--dataset <name>', 'the dataset; made where it is not there')
    .option('--only', 'the new version holds just these sources, not what the dataset held before')
    .option('--replaces <name...>', 'names of earlier sources that these take the place of')
    .option('--dry-run', 'read and standardise, commit nothing');
  addAuthorOptions(addSourceOptions(command)).action(ingest);
}
