import { createReadStream } from 'node:fs';
import type { DatasetRow } from '../../src/contracts';
import { createFileObjectStore, createPointerLog } from '../../src/objects';
import { createDatasets, createEngine } from '../../src/datasets';
import { allOf, by, molecule, newFolder, newHome, sourceOf, told, type Home } from './support';

const engine = createEngine();
let home: Home;
beforeEach(() => {
  home = newHome(engine);
});
afterAll(() => engine.close());

const pool = { dataset: 'pool', onto: 'head' as const, ...by };

test('a commit killed between any two steps and repeated gives the same version', async () => {
  const folder = newFolder();
  const whole = newHome(engine);
  const make = async (objects: Home['objects']) => [
    await sourceOf(objects, [{ n: 1, value: 3 }], { uri: 'a.csv' }),
    await sourceOf(objects, [{ n: 2 }, { n: 3 }], { uri: 'b.csv' }),
  ];
  const base = await sourceOf(whole.objects, [{ n: 9 }], { uri: 'base.csv' });
  await whole.datasets.commit({ ...pool, sources: [base] });
  const expected = await whole.datasets.commit({ ...pool, sources: await make(whole.objects) });

  const objects = createFileObjectStore(folder);
  const fresh = () => createDatasets({ objects, pointers: createPointerLog(objects), engine });
  await fresh().commit({ ...pool, sources: [await sourceOf(objects, [{ n: 9 }], { uri: 'base.csv' })] });
  const sources = await make(objects);
  let kills = 0;
  for (let calls = 1; ; calls++) {
    let left = calls;
    const dying = new Proxy(objects, {
      get: (target, property) => {
        const method = target[property as keyof typeof target] as (...args: unknown[]) => unknown;
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          if (left-- <= 0) throw new Error('killed');
          return method.apply(target, args);
        };
      },
    });
    const datasets = createDatasets({ objects: dying, pointers: createPointerLog(dying), engine });
    const ended = await datasets.commit({ ...pool, sources }).catch((error: Error) => error.message);
    if (ended !== 'killed') {
      expect(ended).toMatchObject({ version: { id: expected.version.id } });
      break;
    }
    kills++;
  }
  expect(kills).toBeGreaterThan(10);
  const { version, duplicates } = await fresh().commit({ ...pool, sources });
  expect({ id: version.id, duplicates }).toEqual({ id: expected.version.id, duplicates: 0 });
  expect(await fresh().history('pool')).toHaveLength(2);
  expect((await allOf(fresh().rows(version))).length).toBe(4);
});

test('rows of the first release are read, and built upon', async () => {
  const { objects, datasets } = home;
  const { smiles, moleculeId, inchiKey } = molecule(4);
  const file = `${home.folder}/old.parquet`;
  await engine.session((session) =>
    session.query(
      `COPY (SELECT '${moleculeId}' AS "moleculeId", '${smiles}' AS smiles, '${inchiKey}' AS "inchiKey", 'raw' AS "rawSmiles", NULL::VARCHAR AS "compoundId",
        1.5::DOUBLE AS value, 'nM' AS unit, '=' AS qualifier, '${'a'.repeat(64)}' AS "sourceSha256", 2::INTEGER AS line) TO '${file}' (FORMAT parquet)`,
    ),
  );
  const empty = await objects.put(Buffer.alloc(0), 'application/x-ndjson');
  const id = `data_${'1'.repeat(32)}`;
  const old = {
    id,
    dataset: 'pool',
    parent: null,
    schema: 'titrate.dataset/1',
    ruleSet: 'standard-2',
    rowsSha256: 'b'.repeat(64),
    rows: await objects.putStream(createReadStream(file), 'application/vnd.apache.parquet'),
    quarantine: empty,
    shards: [],
    molecules: 1,
    acceptedRows: 1,
    quarantinedRows: 0,
    duplicateRows: 0,
    measuredRows: 1,
    sources: [{ uri: 'old.csv', sha256: 'a'.repeat(64), accepted: 1, quarantined: 0 }],
    ...by,
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  await objects.createRecord(`datasets/${id}`, Buffer.from(JSON.stringify(old)));
  const row: DatasetRow = { moleculeId, smiles, inchiKey, rawSmiles: 'raw', value: 1.5, unit: 'nM', qualifier: '=', sourceSha256: 'a'.repeat(64), line: 2 }; // prettier-ignore
  const version = await datasets.version(id);
  expect(version.sources[0]!.name).toBe('old.csv');
  expect(await allOf(datasets.rows(version))).toEqual([row]);
  await expect(datasets.resolve('pool')).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('no head') }); // prettier-ignore
  await datasets.rollback('pool', id, { ...by, operationId: 'head' });
  const more = await sourceOf(objects, [{ n: 5 }], { uri: 'more.csv' });
  const { version: next } = await datasets.commit({ ...pool, sources: [more] });
  expect(next).toMatchObject({ parent: id, schema: 'titrate.dataset/2', acceptedRows: 2 });
  const over = await datasets.commit({
    ...pool,
    sources: [await sourceOf(objects, [{ n: 6 }], { uri: 'old.csv' })],
  });
  expect(told(await allOf(datasets.rows(over.version)))).toEqual(['5', '6']);
  expect(await datasets.exportTo(version, `${home.folder}/v1.parquet`, 'parquet')).toEqual({ rows: 1 });
});
