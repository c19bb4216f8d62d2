import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../../src/foundation';
import { NATIVE_ATTRIBUTES, registerAttributeNames } from '../../../src/learning/backends/native-attributes';
import { newStartCell } from '../../../src/learning/backends/start-lock';

const filesUnder = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => path.join(folder, file));

/** Names that stand in a call or an object as the name of an attribute. */
const named = (text: string): string[] =>
  [...text.matchAll(/\bname: '(\w+)'|OpAttr\)?\(\s*'(\w+)'/g)].map(([, a, b]) => (a ?? b)!);

const missing = (files: readonly string[]): string[] =>
  [...new Set(files.flatMap((file) => named(readFileSync(file, 'utf8'))))].filter(
    (name) => !NATIVE_ATTRIBUTES.includes(name),
  );

describe('attribute names of native operations', () => {
  test('hold every one that the package gives', () => {
    const dist = path.join(packageRoot, 'node_modules/@tensorflow/tfjs-node-gpu/dist');
    const own = filesUnder(dist, '.js').filter((file) => !/_test\.js$|callbacks|saved_model|io\//.test(file));
    expect(own.length).toBeGreaterThan(100);
    expect(missing(own)).toEqual([]);
  });

  test('hold every one of ours', () => {
    const files = filesUnder(path.join(packageRoot, 'src/learning/backends'), '.ts');
    const own = files.filter((file) => /native|gather-sum|relu-gradient/.test(file));
    expect(own.flatMap((file) => named(readFileSync(file, 'utf8')))).toContain('use_locking');
    expect(missing(own)).toEqual([]);
    expect(NATIVE_ATTRIBUTES).toEqual(expect.arrayContaining(['Tsegmentids', 'Tnumsegments']));
  });

  test('are each given once, in an operation that is refused', () => {
    const given: string[] = [];
    registerAttributeNames({
      executeSingleOutput(_operation, [attribute]) {
        given.push(attribute!.name);
        throw new Error('unknown type');
      },
    });
    expect(given).toEqual(NATIVE_ATTRIBUTES);
    expect(new Set(given).size).toBe(given.length);
  });
});

describe('the lock of threads that start', () => {
  test('lets one thread in at a time, across what it awaits', async () => {
    const [cell, log] = [newStartCell(), new Int32Array(new SharedArrayBuffer(8))];
    const entry = path.join(packageRoot, 'dist/src/learning/backends/start-lock.js');
    const program = `
      const { workerData: { cell, log, entry } } = require('node:worker_threads');
      const { StartLock } = require(entry);
      const enter = () => new StartLock(cell).run(async () => {
        if (Atomics.add(log, 0, 1) !== 0) Atomics.add(log, 1, 1);
        for (let i = 0; i < 20; i++) await new Promise(setImmediate);
        Atomics.sub(log, 0, 1);
      });
      (async () => { for (let i = 0; i < 20; i++) await enter(); })();`;
    const ended = Array.from({ length: 3 }, () => {
      const worker = new Worker(program, { eval: true, workerData: { cell, log, entry } });
      return new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
    });
    expect(await Promise.all(ended)).toEqual([0, 0, 0]);
    expect([...log]).toEqual([0, 0]);
  });

  test('is given back by a body that fails', async () => {
    const { StartLock } = await import('../../../src/learning/backends/start-lock');
    const lock = new StartLock(newStartCell());
    await expect(lock.run(() => Promise.reject(new Error('no backend')))).rejects.toThrow('no backend');
    expect(await lock.run(() => Promise.resolve(1))).toBe(1);
  });
});
