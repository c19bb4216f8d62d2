import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/foundation';
import { makeBucket, startGcsServer } from '../support/gcs-server';
import { describeWithPython } from '../support/python';

const run = promisify(execFile);

interface Told {
  /** Molecules that RDKit was asked for. */
  readonly standardised: number;
  readonly featurised: number;
  readonly version: string;
  readonly features: string;
}

describeWithPython(
  'a second process that reads features through Cloud Storage',
  () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'titrate-second-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.each(['memory', 'filesystem'] as const)('computes nothing (%s)', async (backend) => {
      const server = await startGcsServer({ backend });
      try {
        await makeBucket(server.endpoint, 'features', backend === 'memory');
        const script = path.join(__dirname, 'featurise-through-gcs.cjs');
        const file = path.join(packageRoot, 'examples/solubility/measured.csv');
        const start = async (name: string) => {
          const home = path.join(folder, backend, name);
          const args = [script, path.join(packageRoot, 'dist'), server.endpoint, 'features', home, file];
          const { stdout } = await run(process.execPath, args);
          return JSON.parse(stdout) as Told;
        };
        const first = await start('first');
        expect(first).toMatchObject({ standardised: 1025, featurised: 1007 });
        expect(await start('second')).toEqual({ ...first, standardised: 0, featurised: 0 });
      } finally {
        await server.stop();
      }
    });
  },
  'cloud',
);
