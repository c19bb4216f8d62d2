import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '../../src/foundation';
import { createFileObjectStore, createStepCache, liveObjects } from '../../src/objects';
import { tokenScanner } from '../../src/objects/reachability';

const directory = mkdtempSync(path.join(tmpdir(), 'titrate-live-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let serial = 0;
function open() {
  const at = path.join(directory, String(++serial));
  const objects = createFileObjectStore(at);
  const put = async (data: string | Buffer) => (await objects.put(Buffer.from(data), 'x/y')).sha256;
  const record = (key: string, value: unknown) =>
    objects.createRecord(key, Buffer.from(JSON.stringify(value)));
  const live = (isRoot: (key: string) => boolean = () => true, alsoLive: string[] = []) =>
    liveObjects(objects, { isRoot, alsoLive });
  return { at, objects, put, record, live };
}
const hex = (seed: string) => sha256(seed);

describe('live objects', () => {
  test('what a root record mentions is live, through JSON and NDJSON, and nothing else', async () => {
    const { put, record, live } = open();
    const leaf = await put('PAR1 columns');
    const other = await put(`PAR1 ${leaf}`);
    const lines = await put(`{"a":1}\n{"ref":"sha256:${leaf}"}\n`);
    const list = await put(`["${lines}"]`);
    const dead = await put(`{"ref":"${leaf}","x":1}`);
    await record('datasets/d1', { parts: { uri: `sha256:${list}` }, rows: other, note: hex('no object') });
    await record('datasets/d2', { rows: dead });
    const found = await live((key) => key !== 'datasets/d2');
    expect([...found].sort()).toEqual([leaf, other, lines, list].sort());
    expect(await live()).toContain(dead);
    expect([...(await live(() => false))]).toEqual([]);
    expect([...(await live(() => false, [list]))].sort()).toEqual([leaf, lines, list].sort());
  });

  test('Parquet, gzip and other bytes are leaves whatever they hold', async () => {
    const { put, record, live } = open();
    const mentioned = await put('mentioned');
    const leaves = [
      await put(`PAR1${mentioned}`),
      await put(Buffer.concat([gzipSync('x'), Buffer.from(mentioned)])),
      await put(`smiles,${mentioned}`),
      await put(''),
    ];
    await record('r', leaves);
    expect([...(await live())].sort()).toEqual([...leaves].sort());
  });

  test("a step's outputs live as long as its inputs that are stored objects", async () => {
    const { objects, put, record, live } = open();
    const raw = await put('raw');
    const free = await put('free of inputs');
    const parts = await put('{"rows":1}');
    const features = await put('TFM features');
    const steps = createStepCache(objects);
    const ref = (hash: string) => ({ uri: '', sha256: hash, bytes: 1, mediaType: 'x/y' });
    const run = (name: string, inputs: Record<string, string | string[]>, output: string) =>
      steps.run({ name, version: 1 }, { inputs }, () => Promise.resolve(ref(output)));
    await run('standardise', { raw, rules: hex('rules') }, parts);
    await run('featurise', { shards: [parts] }, features);
    await run('seeded', { molecules: hex('ids') }, free);
    expect([...(await live())]).toEqual([free]);
    expect([...(await live(() => true, [raw]))].sort()).toEqual([raw, parts, features, free].sort());
    expect([...(await live((key) => !key.startsWith('steps/'), [raw]))]).toEqual([raw]);
    await record('versions/v', { raw });
    expect([...(await live())].sort()).toEqual([raw, parts, features, free].sort());
    await objects.deleteObject(raw, Date.now() + 1000);
    // Gone for good: the step has no stored input left, so nothing says that its outputs may go.
    expect(await live()).toContain(parts);
  });

  test('outputs that mention their own input do not keep each other alive', async () => {
    const { objects, put, live } = open();
    const raw = await put('raw');
    const rows = await put(`{"sourceSha256":"${raw}"}\n`);
    await createStepCache(objects).run({ name: 's', version: 1 }, { inputs: { raw } }, () =>
      Promise.resolve({ rows }),
    );
    expect([...(await live())]).toEqual([]);
  });

  test('a live object that cannot be read whole stops the marking', async () => {
    const { at, put, record, live } = open();
    const list = await put('["x"]');
    await record('r', list);
    await writeFile(path.join(at, 'objects', list.slice(0, 2), list), '["y"]');
    await expect(live()).rejects.toMatchObject({ code: 'artifact-corrupt' });
  });

  test('the least fixed point of a random graph, against a plain computation of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.nat(9), { maxLength: 2 }),
        fc.array(fc.tuple(fc.array(fc.nat(9), { minLength: 1, maxLength: 2 }), fc.nat(9)), { maxLength: 4 }),
        async (graph, roots, steps) => {
          const { put, record, live } = open();
          // Object i mentions earlier ones only: a hash cannot mention itself.
          const hashes: string[] = [];
          for (const [i, edges] of graph.entries())
            hashes.push(
              await put(JSON.stringify({ i, refs: edges.filter((e) => e < i).map((e) => hashes[e]) })),
            );
          const at = (i: number) => i % hashes.length;
          await record(
            'roots',
            roots.map((i) => hashes[at(i)]),
          );
          for (const [i, [inputs, output]] of steps.entries()) {
            const key = { inputs: Object.fromEntries(inputs.map((n, k) => [`i${k}`, hashes[at(n)]])) };
            await record(`steps/s/${i}/1`, { key, value: hashes[at(output)] });
          }
          const expected = new Set(roots.map(at));
          for (let size = -1; size !== expected.size;) {
            size = expected.size;
            for (const i of [...expected]) graph[i]!.filter((e) => e < i).forEach((e) => expected.add(e));
            for (const [inputs, output] of steps)
              if (inputs.every((n) => expected.has(at(n)))) expected.add(at(output));
          }
          expect([...(await live())].sort()).toEqual([...expected].map((i) => hashes[i]!).sort());
        },
      ),
      { numRuns: 15, seed: 7 },
    );
  });

  test('tokens are found wherever the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom(hex('a'), hex('b'), '0'.repeat(63), 'f'.repeat(65), 'a'.repeat(128)),
            fc.string(),
          ),
          {
            maxLength: 8,
          },
        ),
        fc.nat(80),
        (pieces, size) => {
          const text = pieces.join('/');
          const expected = text.split(/[^0-9a-f]+/).filter((run) => run.length === 64);
          const found: string[] = [];
          const scan = tokenScanner((token) => found.push(token));
          for (let i = 0; i < text.length; i += size + 1) scan(text.slice(i, i + size + 1));
          scan(null);
          expect(found).toEqual(expected);
        },
      ),
      { seed: 3 },
    );
  });
});
