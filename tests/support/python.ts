import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { describeWhere } from './describe-where';

/** The Python environments that `npm test` makes under .titrate/ (tests/support/requirements*.txt), and the variables that name others. */
const ENVIRONMENTS = {
  oracle: { folder: 'python', variable: 'TITRATE_TEST_PYTHON', requirements: 'requirements.txt' },
  cloud: { folder: 'cloud', variable: 'TITRATE_TEST_CLOUD_PYTHON', requirements: 'requirements-cloud.txt' },
  wandb: { folder: 'wandb', variable: 'TITRATE_TEST_WANDB_PYTHON', requirements: 'requirements-wandb.txt' },
  serving: {
    folder: 'serving',
    variable: 'TITRATE_TEST_SERVING_PYTHON',
    requirements: 'requirements-serving.txt',
  },
  kubernetes: {
    folder: 'kubernetes',
    variable: 'TITRATE_TEST_KUBERNETES_PYTHON',
    requirements: 'requirements-kubernetes.txt',
  },
  infrastructure: {
    folder: 'infrastructure',
    variable: 'TITRATE_TEST_INFRASTRUCTURE_PYTHON',
    requirements: 'requirements-infrastructure.txt',
  },
  beam: { folder: 'beam', variable: 'TITRATE_TEST_BEAM_PYTHON', requirements: 'requirements-beam.txt' },
} as const;
export type PythonEnvironment = keyof typeof ENVIRONMENTS;

/** Path of an environment's interpreter; null where it was not made. */
export function pythonOf(environment: PythonEnvironment): string | null {
  const { folder, variable } = ENVIRONMENTS[environment];
  const candidates = [process.env[variable], path.join(packageRoot, '.titrate', folder, 'bin', 'python')];
  return candidates.find((candidate) => candidate && existsSync(candidate)) ?? null;
}

/** The interpreter with the oracle packages. */
export const oraclePython = (): string | null => pythonOf('oracle');

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
 * `describe` for tests that need one of the Python environments. Without it a developer's machine skips them and says so in one
 * line; with TITRATE_SKIP_NOTHING (CI sets it) they fail instead.
 */
export function describeWithPython(
  name: string,
  body: () => void,
  environment: PythonEnvironment = 'oracle',
): void {
  const { requirements } = ENVIRONMENTS[environment];
  const lacks = `no Python with the packages of tests/support/${requirements}`;
  describeWhere(pythonOf(environment) ? null : lacks, name, body);
}
