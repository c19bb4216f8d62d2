import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { packageRoot, release } from '../../foundation';

const figureSchema = z.strictObject({
  name: z.string().min(1),
  value: z.number(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']).default('lower'),
  /** What the value is held against: another program, or our own way of doing without, measured in the same run. */
  peer: z
    .strictObject({ name: z.string().min(1), value: z.number() })
    .nullable()
    .default(null),
  /** Of value to peer. */
  ratio: z.number().nullable().default(null),
  /** Not of time: the same on a busy machine, so that it may be judged without a peer. */
  steady: z.boolean().default(false),
});
export type BenchFigure = z.infer<typeof figureSchema>;
/** What a benchmark says of one figure; the ratio follows from value and peer. */
export type BenchFigureInput = Omit<z.input<typeof figureSchema>, 'ratio'>;

export const benchRecordSchema = z.strictObject({
  benchmark: z.string().min(1),
  at: z.iso.datetime(),
  revision: z.string(),
  machine: z.strictObject({ cpu: z.string(), cores: z.number(), node: z.string(), system: z.string() }),
  /** What it was run with: runs with other options are not compared. */
  options: z.string(),
  figures: z.array(figureSchema),
});
export type BenchRecord = z.infer<typeof benchRecordSchema>;

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** The commit, with a + where something was changed since; the version where there is no repository. */
export function revisionHere(): string {
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') ? `${commit}+` : commit;
  } catch {
    return release;
  }
}

export function machineHere(): BenchRecord['machine'] {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? '',
    cores: os.availableParallelism(),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
  };
}

/** Where a table lies, and where the report goes, is not what was measured. */
const NOT_MEASURED: ReadonlySet<string> = new Set(['--output', '--cache', '--python']);

/** The options of a run, files by their names alone. */
export function optionsOf(argv: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    if (NOT_MEASURED.has(argv[i]!)) i++;
    else kept.push(argv[i]!.includes(path.sep) ? path.basename(argv[i]!) : argv[i]!);
  }
  return kept.join(' ');
}

/** A record of what was measured here and now. Figures that are no numbers (nothing was measured) are left out. */
export function makeRecord(
  benchmark: string,
  figures: readonly BenchFigureInput[],
  argv: readonly string[],
): BenchRecord {
  return benchRecordSchema.parse({
    benchmark,
    at: new Date().toISOString(),
    revision: revisionHere(),
    machine: machineHere(),
    options: optionsOf(argv),
    figures: figures
      .filter(({ value, peer }) => Number.isFinite(value) && (!peer || Number.isFinite(peer.value)))
      .map((figure) => ({
        ...figure,
        ratio: figure.peer && figure.peer.value !== 0 ? figure.value / figure.peer.value : null,
      })),
  });
}
