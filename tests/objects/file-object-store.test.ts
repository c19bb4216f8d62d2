import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { compiledEntry, sha256 } from '../../src/foundation';
import { createFileObjectStore } from '../../src/objects';
import { describeObjectStore } from '../contract/object-store';

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(path.join(tmpdir(), 'titrate-objects-')));
  return folders.at(-1)!;
};
afterAll(() => folders.forEach((at) => rmSync(at, { recursive: true, force: true })));

describeObjectStore('files', async () => {
  const directory = folder();
  return {
    store: createFileObjectStore(directory),
    other: createFileObjectStore(directory),
    async corrupt(sha256, bytes) {
      const file = path.join(directory, 'objects', sha256.slice(0, 2), sha256);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
    },
  };
});

describe('file object store', () => {
  test('processes racing on the same records: each record has exactly one creator', async () => {
    const directory = folder();
    const script = `
      const { createFileObjectStore } = require(${JSON.stringify(compiledEntry('src/objects/index'))});
      const store = createFileObjectStore(${JSON.stringify(directory)});
      process.stdin.once('data', async () => {
        const won = [];
        for (let i = 0; i < 50; i++) if (await store.createRecord('race/' + i, Buffer.from(process.argv[1]))) won.push(i);
        console.log(JSON.stringify(won));
        process.exit(0);
      });
      console.log('ready');`;
    const children = ['a', 'b'].map((name) => {
      const child = spawn(process.execPath, ['-e', script, name], { stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      const ready = new Promise<void>((resolve) =>
        child.stdout.on('data', (data: Buffer) => {
          output += String(data);
          if (output.startsWith('ready')) resolve();
        }),
      );
      const done = new Promise<number[]>((resolve) =>
        child.once('close', () => resolve(JSON.parse(output.split('\n')[1]!))),
      );
      return { name, child, ready, done };
    });
    await Promise.all(children.map(({ ready }) => ready));
    children.forEach(({ child }) => child.stdin.write('go\n'));
    const won = await Promise.all(children.map(({ done }) => done));
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const store = createFileObjectStore(directory);
    for (const [i, { name }] of children.entries()) {
      for (const record of won[i]!) expect(String(await store.readRecord(`race/${record}`))).toBe(name);
    }
  });

  test('a writer killed in mid-stream leaves no object', async () => {
    const directory = folder();
    const script = `
      const { createFileObjectStore } = require(${JSON.stringify(compiledEntry('src/objects/index'))});
      const { Readable } = require('node:stream');
      async function* half() { yield Buffer.alloc(1 << 20, 1); console.log('half'); await new Promise((r) => setTimeout(r, 60000)); }
      createFileObjectStore(${JSON.stringify(directory)}).putStream(Readable.from(half()), 'x/y');`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const store = createFileObjectStore(directory);
    const ref = await store.putStream(Readable.from([Buffer.alloc(1 << 20, 1)]), 'x/y');
    expect(readdirSync(path.join(directory, 'objects'))).toEqual([ref.sha256.slice(0, 2)]);
  });

  test('records and objects lie in trees of their own', async () => {
    const directory = folder();
    const store = createFileObjectStore(directory);
    await store.put(Buffer.from('x'), 'text/plain');
    await store.createRecord('a/b', Buffer.from('y'));
    expect(readdirSync(directory).sort()).toEqual(['objects', 'records']);
  });

  test('references name no directory, so that artifacts that hold them are the same everywhere', async () => {
    const [one, two] = [createFileObjectStore(folder()), createFileObjectStore(folder())];
    expect(await one.put(Buffer.from('x'), 'text/plain')).toEqual(
      await two.put(Buffer.from('x'), 'text/plain'),
    );
  });

  test('what a writer acknowledges outlives deletions at work in the same moment', async () => {
    const directory = folder();
    const [writer, deleter] = [createFileObjectStore(directory), createFileObjectStore(directory)];
    const data = Buffer.from('contended');
    const sha = sha256(data);
    const old = new Date(Date.now() - 3600_000);
    const file = path.join(directory, 'objects', sha.slice(0, 2), sha);
    let deleted = 0;
    for (let round = 0; round < 90; round++) {
      await writer.put(data, 'x/y');
      await utimes(file, old, old);
      const since = Date.now() - 1000;
      const store = [
        () => writer.put(data, 'x/y'),
        () => writer.putStream(Readable.from([data]), 'x/y'),
        () => writer.renew(sha).then(async (there) => there || (await writer.put(data, 'x/y'))),
      ][round % 3]!;
      const [, gone] = await Promise.all([
        store(),
        pause(round % 4 ? undefined : 1).then(() => deleter.deleteObject(sha, since)),
      ]);
      if (gone) deleted++;
      expect(await writer.get({ sha256: sha })).toEqual(data);
    }
    expect(deleted).toBeGreaterThan(0);
    expect(deleted).toBeLessThan(90);
  });

  test('a promotion and an expiry at the same moment: promoted, or missing and said so', async () => {
    const directory = folder();
    const [ingest, janitor] = [createFileObjectStore(directory), createFileObjectStore(directory)];
    for (let round = 0; round < 30; round++) {
      const data = Buffer.from(`landing ${round}`);
      const { sha256: sha } = await ingest.land(Readable.from([data]), 'x/y');
      await utimes(path.join(directory, 'landing', sha.slice(0, 2), sha), new Date(0), new Date(0));
      const [promoted, expired] = await Promise.all([
        ingest.promote(sha).then(
          () => true,
          (error: { code?: string }) => error.code !== 'artifact-missing',
        ),
        janitor.expireLandings(1000),
      ]);
      expect(await ingest.has(sha)).toBe(promoted);
      if (!promoted) expect(expired).toEqual([sha]);
    }
  });

  test('an object that a killed deletion left aside is still there, and is put back', async () => {
    const directory = folder();
    const store = createFileObjectStore(directory);
    const ref = await store.put(Buffer.from('x'), 'text/plain');
    const landed = await store.land(Readable.from([Buffer.from('y')]), 'text/plain');
    for (const [area, { sha256: sha }] of [
      ['objects', ref],
      ['landing', landed],
    ] as const) {
      await mkdir(path.join(directory, 'leaving', area), { recursive: true });
      const file = path.join(directory, area, sha.slice(0, 2), sha);
      await rename(file, path.join(directory, 'leaving', area, `${sha}.killed`));
      expect(await store.has(sha)).toBe(true);
      expect(await store.get({ sha256: sha })).toHaveLength(1);
      expect(await store.localPath({ sha256: sha })).toContain('leaving');
    }
    const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 120_000);
    const listed = [];
    for await (const object of store.listObjects()) listed.push(object.sha256);
    later.mockRestore();
    expect(listed).toEqual([ref.sha256]);
    expect(readdirSync(path.join(directory, 'leaving', 'objects'))).toEqual([]);
    expect(await store.localPath(landed)).toContain(path.join(directory, 'landing'));
  });
});
