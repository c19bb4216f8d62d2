import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { compiledEntry } from '../../src/foundation';
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
    corrupt: (sha256, bytes) => writeFile(path.join(directory, 'objects', sha256.slice(0, 2), sha256), bytes),
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
});
