import { MEDIA_TYPES, type ArtifactRef } from '../../src/contracts';
import { createPointerLog, createStepCache, type ObjectStore } from '../../src/objects';
import { createDatasets, createEngine, type Datasets } from '../../src/datasets';
import { allOf, by, newHome, sourceOf, told, type Home, type RowOf } from './support';

const engine = createEngine();
afterAll(() => engine.close());

const DAY = 24 * 3600 * 1000;
let home: Home;
let objects: ObjectStore;
let datasets: Datasets;
beforeEach(() => {
  home = newHome(engine);
  ({ objects, datasets } = home);
});

async function commit(rows: readonly RowOf[], dataset = 'pool') {
  const quarantine = [
    { line: 99, raw: `row ${rows[0]!.n}`, reason: 'molecule-empty' as const, message: 'empty' },
  ];
  const sources = [await sourceOf(objects, rows, { uri: 'a.csv', quarantine })];
  return (await datasets.commit({ dataset, onto: 'nothing', sources, ...by })).version;
}
const put = (text: string) => objects.put(Buffer.from(text), MEDIA_TYPES.model);
const there = async (refs: readonly ArtifactRef[]) => Promise.all(refs.map((ref) => objects.has(ref.sha256)));
const bytesOf = (version: { rows: ArtifactRef; shards: readonly ArtifactRef[] }) => [
  version.rows,
  ...version.shards,
];
/** As if everything so far had happened `days` ago. */
const later = (days: number) => ({ olderThanMs: DAY, now: Date.now() + days * DAY });
const request = { keep: 1, dryRun: false, author: 'eve', reason: 'the disk is full', ...later(2) };

test('what nobody needs goes, what anything live needs stays, and a dry run says the same', async () => {
  const old = await commit([{ n: 1 }, { n: 2, value: 1 }]);
  const tagged = await commit([{ n: 3 }]);
  const campaigns = await commit([{ n: 4 }]);
  const branched = await commit([{ n: 5 }]);
  const head = await commit([{ n: 6 }]);
  const other = await commit([{ n: 7 }], 'other');
  const otherHead = await commit([{ n: 8 }], 'other');
  await datasets.tag('pool', 'release', tagged.id, { ...by, operationId: 't' });
  const model = await put('model');
  await objects.createRecord(
    'campaigns/c/header',
    Buffer.from(JSON.stringify({ dataVersion: campaigns.id })),
  );
  await objects.createRecord(
    'campaigns/d/branches/1',
    Buffer.from(JSON.stringify({ dataVersion: branched.id })),
  );
  await objects.createRecord('models/c/v1', Buffer.from(JSON.stringify({ weights: model })));
  const steps = createStepCache(objects);
  const step = { name: 'featurise-shard', version: 1 };
  const featurise = (version: typeof head, text: string) =>
    steps.run(step, { inputs: { shard: version.shards[0]!.sha256 } }, () => put(text));
  const live = (await featurise(head, 'features of the head')).value;
  const dead = (await featurise(old, 'features of the old version')).value;
  const garbage = await put('nobody ever wrote this down');

  const dry = await datasets.prune({ ...request, dataset: 'pool', dryRun: true });
  expect(await there([garbage, dead, ...bytesOf(old)])).not.toContain(false);
  expect((await datasets.list('pool')).every(({ pruned }) => pruned === null)).toBe(true);
  const report = await datasets.prune({ ...request, dataset: 'pool' });
  expect(report).toEqual(dry);
  expect(report.versions).toEqual([old.id]);
  expect(new Map(report.kept.map(({ id, because }) => [id, because]))).toEqual(
    new Map([
      [tagged.id, 'tagged pool@release'],
      [campaigns.id, 'record campaigns/c/header names it'],
      [branched.id, 'record campaigns/d/branches/1 names it'],
      [head.id, 'head of pool'],
      [other.id, 'belongs to other'],
      [otherHead.id, 'head of other'],
    ]),
  );
  expect(await there([garbage, dead, ...bytesOf(old)])).not.toContain(true);
  for (const version of [tagged, campaigns, branched, head, other, otherHead]) {
    expect(await there(bytesOf(version))).not.toContain(false);
    expect((await allOf(datasets.rows(version))).length).toBe(1);
  }
  expect(await there([model, live])).toEqual([true, true]);
  expect(report.objects).toBeGreaterThan(4);
  expect(report.bytes).toBeGreaterThan(0);
  // Nothing is left to do.
  expect(await datasets.prune({ ...request, dataset: 'pool' })).toMatchObject({ versions: [], objects: 0 });
});

test('who comes after is told who pruned it, when and why; the manifest stays', async () => {
  const old = await commit([{ n: 1 }]);
  await commit([{ n: 2 }]);
  await datasets.prune(request);
  const fresh = createDatasets({ objects, pointers: createPointerLog(objects), engine });
  const told = {
    code: 'artifact-pruned',
    message: expect.stringMatching(
      new RegExp(`${old.id}: the bytes .* pruned by eve on 20.*the disk is full.*Ingest`),
    ),
  };
  expect(await fresh.version(old.id)).toEqual(old);
  await expect(allOf(fresh.rows(old))).rejects.toMatchObject(told);
  await expect(allOf(fresh.quarantine(old))).rejects.toMatchObject(told);
  await expect(fresh.measuredValues(old, undefined)).rejects.toMatchObject(told);
  await expect(fresh.exportTo(old, `${home.folder}/x.csv`, 'csv')).rejects.toMatchObject(told);
  await expect(fresh.rollback('pool', old.id, { ...by, operationId: 'r' })).rejects.toMatchObject(told);
  await expect(fresh.tag('pool', 'x', old.id, { ...by, operationId: 'x' })).rejects.toMatchObject(told);
  expect((await fresh.list('pool')).map(({ pruned }) => pruned?.author)).toEqual(['eve', undefined]);
});

test('a pruned version that is committed again gets its bytes back, whoever writes them', async () => {
  const old = await commit([{ n: 1 }, { n: 2, value: 3 }]);
  const next = await commit([{ n: 2 }]);
  await datasets.prune(request);
  // Another DuckDB may write other bytes for the same rows: here, the manifest names bytes that no rows give.
  for (const round of ['the same', 'other']) {
    const again = await commit([{ n: 1 }, { n: 2, value: 3 }]);
    expect(again.id).toBe(old.id);
    expect(told(await allOf(datasets.rows(old)))).toEqual(['1', '2=3']);
    const [first] = await datasets.list('pool');
    expect(first).toMatchObject({ pruned: null, isHead: true, version: { id: old.id, author: old.author } });
    if (round === 'other') break;
    await datasets.rollback('pool', next.id, { ...by, operationId: 'away' });
    expect((await datasets.prune(request)).versions).toEqual([old.id]);
  }
});

test('bytes that are written otherwise than the manifest says are found all the same', async () => {
  const old = await commit([{ n: 1 }, { n: 2, value: 3 }]);
  await commit([{ n: 2 }]);
  await datasets.prune(request);
  const padding: ObjectStore = {
    ...objects,
    // A space more in the JSON: other bytes, the same quarantine.
    putStream: async (data, mediaType) => {
      if (mediaType !== MEDIA_TYPES.ndjson) return objects.putStream(data, mediaType);
      const chunks: Buffer[] = [];
      for await (const chunk of data as AsyncIterable<Buffer>) chunks.push(chunk);
      return objects.put(Buffer.from(Buffer.concat(chunks).toString().replace('{', '{ ')), mediaType);
    },
  };
  const written = createDatasets({ objects: padding, pointers: createPointerLog(objects), engine });
  const sources = [await sourceOf(objects, [{ n: 1 }, { n: 2, value: 3 }], { uri: 'a.csv', quarantine: [{ line: 99, raw: 'row 1', reason: 'molecule-empty', message: 'empty' }] })]; // prettier-ignore
  const { version } = await written.commit({ dataset: 'pool', onto: 'nothing', sources, ...by });
  expect(version.id).toBe(old.id);
  expect(version.quarantine.sha256).not.toBe(old.quarantine.sha256);
  expect(await datasets.version(old.id)).toEqual(version);
  // The bytes noted anew are as live as those noted first.
  await datasets.prune(request);
  expect(await there([version.quarantine, ...bytesOf(version)])).not.toContain(false);
});

test('young versions, young objects, and versions that were a head until lately stay', async () => {
  const once = await commit([{ n: 1 }]);
  await commit([{ n: 2 }]);
  const garbage = await put('just stored');
  const report = await datasets.prune({ ...request, keep: 0, now: Date.now() });
  expect(report).toMatchObject({ versions: [], objects: 0 });
  expect(report.kept.find(({ id }) => id === once.id)?.because).toBe('in use too lately');
  expect(await there([garbage])).toEqual([true]);
  expect((await datasets.prune({ ...request, keep: 2 })).versions).toEqual([]);
  expect((await datasets.prune({ ...request, keep: 0 })).versions).toEqual([once.id]);
});

test('landings that nobody committed go, those of versions stay', async () => {
  const version = await commit([{ n: 1 }]);
  const forgotten = await sourceOf(objects, [{ n: 2 }], { uri: 'forgotten.csv' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const retention = { ...request, landingsOlderThanMs: 0 };
  expect(await datasets.prune({ ...retention, dryRun: true })).toMatchObject({ landings: 1 });
  expect(await datasets.prune(retention)).toMatchObject({
    landings: 1,
    versions: [],
  });
  expect(await there([forgotten.raw])).toEqual([false]);
  expect(await objects.has(version.sources[0]!.sha256)).toBe(true);
});

test('a head that moves onto a version while it is being pruned wins', async () => {
  const old = await commit([{ n: 1 }]);
  await commit([{ n: 2 }]);
  let raced = false;
  const racing: ObjectStore = {
    ...objects,
    async createRecord(key, data) {
      const created = await objects.createRecord(key, data);
      if (key.startsWith('pointers/retention/') && !raced) {
        raced = true;
        // A commit, which looks at the mark only after its own move.
        await createPointerLog(objects).move('datasets/pool', old.id, { ...by, operationId: 'elsewhere' });
      }
      return created;
    },
  };
  const pruning = createDatasets({ objects: racing, pointers: createPointerLog(racing), engine });
  const report = await pruning.prune(request);
  expect(raced).toBe(true);
  expect(report.versions).toEqual([]);
  expect(report.kept).toContainEqual({ id: old.id, because: 'head of pool' });
  expect(told(await allOf(datasets.rows(await datasets.resolve('pool'))))).toEqual(['1']);
});

test('wrong requests are refused', async () => {
  await commit([{ n: 1 }]);
  for (const wrong of [{ keep: -1 }, { keep: 0.5 }, { olderThanMs: Number.NaN }, { reason: '' }])
    await expect(datasets.prune({ ...request, ...wrong })).rejects.toMatchObject({ code: 'usage' });
  await expect(datasets.prune({ ...request, dataset: 'pol' })).rejects.toMatchObject({ code: 'not-found' });
});
