/**
 * `node dist/scripts/bulk-beam.js FILE [--rows N] [--threads N] [--format F] [--smiles-column NAME] [--python PATH]`
 *
 * Standardises the first rows of a file inline and by the Beam pipeline of infra/dataflow on Beam's local runner, each into an object store of
 * its own, and compares: parts, rows, quarantine, and the keys they are recorded under. Prints one JSON object on standard output;
 * exits 1 when anything differs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createChemistry } from '../src/chemistry';
import {
  MEDIA_TYPES,
  moleculeCapsSchema,
  standardisationSchema,
  STEPS,
  type SourceSpec,
  type StandardisedPart,
  type StandardiseRequest,
} from '../src/contracts';
import { compiledEntry, hashOf, packageRoot } from '../src/foundation';
import { createFileObjectStore, createStepCache, type ObjectStore } from '../src/objects';
import { createInlineProcessor, PART_ROWS } from '../src/processing';
import { writeFrame } from '../src/processing/frames';
import { createRecordReader } from '../src/processing/record-reader';
import { partJobOf, type FramedPart, type PartManifest } from '../src/processing/standardiser-protocol';
import { detectReading, readSource } from '../src/sources';
import { recordBenchmark } from '../src/platform/bench';

/** Frames a landed source whole, as the Dataflow processor does. */
export async function frameSource(
  objects: ObjectStore,
  { landed, caps, standardisation }: StandardiseRequest,
  rdkit: string,
  partRows: number,
): Promise<PartManifest> {
  const { raw, source } = landed;
  const open = () => objects.openRead(raw);
  const reading = await detectReading(open, source);
  const localPath = () => objects.localPath(raw);
  const reader = createRecordReader(readSource({ raw: open, localPath, source, reading }));
  const parts: FramedPart[] = [];
  for (let part = 0; !(await reader.atEnd()); part++)
    parts.push({ part, ...(await writeFrame(objects, reader, partRows)) });
  const inputs = { sourceSha256: raw.sha256, source, reading, caps, standardisation, rdkit, partRows };
  return { job: partJobOf(inputs, STEPS.standardisePart.version), parts };
}

export interface BeamResult {
  readonly status: number | null;
  readonly log: string;
  readonly parts: readonly (StandardisedPart & { readonly part: number; readonly cached: boolean })[];
}

/**
 * Runs infra/dataflow/pipeline.py on Beam's local runner.
 * @param python an interpreter that has apache-beam
 * @param options more arguments of the pipeline
 */
export async function runPipeline(
  python: string,
  manifest: PartManifest,
  store: string,
  options: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<BeamResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-beam-'));
  const [manifestFile, resultFile] = [
    path.join(folder, 'manifest.json'),
    path.join(folder, 'out', 'result.json'),
  ];
  writeFileSync(manifestFile, JSON.stringify(manifest));
  const child = spawn(
    python,
    [
      path.join(packageRoot, 'infra', 'dataflow', 'pipeline.py'),
      ...['--runner', 'DirectRunner', '--manifest', manifestFile, '--store', store, '--result', resultFile],
      ...options,
    ],
    {
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: '1',
        TITRATE_STANDARDISER: `${process.execPath} ${compiledEntry('src/processing/standardiser-process')}`,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (log += piece.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  const parts =
    status === 0
      ? (JSON.parse(readFileSync(resultFile, 'utf8')) as { parts: BeamResult['parts'] }).parts
      : [];
  rmSync(folder, { recursive: true, force: true });
  return { status, log, parts };
}

const secondsOf = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const start = performance.now();
  return [await work(), (performance.now() - start) / 1000];
};

/** The first rows of a file as NDJSON: what is compared is standardising, and any format becomes short this way. */
async function firstRows(source: SourceSpec, rows: number): Promise<Buffer> {
  const raw = () => createReadStream(source.uri);
  const reading = await detectReading(raw, source);
  const lines: string[] = [];
  for await (const record of readSource({ raw, localPath: async () => source.uri, source, reading })) {
    lines.push(record.ok ? JSON.stringify({ smiles: record.structure.text }) : 'malformed', '\n');
    if (lines.length === 2 * rows) break;
  }
  return Buffer.from(lines.join(''));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '100000' },
      threads: { type: 'string', default: String(os.availableParallelism()) },
      format: { type: 'string' },
      'smiles-column': { type: 'string' },
      python: { type: 'string', default: path.join(packageRoot, '.titrate/beam/bin/python') },
    },
  });
  const threads = Number(values.threads);
  const file = {
    uri: positionals[0]!,
    format: values.format as SourceSpec['format'],
    smilesColumn: values['smiles-column'],
  };
  const bytes = await firstRows(file, Number(values.rows));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bulk-beam-'));
  try {
    const chemistry = createChemistry({ threads });
    const open = async (name: string) => {
      const directory = path.join(folder, name);
      const objects = createFileObjectStore(directory);
      const raw = await objects.put(bytes, MEDIA_TYPES.raw);
      const request: StandardiseRequest = {
        landed: { source: { uri: 'rows.ndjson', format: 'ndjson' }, raw },
        caps: moleculeCapsSchema.parse({}),
        standardisation: standardisationSchema.parse({}),
      };
      return { directory, objects, request };
    };
    const [inline, beam] = [await open('inline'), await open('beam')];
    const processor = createInlineProcessor({
      objects: inline.objects,
      steps: createStepCache(inline.objects),
      chemistry,
    });
    const [outcome, inlineSeconds] = await secondsOf(() => processor.standardise(inline.request));
    const expected = JSON.parse(
      (await inline.objects.get(outcome.value.parts)).toString(),
    ) as StandardisedPart[];

    const manifest = await frameSource(beam.objects, beam.request, await chemistry.version(), PART_ROWS);
    await chemistry.close();
    const store = `file:${beam.directory}`;
    const [run, beamSeconds] = await secondsOf(() =>
      runPipeline(values.python, manifest, store, ['--threads', String(threads)]),
    );
    if (run.status !== 0) throw new Error(run.log);

    const found = run.parts.map(({ rows, quarantine, accepted, quarantined }) => ({
      rows,
      quarantine,
      accepted,
      quarantined,
    }));
    const keysOf = (objects: ObjectStore) => objects.listRecords(`steps/${STEPS.standardisePart.name}/`);
    const equal = {
      parts: hashOf(found) === hashOf(expected),
      keys: hashOf(await keysOf(beam.objects)) === hashOf(await keysOf(inline.objects)),
    };
    const { accepted, quarantined } = outcome.value;
    const result = { rows: accepted + quarantined, accepted, quarantined, parts: expected.length, equal };
    process.stdout.write(`${JSON.stringify({ ...result, inlineSeconds, beamSeconds }, null, 2)}\n`);
    recordBenchmark('beam', [
      {
        ...{ name: 'standardising by Beam', value: beamSeconds, unit: 's' },
        peer: { name: 'inline', value: inlineSeconds },
      },
    ]);
    if (!equal.parts || !equal.keys) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
