import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { compiledEntry } from '../../src/foundation';
import { createDuckDbIndex, rebuildWarehouse, type Warehouse } from '../../src/warehouse';
import { commit, config, molecule, newHome, openWarehouse, readCut, result, type Home } from './campaigns';

const rebuild = async (home: Home) =>
  rebuildWarehouse({ ...home, index: await createDuckDbIndex({ path: home.path, objects: home.objects }) });

/** Starts a process that opens the warehouse as `w` and runs `body`. */
function start(
  home: Home,
  body: string,
  before = '',
): { child: ChildProcessWithoutNullStreams; output: () => string; closed: Promise<unknown> } {
  const script = `
    ${before}
    const { createFileObjectStore, createPointerLog } = require(${JSON.stringify(compiledEntry('src/objects/index'))});
    const { createDatasets } = require(${JSON.stringify(compiledEntry('src/datasets/index'))});
    const { createDuckDbIndex, createWarehouse } = require(${JSON.stringify(compiledEntry('src/warehouse/index'))});
    const die = () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); };
    const say = (text) => require('node:fs').writeSync(1, text + '\\n');
    (async () => {
      const objects = createFileObjectStore(${JSON.stringify(`${home.directory}/objects`)});
      const datasets = createDatasets({ objects, pointers: createPointerLog(objects) });
      const index = await createDuckDbIndex({ path: ${JSON.stringify(home.path)}, objects });
      const w = await createWarehouse({ objects, datasets, index });
      ${body}
    })().catch((error) => { console.error(error); process.exit(1); });`;
  const child = spawn(process.execPath, ['-e', script]);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += String(data)));
  child.stderr.on('data', (data: Buffer) => process.stderr.write(data));
  return {
    child,
    output: () => output,
    closed: new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal))),
  };
}

const rows = JSON.stringify([result('r1', 1), result('r2', 2)]);
const dies = {
  link: `require('node:fs/promises').link`,
  run: `require('@duckdb/node-api').DuckDBConnection.prototype.run`,
};

async function state(warehouse: Warehouse, home: Home) {
  const results = await warehouse.results('c');
  const progress = await warehouse.batchProgress('c', 'b');
  return { results, progress, records: await home.objects.listRecords('campaigns/c/') };
}

describe('durability', () => {
  test('killed after the acknowledgement: everything is there, and a repeat is a duplicate', async () => {
    const home = newHome();
    const killed = start(
      home,
      `await w.openBatch('c', 'b', 1, ${JSON.stringify([molecule(1)])}); await w.recordResults('c', ${rows}); await die();`,
    );
    expect(await killed.closed).toBe('SIGKILL');
    const warehouse = await openWarehouse(home);
    expect((await warehouse.results('c')).map((row) => row.resultId)).toEqual(['r1', 'r2']);
    expect(await warehouse.batchProgress('c', 'b')).toEqual({ picks: 1, outstanding: 0 });
    const { receipts, total } = await warehouse.recordResults('c', [result('r1', 1), result('r3', 3)]);
    expect([receipts.map((receipt) => receipt.status), total]).toEqual([['duplicate', 'accepted'], 3]);
    await warehouse.close();
  });

  test.each([
    [
      'before its record has a name',
      `${dies.link} = (from, to) => (to.includes('/records/') ? die() : realLink(from, to));`,
      0,
    ],
    [
      'after its record, before the database',
      `${dies.run} = function (sql, ...rest) { return sql === 'COMMIT' ? die() : realRun.call(this, sql, ...rest); };`,
      2,
    ],
  ])('killed %s: a retry counts everything once', async (_name, patch, recorded) => {
    const home = newHome();
    const before = `const realLink = ${dies.link}; const realRun = ${dies.run};`;
    const killed = start(
      home,
      `${patch} say('recording'); await w.recordResults('c', ${rows}); say('acknowledged');`,
      before,
    );
    expect(await killed.closed).toBe('SIGKILL');
    expect(killed.output()).toBe('recording\n');
    const warehouse = await openWarehouse(home);
    expect(await warehouse.results('c')).toHaveLength(recorded);
    expect(await warehouse.recordResults('c', JSON.parse(rows))).toMatchObject({ total: 2 });
    expect((await warehouse.results('c')).map((row) => row.resultId)).toEqual(['r1', 'r2']);
    await warehouse.close();
  });

  test('killed at any moment: nothing acknowledged is lost, nothing counts twice', async () => {
    const home = newHome();
    const body = `
      for (let i = 0; ; i++) {
        const row = { ...${JSON.stringify(result('r', 1))}, resultId: 'r' + i };
        await w.recordResults('c', [row]);
        say(String(i));
      }`;
    let acknowledged = -1;
    for (const after of [3, 8, 15]) {
      const running = start(home, body);
      const target = acknowledged + after;
      while (Number(running.output().trim().split('\n').at(-1) || -1) < target)
        await new Promise((resolve) => setTimeout(resolve, 3));
      running.child.kill('SIGKILL');
      await running.closed;
      acknowledged = Math.max(acknowledged, ...running.output().trim().split('\n').map(Number));
      const warehouse = await openWarehouse(home);
      const ids = (await warehouse.results('c')).map((row) => row.resultId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.slice(0, acknowledged + 1)).toEqual(
        Array.from({ length: acknowledged + 1 }, (_, i) => `r${i}`),
      );
      expect(ids.length).toBeLessThanOrEqual(acknowledged + 2);
      await warehouse.close();
    }
  });

  test('the index is made anew from objects and records: lost, damaged, set back or rebuilt, it says the same', async () => {
    const home = newHome();
    let warehouse = await openWarehouse(home);
    const id = await commit(
      home,
      'd',
      [1, 2, 3].map((n) => ({ n, line: n })),
    );
    await warehouse.indexDataset(await home.datasets.version(id));
    await warehouse.openBatch('c', 'b', 1, [molecule(1), molecule(2), molecule(3)]);
    await warehouse.recordResults('c', [
      result('r1', 1),
      result('r2', 2, { outcome: 'failed', note: 'dropped' }),
    ]);
    await warehouse.recordResults('c', [result('c1', 1, { value: 4, replaces: 'r1' })]);
    const before = await state(warehouse, home);
    await warehouse.close();

    const damages = {
      lost: () => rm(home.path),
      damaged: () => writeFile(home.path, 'not a database'.repeat(1000)),
      rebuilt: () => rebuild(home),
    };
    for (const damage of Object.values(damages)) {
      await damage();
      warehouse = await openWarehouse(home);
      expect(await state(warehouse, home)).toEqual(before);
      await warehouse.close();
    }
    warehouse = await openWarehouse(home);
    const cut = await warehouse.closeCut({ campaignId: 'c', round: 1, dataVersion: id, config: config() });
    expect((await readCut(home.objects, cut)).resultIds).toEqual(['c1', 'r2']);
    await warehouse.close();
  });

  test.each([[[]], [['x1', 'x2']]])(
    'an index that was made from another store (its records: %j) is made anew',
    async (known) => {
      const [home, other] = [newHome(), newHome()];
      for (const [at, ids] of [
        [home, ['r1', 'r2']],
        [other, known],
      ] as const) {
        const own = await openWarehouse(at);
        for (const resultId of ids) await own.recordResults('c', [result(resultId, 1)]);
        await own.close();
      }
      const warehouse = await openWarehouse({ ...other, path: home.path });
      expect((await warehouse.results('c')).map((row) => row.resultId)).toEqual(known);
      await warehouse.close();
    },
  );

  test('an index that is behind the records catches up, also while it is open', async () => {
    const home = newHome();
    const warehouse = await openWarehouse(home);
    const second = await openWarehouse({ ...home, path: `${home.path}.second` });
    await warehouse.recordResults('c', [result('r1', 1)]);
    const { receipts, total } = await second.recordResults('c', [result('r1', 1), result('r2', 2)]);
    expect([receipts.map((receipt) => receipt.status), total]).toEqual([['duplicate', 'accepted'], 2]);
    expect((await warehouse.results('c')).map((row) => row.resultId)).toEqual(['r1', 'r2']);
    // Both at once: each row is accepted by one of them.
    const both = await Promise.all(
      [warehouse, second].flatMap((w) => [3, 4, 5].map((n) => w.recordResults('c', [result(`r${n}`, n)]))),
    );
    expect(both.flatMap((r) => r.receipts.map((receipt) => receipt.status)).sort()).toEqual([
      ...['accepted', 'accepted', 'accepted', 'duplicate', 'duplicate', 'duplicate'],
    ]);
    expect(await warehouse.results('c')).toEqual(await second.results('c'));
    await Promise.all([warehouse.close(), second.close()]);
  });

  test('opening reads one record a log where the index is up to date, and what is new where it is not', async () => {
    const home = newHome();
    let warehouse = await openWarehouse(home);
    for (const id of ['a', 'b'])
      for (let n = 1; n <= 4; n++) await warehouse.recordResults(id, [result(`r${n}`, n)]);
    await warehouse.close();
    const second = await openWarehouse({ ...home, path: `${home.path}.second` });
    const reads: string[] = [];
    const objects = {
      ...home.objects,
      readRecord: (key: string) => {
        reads.push(key);
        return home.objects.readRecord(key);
      },
    };
    warehouse = await openWarehouse({ ...home, objects });
    expect(reads).toEqual(['a', 'b'].map((id) => `campaigns/${id}/results/000000000004`));
    await warehouse.close();
    await second.recordResults('b', [result('r5', 5)]);
    await second.close();
    reads.length = 0;
    warehouse = await openWarehouse({ ...home, objects });
    expect(reads.filter((key) => key.includes('/a/'))).toHaveLength(1);
    expect(await warehouse.results('b')).toHaveLength(5);
    await warehouse.close();
  });

  test('one process owns the file: another is told whose it is', async () => {
    const home = newHome();
    const owner = start(home, `say('open'); setInterval(() => {}, 1000);`);
    await new Promise((resolve) => owner.child.stdout.once('data', resolve));
    const refused = expect.objectContaining({
      code: 'conflict',
      message: expect.stringContaining(`process ${owner.child.pid} `),
    });
    await expect(openWarehouse(home)).rejects.toEqual(refused);
    await expect(rebuild(home)).rejects.toEqual(refused);
    owner.child.kill('SIGKILL');
    await owner.closed;

    const warehouse = await openWarehouse(home);
    // DuckDB's own lock would let this process open the file a second time.
    await expect(openWarehouse(home)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('this process'),
    });
    await warehouse.close();
    await warehouse.close();
    await expect(warehouse.results('c')).rejects.toMatchObject({ code: 'unavailable' });
    await (await openWarehouse(home)).close();
  });
});
