/** Runs the peer of bench:pool in a process of its own, on one thread. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FeatureMatrix } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';

export interface PoolPeerProblem {
  /** Features in the layout `counts`. */
  readonly labelled: FeatureMatrix;
  readonly pool: FeatureMatrix;
  readonly targets: Float64Array;
  /** What a fitted model tells of itself, and `incumbent` and `top`. */
  readonly job: Readonly<Record<string, number | string>>;
}

export interface PoolPeerAnswer {
  /** Of scoring the pool, features at hand. */
  readonly seconds: number;
  readonly cpu: number;
  /** Logarithm of expected improvement, one a row of the pool. */
  readonly scores: Float64Array;
}

const raw = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

/** @throws Error with the peer's words if it fails */
export function runPoolPeer(python: string, problem: PoolPeerProblem): PoolPeerAnswer {
  const { labelled, pool, targets, job } = problem;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-'));
  const file = (name: string) => path.join(folder, name);
  try {
    for (const [name, features] of Object.entries({ labels: labelled, pool })) {
      writeFileSync(file(`${name}.data`), raw(features.data));
      writeFileSync(file(`${name}.offsets`), raw(features.offsets!));
    }
    writeFileSync(file('targets'), raw(targets));
    writeFileSync(file('job.json'), JSON.stringify({ ...job, columns: pool.columns }));
    const script = path.join(packageRoot, 'scripts', 'peers', 'pool.py');
    const run = spawnSync(python, ['-B', script, folder], {
      encoding: 'utf8',
      env: { ...process.env, ...ONE_THREAD },
    });
    if (run.status !== 0) throw new Error(`the peer failed with status ${run.status}:\n${run.stderr}`);
    const scores = new Float64Array(new Uint8Array(readFileSync(file('scores'))).buffer);
    return { ...(JSON.parse(run.stdout) as { seconds: number; cpu: number }), scores };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
