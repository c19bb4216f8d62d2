import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';

/** The interpreter with the oracle packages; `npm test` makes it once under .titrate/python. */
export function oraclePython(): string | null {
  const candidates = [process.env.TITRATE_TEST_PYTHON, path.join(packageRoot, '.titrate/python/bin/python')];
  return candidates.find((candidate) => candidate && existsSync(candidate)) ?? null;
}

/** Runs a Python script with `input` as JSON on its standard input; its standard output is JSON. */
export function runPython<T>(script: string, input: unknown): T {
  const python = oraclePython();
  if (!python) throw new Error('no Python with the oracle packages; run npm test, which makes one');
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const result = spawnSync(python, ['-c', script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env,
  });
  if (result.status !== 0) throw new Error(`the Python oracle failed:\n${result.stderr}`);
  return JSON.parse(result.stdout) as T;
}

/**
 * `describe` for tests that compare with Python. Without the packages a developer's machine skips them and says so in one
 * line; with TITRATE_SKIP_NOTHING (CI sets it) they fail instead.
 */
export function describeWithPython(name: string, body: () => void): void {
  if (oraclePython() || process.env.TITRATE_SKIP_NOTHING) {
    describe(name, body);
  } else {
    process.stderr.write(`skipped: ${name}: no Python with the packages of tests/support/requirements.txt\n`);
    describe.skip(name, body);
  }
}
