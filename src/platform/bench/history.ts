import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { benchRecordSchema, makeRecord, type BenchFigureInput, type BenchRecord } from './record';

/** Moves the history, or switches it off. */
const VARIABLE = 'TITRATE_BENCH_HISTORY';
const OFF = 'off';

/** NDJSON of BenchRecord, the oldest first; null where the history is switched off. */
export function historyFile(home: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const named = env[VARIABLE];
  return named === OFF ? null : (named ?? path.join(home, 'bench', 'history.ndjson'));
}

export interface BenchHistory {
  readonly records: readonly BenchRecord[];
  /** Lines that are no record, by their numbers: of a run that was killed while it wrote, or of a later version. */
  readonly unreadable: readonly number[];
}

export function readHistoryFile(file: string): BenchHistory {
  if (!existsSync(file)) return { records: [], unreadable: [] };
  const records: BenchRecord[] = [];
  const unreadable: number[] = [];
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      unreadable.push(i + 1);
      continue;
    }
    const parsed = benchRecordSchema.safeParse(value);
    if (parsed.success) records.push(parsed.data);
    else unreadable.push(i + 1);
  }
  return { records, unreadable };
}

/** One line, in one write: runs beside each other do not tear each other's records. */
export function appendRecord(file: string, record: BenchRecord): void {
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(record)}\n`);
}

/** The last line of every benchmark: writes down what it has measured. A history that cannot be written spoils no benchmark. */
export function recordBenchmark(benchmark: string, figures: readonly BenchFigureInput[]): void {
  const file = historyFile(process.env.TITRATE_HOME ?? '.titrate');
  if (file === null || figures.length === 0) return;
  try {
    appendRecord(file, makeRecord(benchmark, figures, process.argv.slice(2)));
    process.stderr.write(`${benchmark}: recorded in ${file}\n`);
  } catch (error) {
    process.stderr.write(`${benchmark}: not recorded: ${(error as Error).message}\n`);
  }
}
