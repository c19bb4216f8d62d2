import fc from 'fast-check';
import type { ResolvedResult, Warehouse } from '../../src/warehouse';
import { commit, config, molecule, newHome, openWarehouse, readCut, result } from './campaigns';

const home = newHome();
const { objects } = home;
let warehouse: Warehouse;
let dataVersion: string;
let measuredVersion: string;
beforeAll(async () => {
  warehouse = await openWarehouse(home);
  const rows = Array.from({ length: 10 }, (_, i) => ({ n: i + 1, line: i + 2 }));
  const measured = rows.map((row) =>
    row.n > 8 ? { ...row, value: row.n * 10, unit: 'nM', qualifier: '=' as const } : row,
  );
  dataVersion = await commit(home, 'pool', rows);
  measuredVersion = await commit(home, 'measured', measured);
});
afterAll(() => warehouse.close());

let serial = 0;
const campaign = () => `k${++serial}`;
const cutOf = (campaignId: string, round = 1, more: Partial<Parameters<Warehouse['closeCut']>[0]> = {}) =>
  warehouse.closeCut({ campaignId, round, dataVersion, config: config(), ...more });

describe('cuts', () => {
  test('a cut before anything has happened', async () => {
    const cut = await cutOf(campaign());
    expect(cut).toMatchObject({
      round: 1,
      labels: 0,
      measured: 0,
      censored: 0,
      failed: 0,
      abandoned: 0,
      pendingCount: 0,
      best: null,
      extraShards: [],
    });
    expect(await readCut(objects, cut)).toEqual({
      resultIds: [],
      training: [],
      pending: [],
      excluded: [],
      extra: [],
    });
  });

  test('what a round knows', async () => {
    const id = campaign();
    await warehouse.openBatch(id, 'b1', 1, [1, 2, 3, 4, 5].map(molecule));
    await warehouse.recordResults(id, [
      result('r1', 1, { value: 1 }),
      result('r1b', 1, { value: 3, replicate: 2 }),
      result('r2', 2, { value: 9, qualifier: '>' }),
      result('r3', 3, { outcome: 'failed' }),
      result('r4', 4, { outcome: 'abandoned' }),
      result('r99', 99, { value: 2.5, inchiKey: 'KEY-99' }),
    ]);
    const cut = await cutOf(id);
    expect(cut).toMatchObject({
      ...{
        campaignId: id,
        dataVersion,
        labels: 3,
        measured: 2,
        censored: 1,
        failed: 1,
        abandoned: 1,
        pendingCount: 1,
      },
      best: { ...molecule(99), value: 2.5 },
    });
    const known = await readCut(objects, cut);
    const ids = (...ns: number[]) => ns.map((n) => molecule(n).moleculeId).sort();
    expect(known.pending).toEqual(ids(5));
    expect(known.excluded).toEqual(ids(1, 2, 3, 5, 99));
    expect(known.training.map((row) => row.moleculeId)).toEqual(ids(1, 2, 99));
    expect(known.training.find((row) => row.moleculeId === ids(1)[0])).toMatchObject({
      value: 2,
      replicates: 2,
      spread: Math.SQRT2,
    });
    // The molecule from outside the pool has to be featurised too.
    expect(known.extra).toEqual([{ ...molecule(99), inchiKey: 'KEY-99' }]);
  });

  test('a round is cut once, whatever arrives afterwards', async () => {
    const id = campaign();
    await warehouse.recordResults(id, [result('r1', 1)]);
    const cut = await cutOf(id);
    await warehouse.recordResults(id, [result('r2', 2), result('c1', 1, { value: 7, replaces: 'r1' })]);
    expect(await cutOf(id)).toEqual(cut);
    const next = await cutOf(id, 2);
    expect((await readCut(objects, next)).resultIds).toEqual(['c1', 'r2']);
    const [one, two] = await Promise.all([cutOf(id, 3), cutOf(id, 3)]);
    expect(one).toEqual(two);
  });

  test('equal knowledge has equal ids, in another campaign and another round', async () => {
    const [a, b] = [campaign(), campaign()];
    for (const id of [a, b]) await warehouse.recordResults(id, [result('r1', 1)]);
    expect((await cutOf(b, 4)).cutId).toBe((await cutOf(a, 1)).cutId);
    await warehouse.recordResults(b, [result('r2', 2)]);
    expect((await cutOf(b, 5)).cutId).not.toBe((await cutOf(a, 1)).cutId);
  });

  test('values measured before are in the cut, in the unit of the objective or not at all', async () => {
    const cut = await cutOf(campaign(), 1, {
      dataVersion: measuredVersion,
      config: config({ unit: 'nM', direction: 'minimize' }),
    });
    expect(cut).toMatchObject({ labels: 2, measured: 2, best: { value: 90 } });
    expect((await readCut(objects, cut)).excluded).toHaveLength(2);
    const inOtherUnit = cutOf(campaign(), 1, {
      dataVersion: measuredVersion,
      config: config({ unit: 'uM' }),
    });
    await expect(inOtherUnit).rejects.toMatchObject({
      code: 'unit-unknown',
      message: expect.stringContaining("in 'nM'"),
    });
  });

  test('a failed molecule may be proposed again only when the lab retries', async () => {
    const id = campaign();
    await warehouse.recordResults(id, [result('r1', 1, { outcome: 'failed' })]);
    expect((await readCut(objects, await cutOf(id, 1))).excluded).toHaveLength(1);
    expect(
      (await readCut(objects, await cutOf(id, 2, { config: config({ retryFailed: true }) }))).excluded,
    ).toHaveLength(0);
  });

  test('the order in which results arrive, and in what chunks, changes nothing', async () => {
    const arbitrary = fc
      .array(
        fc.record({
          n: fc.integer({ min: 1, max: 12 }),
          value: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
          qualifier: fc.constantFrom('=' as const, '=' as const, '<' as const, '>' as const),
          outcome: fc.constantFrom(
            'measured' as const,
            'measured' as const,
            'failed' as const,
            'abandoned' as const,
          ),
          corrected: fc.boolean(),
          batchId: fc.constantFrom(undefined, 'b1', 'b2'),
          weight: fc.double({ noNaN: true, min: 0, max: 1 }),
          cut: fc.boolean(),
        }),
        { minLength: 1, maxLength: 25 },
      )
      .map((rows) => {
        const results = rows.map(({ n, value, qualifier, outcome, batchId }, i) =>
          result(`r${i}`, n, outcome === 'measured' ? { value, qualifier, batchId } : { outcome, batchId }),
        );
        const corrections = rows.flatMap((row, i) =>
          row.corrected ? [result(`c${i}`, row.n, { value: row.value / 2, replaces: `r${i}` })] : [],
        );
        return { rows, results, corrections };
      });
    const record = async (order: readonly ResolvedResult[], cuts: readonly boolean[]) => {
      const id = campaign();
      await warehouse.openBatch(id, 'b1', 1, [1, 2, 3, 4, 5, 6].map(molecule));
      await warehouse.openBatch(id, 'b2', 2, [5, 6, 7, 8].map(molecule));
      let chunk: ResolvedResult[] = [];
      for (const [i, row] of order.entries()) {
        chunk.push(row);
        if (!cuts[i % cuts.length] && i < order.length - 1) continue;
        const { receipts } = await warehouse.recordResults(id, chunk);
        expect(receipts.every((receipt) => receipt.status === 'accepted')).toBe(true);
        chunk = [];
      }
      const { campaignId: _, chunks, ...cut } = await cutOf(id);
      expect(chunks).toBeGreaterThan(0);
      return cut;
    };
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ rows, results, corrections }) => {
        const weights = new Map(results.map((row, i) => [row.resultId, rows[i]!.weight]));
        // Shuffled by weight; a correction comes some time after what it corrects.
        const shuffled = [...results, ...corrections].sort((a, b) => {
          const at = (r: ResolvedResult) =>
            r.replaces ? weights.get(r.replaces)! + 0.5 : weights.get(r.resultId)!;
          return at(a) - at(b);
        });
        const inOrder = await record([...results, ...corrections], [false]);
        expect(
          await record(
            shuffled,
            rows.map((row) => row.cut),
          ),
        ).toEqual(inOrder);
      }),
      { numRuns: 15 },
    );
  });

  test('ten thousand results in one post: each is recorded once, a repetition is known, and the cut has them all', async () => {
    const id = campaign();
    const results = Array.from({ length: 10_000 }, (_, i) => ({
      ...result(`r${i}`, 1 + (i % 100)),
      moleculeId: `mol_${String(i).padStart(32, '0')}`,
    }));
    const picks = results.map(({ moleculeId, standardSmiles: smiles }) => ({ moleculeId, smiles }));
    await warehouse.openBatch(id, 'b', 1, picks);
    const statuses = async () => {
      const { receipts } = await warehouse.recordResults(id, results);
      return new Map(
        [...new Set(receipts.map(({ status }) => status))].map((status) => [
          status,
          receipts.filter((one) => one.status === status).length,
        ]),
      );
    };
    expect(await statuses()).toEqual(new Map([['accepted', 10_000]]));
    expect(await statuses()).toEqual(new Map([['duplicate', 10_000]]));
    expect(await warehouse.batchProgress(id, 'b')).toEqual({ picks: 10_000, outstanding: 0 });
    const cut = await cutOf(id);
    expect(cut).toMatchObject({ labels: 10_000, measured: 10_000, pendingCount: 0 });
    expect((await readCut(objects, cut)).training).toHaveLength(10_000);
  });
});
