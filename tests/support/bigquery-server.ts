import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/foundation';
import { pythonOf } from './python';

export interface BigQueryServer {
  /** `http://127.0.0.1:<port>`, for the client's `apiEndpoint`. */
  readonly endpoint: string;
  readonly project: string;
  /** Ends the process and waits for it; twice is once. */
  stop(): Promise<void>;
}

/**
 * Starts an empty BigQuery (bqemulator: everything in memory) on a free loopback port, and waits until it answers.
 * Needs the Python of environment `cloud`: wrap the tests in describeWithPython(…, 'cloud').
 * @param options.gcsRoot folder that `gs://bucket/name` is read from, as `<gcsRoot>/bucket/name`
 */
export async function startBigQueryServer(
  options: { readonly gcsRoot?: string; readonly project?: string } = {},
): Promise<BigQueryServer> {
  const python = pythonOf('cloud');
  if (!python) throw new Error('no Python with the packages of tests/support/requirements-cloud.txt');
  const project = options.project ?? 'titrate-test';
  const script = path.join(packageRoot, 'tests', 'support', 'bigquery-emulator.py');
  const child = spawn(python, [script, project, ...(options.gcsRoot ? [options.gcsRoot] : [])], {
    env: { ...process.env, OMP_NUM_THREADS: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => (complaints = (complaints + String(data)).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) resolve((JSON.parse(line) as { port: number }).port);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`the BigQuery server ended before it answered:\n${complaints}`)));
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    project,
    async stop() {
      child.kill('SIGTERM');
      const impatient = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(impatient);
    },
  };
}
