import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Ingested } from '../../src/cli/verbs/data/ingest';
import { compiledEntry, createRandom, packageRoot } from '../../src/foundation';
import { eventually } from '../support/eventually';

/**
 * `titrate data ingest`, killed (SIGKILL) at random moments and started again. TITRATE_CHAOS=all kills more often and reads more.
 */
const all = process.env.TITRATE_CHAOS === 'all';
const KILLS = all ? 40 : 4;
const COPIES = all ? 30 : 10;
/** A run lives for so long at first, ms; each later one a little longer, so that in the end one comes through. */
const SHORTEST_LIFE_MS = 400;
const LONGEST_LIFE_MS = 4000;

describe('an ingest that is killed', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-ingest-chaos-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'pool.csv');

  /** Molecules that differ from copy to copy, so that there is chemistry to do in each. */
  function writePool(copies: number): void {
    const [header, ...rows] = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
      .trim()
      .split(/\r?\n/);
    const all = Array.from({ length: copies }, (_, copy) =>
      rows.map((row) => row.replace(/^([^,]*,(?:"[^"]*"|[^,]*),)/, `$1${'C'.repeat(copy)}`)),
    );
    writeFileSync(file, [header, ...all.flat()].join('\n'));
  }

  function ingest(home: string, lifeMs?: number): Promise<Ingested | null> {
    const args = [
      '--json',
      '--home',
      path.join(directory, home),
      'data',
      'ingest',
      file,
      '--dataset',
      'pool',
    ];
    const child = spawn(process.execPath, [compiledEntry('src/cli/main'), ...args, '--id-column', 'id'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const death = lifeMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), lifeMs);
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += String(data)));
    return new Promise((resolve) =>
      child.once('close', (code) => {
        clearTimeout(death);
        resolve(code === 0 ? (JSON.parse(out) as Ingested) : null);
      }),
    );
  }

  test('ends in the same version, however often it was killed', async () => {
    writePool(COPIES);
    const undisturbed = await ingest('undisturbed');
    // Not every molecule takes a methyl group where its SMILES begins.
    expect(undisturbed!.accepted).toBeGreaterThan(500 * COPIES);

    const random = createRandom(1);
    let survived = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const life = SHORTEST_LIFE_MS + random.next() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
      const ended = await ingest('killed', life);
      if (!ended) continue;
      survived++;
      expect(ended).toEqual(undisturbed);
    }
    expect(survived).toBeLessThan(KILLS);
    expect(await ingest('killed')).toEqual(undisturbed);
  }, 900_000);

  test('that is interrupted by Ctrl-C says so, exits with 130, and goes on when it is started again', async () => {
    writePool(20);
    const args = ['--json', '--home', path.join(directory, 'interrupted'), 'data', 'ingest', file];
    const child = spawn(process.execPath, [compiledEntry('src/cli/main'), ...args, '--dataset', 'pool']);
    const told = { out: '', err: '' };
    child.stdout.on('data', (data: Buffer) => (told.out += String(data)));
    child.stderr.on('data', (data: Buffer) => (told.err += String(data)));
    const ended = new Promise((resolve) => child.once('close', resolve));
    // One part of three is recorded: the next ones are under way.
    const parts = path.join(directory, 'interrupted/objects/records/steps/standardise-part');
    await eventually(() => Promise.resolve(existsSync(parts)), Boolean, { seconds: 60, every: 50 });
    child.kill('SIGINT');
    const code = await ended;
    expect(told.err).toContain('run the same command again to go on from here');
    expect(JSON.parse(told.out)).toMatchObject({ error: { code: 'cancelled' } });
    expect(code).toBe(130);
  }, 120_000);
});
