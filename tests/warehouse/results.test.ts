import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { createDuckDbWarehouse, type ResolvedResult, type Warehouse } from '../../src/warehouse';
import { config, molecule, newHome, readCut, result, sourceOf } from './campaigns';

const home = newHome();
const { objects } = home;
let warehouse: Warehouse;
let dataVersion: string;
beforeAll(async () => {
  warehouse = await createDuckDbWarehouse(home);
  const source = await sourceOf(
    objects,
    Array.from({ length: 20 }, (_, i) => ({ n: i + 1, line: i + 2 })),
  );
  dataVersion = (
    await warehouse.commitDataset({
      dataset: 'pool',
      sources: [source],
      parent: null,
      author: 'ada',
      reason: 'x',
    })
  ).id;
});
afterAll(() => warehouse.close());

let serial = 0;
const campaign = () => `c${++serial}`;
const statuses = async (campaignId: string, ...results: ResolvedResult[]) =>
  (await warehouse.recordResults(campaignId, results)).receipts.map((receipt) => receipt.status);

describe('recording results', () => {
  test('a repeat is a duplicate and changes nothing; one that says something else is rejected', async () => {
    const id = campaign();
    const posted = result('r1', 1, { measuredAt: '2026-01-01T12:00:00Z', note: 'x' });
    expect(await warehouse.recordResults(id, [posted, result('r2', 2)])).toMatchObject({ total: 2 });
    const again = { ...posted, measuredAt: '2026-01-01T13:00:00+01:00', smiles: 'another spelling' };
    expect(await statuses(id, again, posted)).toEqual(['duplicate', 'duplicate']);
    const { receipts, total } = await warehouse.recordResults(id, [{ ...posted, value: 2, note: 'y' }]);
    expect(receipts).toMatchObject([
      {
        resultId: 'r1',
        status: 'rejected',
        moleculeId: molecule(1).moleculeId,
        message: expect.stringMatching(/another note, value.*replaces: 'r1'/),
      },
    ]);
    expect(total).toBe(2);
    expect(await warehouse.results(id)).toEqual([posted, result('r2', 2)]);
  });

  test('within one call, too', async () => {
    const id = campaign();
    expect(await statuses(id, result('r1', 1), result('r1', 1), result('r1', 2))).toEqual([
      'accepted',
      'duplicate',
      'rejected',
    ]);
  });

  test('a resultId belongs to its campaign', async () => {
    const [a, b] = [campaign(), campaign()];
    expect(await statuses(a, result('r1', 1))).toEqual(['accepted']);
    expect(await statuses(b, result('r1', 2))).toEqual(['accepted']);
    expect(await statuses(b, result('r2', 2, { replaces: 'r1' }))).toEqual(['accepted']);
    expect(await statuses(a, result('r2', 1, { replaces: 'r1' }))).toEqual(['accepted']);
  });

  test('corrections chain; a second one of the same result is told which one to correct', async () => {
    const id = campaign();
    expect(await statuses(id, result('c1', 1, { replaces: 'r1' }))).toEqual(['rejected']);
    expect(
      await statuses(id, result('r1', 1, { value: 1 }), result('c1', 1, { value: 2, replaces: 'r1' })),
    ).toEqual(['accepted', 'accepted']);
    expect(await statuses(id, result('c2', 1, { value: 3, replaces: 'c1' }))).toEqual(['accepted']);
    const second = (await warehouse.recordResults(id, [result('c3', 1, { value: 9, replaces: 'r1' })]))
      .receipts[0]!;
    expect(second).toMatchObject({
      status: 'rejected',
      message: expect.stringContaining("replaced by 'c1'"),
    });
    expect(await statuses(id, result('self', 1, { replaces: 'self' }))).toEqual(['rejected']);
    // The correction itself, posted again, is a duplicate and not a second correction.
    expect(await statuses(id, result('c2', 1, { value: 3, replaces: 'c1' }))).toEqual(['duplicate']);
    const cut = await warehouse.closeCut({ campaignId: id, round: 1, dataVersion, config: config() });
    const { resultIds, training } = await readCut(objects, cut);
    expect(resultIds).toEqual(['c2']);
    expect(training).toMatchObject([{ value: 3, replicates: 1 }]);
  });

  test('a correction may move a value to another molecule, or take it back', async () => {
    const id = campaign();
    await warehouse.openBatch(id, 'b', 1, [molecule(1), molecule(2)]);
    await warehouse.recordResults(id, [result('r1', 1), result('r2', 2)]);
    expect(await warehouse.batchProgress(id, 'b')).toEqual({ picks: 2, outstanding: 0 });
    await warehouse.recordResults(id, [
      result('c1', 3, { replaces: 'r1' }),
      result('c2', 2, { outcome: 'abandoned', replaces: 'r2' }),
    ]);
    expect(await warehouse.batchProgress(id, 'b')).toEqual({ picks: 2, outstanding: 1 });
  });

  test('what cannot be counted is rejected, with the reason, and the rest is taken', async () => {
    const id = campaign();
    const { receipts } = await warehouse.recordResults(id, [
      result('r1', 1, { value: NaN }),
      result('r2', 2, { value: undefined }),
      result('r3', 3, { outcome: 'failed', value: Infinity }),
      { ...result('r4', 4), standardSmiles: '' },
      result('r5', 5),
    ]);
    expect(receipts.map((receipt) => receipt.status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'accepted',
    ]);
    expect(receipts[0]!.message).toContain('not a finite number');
    await expect(warehouse.recordResults('no/slashes', [])).rejects.toMatchObject({ code: 'usage' });
  });

  test('calls at once do not count anything twice', async () => {
    const id = campaign();
    const calls = Array.from({ length: 8 }, () =>
      warehouse.recordResults(id, [result('r1', 1), result('r2', 2)]),
    );
    const all = (await Promise.all(calls)).flatMap(({ receipts }) =>
      receipts.map((receipt) => receipt.status),
    );
    expect(all.filter((status) => status === 'accepted')).toHaveLength(2);
    expect(await warehouse.results(id)).toHaveLength(2);
  });

  test('any interleaving of results, repeats, changes and corrections, with restarts and lost files, does what the rules say', async () => {
    const own = newHome();
    let store = await createDuckDbWarehouse(own);
    const operation = fc.record({
      kind: fc.constantFrom('new', 'repeat', 'change', 'correct', 'correct-unknown', 'restart', 'lose-file'),
      pick: fc.nat(30),
      n: fc.integer({ min: 1, max: 6 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
        async (calls) => {
          const id = `p${++run}`;
          const accepted: ResolvedResult[] = [];
          const replaced = new Set<string>();
          let next = 0;
          for (const operations of calls) {
            const posted: ResolvedResult[] = [];
            const expected: string[] = [];
            for (const { kind, pick, n } of operations) {
              const earlier = accepted[pick % Math.max(1, accepted.length)];
              if (kind === 'restart' || kind === 'lose-file') {
                await store.close();
                if (kind === 'lose-file') await rm(own.path);
                store = await createDuckDbWarehouse(own);
              } else if (kind === 'correct-unknown') {
                posted.push(result(`x${++next}`, n, { replaces: 'nothing' }));
                expected.push('rejected');
              } else if (kind === 'new' || !earlier) {
                posted.push(result(`r${++next}`, n));
                expected.push('accepted');
                accepted.push(posted.at(-1)!);
              } else if (kind === 'repeat' || kind === 'change') {
                posted.push(kind === 'repeat' ? { ...earlier } : { ...earlier, value: earlier.value! + 1 });
                expected.push(kind === 'repeat' ? 'duplicate' : 'rejected');
              } else {
                posted.push(result(`r${++next}`, n, { replaces: earlier.resultId }));
                expected.push(replaced.has(earlier.resultId) ? 'rejected' : 'accepted');
                if (expected.at(-1) === 'accepted') accepted.push(posted.at(-1)!);
                replaced.add(earlier.resultId);
              }
            }
            const { receipts, total } = await store.recordResults(id, posted);
            expect(receipts.map((receipt) => receipt.status)).toEqual(expected);
            expect(total).toBe(accepted.length);
          }
          expect(await store.results(id)).toEqual(accepted);
        },
      ),
      { numRuns: 12 },
    );
    await store.close();
  });
});

describe('batches', () => {
  test('the same batch twice is once; with other picks it is refused', async () => {
    const id = campaign();
    await warehouse.openBatch(id, `${id}/batch/1`, 1, [molecule(1), molecule(2)]);
    await warehouse.openBatch(id, `${id}/batch/1`, 1, [molecule(1), molecule(2)]);
    expect(await warehouse.batchProgress(id, `${id}/batch/1`)).toEqual({ picks: 2, outstanding: 2 });
    await expect(warehouse.openBatch(id, `${id}/batch/1`, 1, [molecule(3)])).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(warehouse.batchProgress(id, 'another')).rejects.toMatchObject({ code: 'not-found' });
    await warehouse.openBatch(id, 'empty', 2, []);
    expect(await warehouse.batchProgress(id, 'empty')).toEqual({ picks: 0, outstanding: 0 });
  });

  test('an outcome that came before a batch went out does not settle it', async () => {
    const id = campaign();
    await warehouse.openBatch(id, 'b1', 1, [molecule(1), molecule(2)]);
    await warehouse.recordResults(id, [
      result('r1', 1, { outcome: 'abandoned', batchId: 'b1' }),
      result('r2', 2, { outcome: 'failed' }),
    ]);
    await warehouse.openBatch(id, 'b2', 2, [molecule(1), molecule(2)]);
    expect(await warehouse.batchProgress(id, 'b1')).toEqual({ picks: 2, outstanding: 0 });
    expect(await warehouse.batchProgress(id, 'b2')).toEqual({ picks: 2, outstanding: 2 });
    await warehouse.recordResults(id, [result('r3', 2, { outcome: 'failed' })]);
    expect(await warehouse.batchProgress(id, 'b2')).toEqual({ picks: 2, outstanding: 1 });
  });
});
