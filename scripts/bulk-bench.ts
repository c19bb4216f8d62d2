/**
 * `node dist/scripts/bulk-bench.js FILE [--rows N] [--threads N] [--repeats N] [--smiles-column NAME]`
 *
 * What the inline processor costs on top of the chemistry: the same records go to the bare standardiser (batches of 512, two in flight)
 * and through the processor, by turns, so that a busy machine slows both. Prints one JSON object on standard output.
 */
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createChemistry, type Chemistry } from '../src/chemistry';
import { MEDIA_TYPES, moleculeCapsSchema, standardisationSchema, type SourceSpec } from '../src/contracts';
import { createFileObjectStore, createStepCache } from '../src/objects';
import { createInlineProcessor } from '../src/processing';
import { detectReading, readSource, type SourceStructure } from '../src/sources';
import { recordBenchmark } from '../src/platform/bench';

const BATCH = 512;
const TICKS_A_SECOND = 100;

/** CPU seconds of the main thread so far; null where the system does not tell (proc(5), Linux). */
function mainThreadSeconds(): number | null {
  try {
    const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return null;
  }
}

interface Cost {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly mainThreadSeconds: number | null;
}

async function measure(work: () => Promise<number>): Promise<Cost> {
  const [start, cpu, main] = [performance.now(), process.cpuUsage(), mainThreadSeconds()];
  const rows = await work();
  const used = process.cpuUsage(cpu);
  return {
    rows,
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    mainThreadSeconds: main === null ? null : mainThreadSeconds()! - main,
  };
}

const caps = moleculeCapsSchema.parse({});
const standardisation = standardisationSchema.parse({});

async function readStructures(source: SourceSpec, rows: number): Promise<SourceStructure[][]> {
  const raw = () => createReadStream(source.uri);
  const reading = await detectReading(raw, source);
  const batches: SourceStructure[][] = [[]];
  let count = 0;
  for await (const record of readSource({ raw, localPath: async () => source.uri, source, reading })) {
    if (!record.ok) continue;
    if (batches.at(-1)!.length === BATCH) batches.push([]);
    batches.at(-1)!.push(record.structure);
    if (++count === rows) break;
  }
  return batches;
}

async function bare(chemistry: Chemistry, batches: readonly SourceStructure[][]): Promise<number> {
  const queue = batches.values();
  let rows = 0;
  const lane = async () => {
    for (const batch of queue) {
      const outcomes = await chemistry.standardise(batch, caps, standardisation);
      rows += outcomes.length;
    }
  };
  await Promise.all([lane(), lane()]);
  return rows;
}

async function inline(chemistry: Chemistry, batches: readonly SourceStructure[][]): Promise<number> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-'));
  try {
    const objects = createFileObjectStore(directory);
    const text = batches.flat().map((structure, i) => `${structure.text}\tcompound-${i}\n`);
    const raw = await objects.put(Buffer.from(text.join('')), MEDIA_TYPES.raw);
    const source: SourceSpec = { uri: 'bench.smi', format: 'smi' };
    const processor = createInlineProcessor({ objects, steps: createStepCache(objects), chemistry });
    const { value } = await processor.standardise({ landed: { source, raw }, caps, standardisation });
    return value.accepted + value.quarantined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '20000' },
      threads: { type: 'string', default: String(os.availableParallelism()) },
      repeats: { type: 'string', default: '2' },
      format: { type: 'string' },
      'smiles-column': { type: 'string' },
    },
  });
  const source = {
    uri: positionals[0]!,
    format: values.format as SourceSpec['format'],
    smilesColumn: values['smiles-column'],
  };
  const batches = await readStructures(source, Number(values.rows));
  const chemistry = createChemistry({ threads: Number(values.threads) });
  // The threads start, and compile what they run: the first thousands of molecules are slower.
  await bare(chemistry, batches.slice(0, 8));
  const costs = { bare: [] as Cost[], inline: [] as Cost[] };
  for (let i = 0; i < Number(values.repeats); i++) {
    costs.bare.push(await measure(() => bare(chemistry, batches)));
    costs.inline.push(await measure(() => inline(chemistry, batches)));
  }
  await chemistry.close();
  const total = (list: readonly Cost[], key: 'rows' | 'seconds' | 'cpuSeconds') =>
    list.reduce((sum, cost) => sum + cost[key], 0);
  const mainMicroseconds = (list: readonly Cost[]) =>
    list.some((cost) => cost.mainThreadSeconds === null)
      ? null
      : (1e6 * list.reduce((sum, cost) => sum + cost.mainThreadSeconds!, 0)) / total(list, 'rows');
  const describe = (list: readonly Cost[]) => ({
    rowsPerSecond: total(list, 'rows') / total(list, 'seconds'),
    runs: list.map(({ rows, seconds }) => Math.round(rows / seconds)),
    cpuMicrosecondsPerRow: (1e6 * total(list, 'cpuSeconds')) / total(list, 'rows'),
    mainThreadMicrosecondsPerRow: mainMicroseconds(list),
  });
  const [alone, whole] = [describe(costs.bare), describe(costs.inline)];
  const result = {
    rows: Number(values.rows),
    threads: Number(values.threads),
    bare: alone,
    inline: whole,
    throughputRatio: whole.rowsPerSecond / alone.rowsPerSecond,
    cpuRatio: alone.cpuMicrosecondsPerRow / whole.cpuMicrosecondsPerRow,
    peakRssMegabytes: process.resourceUsage().maxRSS / 1024,
  };
  recordBenchmark('ingest', [
    {
      ...{ name: 'inline path', value: whole.rowsPerSecond, unit: 'rows/s', better: 'higher' },
      peer: { name: 'bare standardiser', value: alone.rowsPerSecond },
    },
    {
      ...{ name: 'CPU of a row, inline path', value: whole.cpuMicrosecondsPerRow, unit: 'µs' },
      peer: { name: 'bare standardiser', value: alone.cpuMicrosecondsPerRow },
    },
    { name: 'peak memory', value: result.peakRssMegabytes, unit: 'MB', steady: true },
  ]);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

void main();
