import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compiledEntry } from '../../../src/foundation';
import type { StandardiserAnswer } from '../../../src/processing/standardiser-protocol';

/** Runs the standardiser process on lines of input, to its end. */
export async function runStandardiser(
  store: string,
  lines: readonly string[],
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ answers: StandardiserAnswer[]; log: string; status: number | null }> {
  const child = spawn(
    process.execPath,
    [compiledEntry('src/processing/standardiser-process'), '--store', store, ...options],
    { env: { ...process.env, ...env } },
  );
  let out = '';
  let log = '';
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (log += piece.toString()));
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const [status] = (await once(child, 'close')) as [number | null];
  const answers = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StandardiserAnswer);
  return { answers, log, status };
}
