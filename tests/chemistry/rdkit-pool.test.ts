import path from 'node:path';
import fc from 'fast-check';
import { RdkitPool, type PoolOptions } from '../../src/chemistry/rdkit-pool';

interface Order {
  action?: 'trap' | 'trap-if-poisoned' | 'hang' | 'exit' | 'poison' | 'slow' | 'thread';
  value: number;
}

const entry = path.join(__dirname, 'fixtures/unruly-thread.cjs');
const pools: RdkitPool<string, Order, string>[] = [];
const open = (options: Partial<PoolOptions> = {}) => {
  const pool = new RdkitPool<string, Order, string>({ entry, threads: 2, deadlineMs: 150, ...options });
  pools.push(pool);
  return pool;
};
const orders = (list: readonly Order[], isolated = false) => list.map((payload) => ({ payload, isolated }));
const numbers = (count: number): Order[] => Array.from({ length: count }, (_, value) => ({ value }));
const good = (task: string, value: number) => ({ ok: true, value: `${task}:${value}` });

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

test('result i belongs to item i, over many chunks and threads', async () => {
  const results = await open({ chunkItems: 7 }).run('t', orders(numbers(500)));
  expect(results).toEqual(numbers(500).map(({ value }) => good('t', value)));
});

test('an item that traps, hangs or ends its thread costs no other item its result', async () => {
  const list = numbers(60);
  list[0] = { value: 0, action: 'trap' };
  list[17] = { value: 17, action: 'hang' };
  list[31] = { value: 31, action: 'exit' };
  list[32] = { value: 32, action: 'trap' };
  list[59] = { value: 59, action: 'trap' };
  const results = await open({ chunkItems: 16 }).run('t', orders(list));
  const culprits = new Map(results.flatMap((r, i) => (r.ok ? [] : [[i, r.reason] as const])));
  expect([...culprits.keys()]).toEqual([0, 17, 31, 32, 59]);
  expect(culprits.get(0)).toBe('memory access out of bounds');
  expect(culprits.get(17)).toBe('no answer within 150 ms');
  expect(culprits.get(31)).toMatch(/exited with code 3/);
  results.forEach((result, i) => culprits.has(i) || expect(result).toEqual(good('t', i)));
});

test('only the culprit is tried alone: the rest of its chunk runs together on one thread', async () => {
  const list = numbers(30).map((order): Order => ({ ...order, action: 'thread' }));
  list[20] = { value: 20, action: 'trap' };
  const results = await open({ threads: 1, chunkItems: 30 }).run('t', orders(list));
  const threads = results.flatMap((result) => (result.ok ? [result.value.split('@')[1]] : []));
  expect(threads).toHaveLength(29);
  expect(new Set(threads).size).toBe(1);
});

test('an item that only suffered from the one before it gets its result on a new thread', async () => {
  const list: Order[] = [
    { value: 0, action: 'poison' },
    { value: 1, action: 'trap-if-poisoned' },
    { value: 2 },
  ];
  const results = await open({ threads: 1, chunkItems: 3 }).run('t', orders(list));
  expect(results).toEqual([good('t', 0), good('t', 1), good('t', 2)]);
});

test('a thread is not used again after an isolated item', async () => {
  const pool = open({ threads: 1 });
  const before = await pool.run('t', orders([{ value: 3, action: 'thread' }]));
  expect(await pool.run('t', orders([{ value: 3, action: 'thread' }]))).toEqual(before);
  await pool.run('t', orders([{ value: 4 }], true));
  const after = await pool.run('t', orders([{ value: 3, action: 'thread' }]));
  expect(after).not.toEqual(before);
});

test('a thread whose memory has grown too large is replaced', async () => {
  const pool = open({ threads: 1 });
  const first = await pool.run('t', orders([{ value: 1, action: 'thread' }]));
  expect(await pool.run('t', orders([{ value: 1, action: 'thread' }]))).toEqual(first);
  await pool.run('fat', orders([{ value: 1 }]));
  expect(await pool.run('t', orders([{ value: 1, action: 'thread' }]))).not.toEqual(first);
});

test('calls at the same moment keep their results apart, and a small one overtakes a large one', async () => {
  const pool = open({ chunkItems: 2 });
  const finished: string[] = [];
  const call = async (task: string, list: Order[]) => {
    const results = await pool.run(task, orders(list));
    finished.push(task);
    return results;
  };
  const slow = numbers(40).map((order): Order => ({ ...order, action: 'slow' }));
  const all = await Promise.all([
    call('large', slow),
    call('small', numbers(4)),
    call('tiny', [{ value: 9 }]),
  ]);
  expect(all[0]).toEqual(slow.map(({ value }) => good('large', value)));
  expect(all[1]).toEqual(numbers(4).map(({ value }) => good('small', value)));
  expect(all[2]).toEqual([good('tiny', 9)]);
  expect(finished.at(-1)).toBe('large');
});

test('property: whatever goes wrong where, every item gets exactly its own outcome', async () => {
  const action = fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('trap' as const, 'exit' as const) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (actions, chunkItems) => {
        const list = actions.map((what, value): Order => ({ value, action: what }));
        const results = await open({ chunkItems }).run('t', orders(list));
        expect(results.map(({ ok }) => ok)).toEqual(list.map((order) => order.action === undefined));
        results.forEach((result, i) => result.ok && expect(result).toEqual(good('t', i)));
      },
    ),
    { numRuns: 12, seed: 5 },
  );
});

test('close ends calls under way as cancelled, also one that hangs, and later calls too', async () => {
  const pool = open({ deadlineMs: 60_000 });
  const hanging = pool.run('t', orders([{ value: 0, action: 'hang' }, ...numbers(100)]));
  const expectation = expect(hanging).rejects.toMatchObject({ code: 'cancelled' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await pool.close();
  await expectation;
  await pool.close();
  await expect(pool.run('t', orders(numbers(1)))).rejects.toMatchObject({ code: 'cancelled' });
  await expect(pool.version()).rejects.toMatchObject({ code: 'cancelled' });
});

test('threads that cannot start are an error with a remedy, not a wait for ever; nothing to do starts none', async () => {
  const pool = open({ entry: path.join(__dirname, 'fixtures/no-such-thread.cjs') });
  expect(await pool.run('t', [])).toEqual([]);
  await expect(pool.run('t', orders(numbers(100)))).rejects.toMatchObject({
    code: 'thread-died',
    message: /npm run build/,
  });
  await expect(pool.version()).rejects.toMatchObject({ code: 'thread-died' });
});
