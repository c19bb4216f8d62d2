import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { unlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TitrateError } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { artifactsIn, createFileObjectStore, createStepCache, stepHash } from '../../src/objects';

const directory = mkdtempSync(path.join(tmpdir(), 'titrate-steps-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const objects = createFileObjectStore(directory);
let serial = 0;
/** A step nobody has run. */
const fresh = () => ({ name: `step-${++serial}`, version: 1 });
const key = { inputs: { rows: 'a'.repeat(64) }, parameters: { bits: 1024 }, seed: 7 };

describe('step cache', () => {
  test('computes once and returns the recorded output afterwards, also from another cache', async () => {
    const step = fresh();
    let computed = 0;
    const compute = () => Promise.resolve({ n: ++computed });
    const cache = createStepCache(objects);
    expect(await cache.run(step, key, compute)).toMatchObject({ value: { n: 1 }, cached: false });
    expect(await cache.run(step, key, compute)).toMatchObject({ value: { n: 1 }, cached: true });
    expect(await createStepCache(objects).run(step, key, compute)).toMatchObject({
      value: { n: 1 },
      cached: true,
    });
    expect(computed).toBe(1);
  });

  test('anything the output depends on is part of the key', async () => {
    const step = fresh();
    const cache = createStepCache(objects);
    let computed = 0;
    const compute = () => Promise.resolve(++computed);
    const variants: [typeof step, Parameters<typeof cache.run>[1]][] = [
      [step, key],
      [{ ...step, version: 2 }, key],
      [fresh(), key],
      [step, { ...key, inputs: { rows: 'b'.repeat(64) } }],
      [step, { ...key, parameters: { bits: 2048 } }],
      [step, { ...key, seed: 8 }],
      [step, { ...key, runtime: { backend: 'wasm' } }],
    ];
    for (const [s, k] of variants) await cache.run(s, k, compute);
    expect(computed).toBe(variants.length);
    // The order in which parameters are written is not.
    expect(stepHash(step, { inputs: {}, parameters: { a: 1, b: 2 } })).toBe(
      stepHash(step, { inputs: {}, parameters: { b: 2, a: 1 } }),
    );
  });

  test('equal keys at once share one computation', async () => {
    const step = fresh();
    const cache = createStepCache(objects);
    let computed = 0;
    const compute = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return ++computed;
    };
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => cache.run(step, key, compute)));
    expect(outcomes.map((outcome) => outcome.value)).toEqual(Array(8).fill(1));
    expect(outcomes.filter((outcome) => !outcome.cached)).toHaveLength(1);
  });

  test('caches that race (two processes) return the first record written', async () => {
    const step = fresh();
    const slow = createStepCache(objects).run(step, key, async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { by: 'slow' };
    });
    const fast = createStepCache(objects).run(step, key, () => Promise.resolve({ by: 'fast' }));
    expect((await fast).value).toEqual({ by: 'fast' });
    expect((await slow).value).toEqual({ by: 'fast' });
  });

  test('a failure is not recorded', async () => {
    const step = fresh();
    const cache = createStepCache(objects);
    await expect(cache.run(step, key, () => Promise.reject(new Error('no memory')))).rejects.toThrow(
      'no memory',
    );
    expect(await cache.run(step, key, () => Promise.resolve(1))).toMatchObject({ value: 1, cached: false });
  });

  test('whoever waited on a cancelled computation does it alone', async () => {
    const step = fresh();
    const cache = createStepCache(objects);
    const cancelled = cache.run(step, key, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new TitrateError('cancelled', { what: 'cancelled' });
    });
    const waiting = cache.run(step, key, () => Promise.resolve('done'));
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect((await waiting).value).toBe('done');
  });

  test('an output whose artifacts are gone is computed again', async () => {
    const step = fresh();
    const cache = createStepCache(objects);
    let computed = 0;
    const compute = async () => {
      const n = ++computed;
      return { made: [await objects.put(Buffer.from(`model ${step.name} ${n}`), 'x/model')], n };
    };
    const first = await cache.run(step, key, compute);
    await unlink(await objects.localPath(first.value.made[0]!));
    const again = await cache.run(step, key, compute);
    expect(again).toMatchObject({ value: { n: 2 }, cached: false });
    expect(await objects.has(again.value.made[0]!.sha256)).toBe(true);
    // The new output is what everybody gets from now on.
    expect(await createStepCache(objects).run(step, key, compute)).toMatchObject({
      value: { n: 2 },
      cached: true,
    });
  });

  test('an output that comes back the same stands under its first record', async () => {
    const step = fresh();
    const compute = async () => ({ made: await objects.put(Buffer.from(`same ${step.name}`), 'x/model') });
    const first = await createStepCache(objects).run(step, key, compute);
    await unlink(await objects.localPath(first.value.made));
    expect((await createStepCache(objects).run(step, key, compute)).value).toEqual(first.value);
    expect(await objects.listRecords(`steps/${step.name}/`)).toHaveLength(1);
  });

  test('an output that is not plain JSON is refused, not bent', async () => {
    await expect(
      createStepCache(objects).run(fresh(), key, () => Promise.resolve({ rmse: NaN })),
    ).rejects.toMatchObject({
      code: 'internal',
    });
  });

  test('killed while computing or recording, a step leaves no half record', async () => {
    const step = fresh();
    const script = `
      const { createFileObjectStore, createStepCache } = require(${JSON.stringify(compiledEntry('src/objects/index'))});
      const store = createFileObjectStore(${JSON.stringify(directory)});
      // Dies after the record's bytes are on the disk and before they have their name: createRecord cut off at link(2).
      require('node:fs/promises').link = () => { console.log('linking'); process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); };
      createStepCache(store).run(${JSON.stringify(step)}, ${JSON.stringify(key)}, async () => ({ by: 'the dead' }));`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += String(data)));
    const signal = await new Promise((resolve) => child.once('close', (_code, by) => resolve(by)));
    expect({ signal, output }).toEqual({ signal: 'SIGKILL', output: 'linking\n' });
    expect(await objects.listRecords(`steps/${step.name}/`)).toEqual([]);
    expect(
      await createStepCache(objects).run(step, key, () => Promise.resolve({ by: 'the living' })),
    ).toMatchObject({
      value: { by: 'the living' },
      cached: false,
    });
  });

  test('finds references at any depth', () => {
    const ref = { uri: 'sha256:x', sha256: 'c'.repeat(64), bytes: 1, mediaType: 'x/y' };
    expect(artifactsIn({ a: [{ b: ref }], c: null, d: 'text', e: ref })).toEqual([ref, ref]);
    expect(artifactsIn({ sha256: 'not one', mediaType: 'x/y' })).toEqual([]);
  });

  test('a recorded output that is returned is spared by a prune that had decided on it', async () => {
    const cache = createStepCache(objects);
    const step = fresh();
    const compute = async () => ({ rows: await objects.put(Buffer.from(step.name), 'x/y') });
    const { rows } = (await cache.run(step, key, compute)).value;
    const file = await objects.localPath(rows);
    await utimes(file, new Date(0), new Date(0));
    const since = Date.now() - 1000;
    expect((await cache.run(step, key, compute)).cached).toBe(true);
    expect(await objects.deleteObject(rows.sha256, since)).toBe(false);
    expect(await objects.has(rows.sha256)).toBe(true);
  });
});
