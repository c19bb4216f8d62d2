import { campaignConfigSchema, type Cut, type LabelKey, type TrainingRow } from '../../src/contracts';
import { decodeNdjson } from '../../src/foundation';
import type { ResolvedResult, Warehouse } from '../../src/warehouse';
import { commit, config, molecule, readCut, result, type Home } from '../warehouse/campaigns';

export interface WarehouseUnderTest {
  readonly home: Pick<Home, 'objects' | 'datasets'>;
  readonly warehouse: Warehouse;
  /**
   * Another warehouse on the same store, as another process would have. Over one shared index where the adapter allows for that.
   */
  openOther(): Promise<Warehouse>;
  /** A warehouse whose index fails at every write from now on: what is recorded then is not indexed. */
  openUnableToIndex(): Promise<Warehouse>;
}

/** What a warehouse does, whatever its index. `open` gives an empty one; it is closed by the suite. */
export function describeWarehouse(name: string, open: () => Promise<WarehouseUnderTest>): void {
  describe(`warehouse: ${name}`, () => {
    let under: WarehouseUnderTest;
    let warehouse: Warehouse;
    let pool: string;
    let larger: string;
    beforeAll(async () => {
      under = await open();
      warehouse = under.warehouse;
      const rows = Array.from({ length: 10 }, (_, i) => ({ n: i + 1, line: i + 2 }));
      pool = await commit(under.home, 'pool', rows);
      const measured = { n: 11, line: 12, value: 11 };
      larger = await commit(under.home, 'larger', [...rows, measured]);
    });
    afterAll(() => warehouse.close());

    let serial = 0;
    const campaign = () => `c${++serial}`;
    const statuses = async (id: string, ...results: ResolvedResult[]) =>
      (await warehouse.recordResults(id, results)).receipts.map((receipt) => receipt.status);
    const close = (campaignId: string, round: number): Promise<Cut> =>
      warehouse.closeCut({ campaignId, round, dataVersion: pool, config: config() });
    const knownTo = async (cut: Cut) => readCut(under.home.objects, cut);
    const ids = (...ns: number[]) => ns.map((n) => molecule(n).moleculeId).sort();

    describe('results', () => {
      test('a repeat is a duplicate and changes nothing; one that says something else is rejected', async () => {
        const id = campaign();
        const posted = result('r1', 1, { measuredAt: '2026-01-01T12:00:00Z', note: 'x "é" \\' });
        expect(await warehouse.recordResults(id, [posted, result('r2', 2)])).toMatchObject({ total: 2 });
        const again = { ...posted, measuredAt: '2026-01-01T13:00:00+01:00', smiles: 'another spelling' };
        expect(await statuses(id, again, posted)).toEqual(['duplicate', 'duplicate']);
        const { receipts, total } = await warehouse.recordResults(id, [{ ...posted, value: 2, note: 'y' }]);
        expect(receipts).toMatchObject([
          {
            ...{ resultId: 'r1', status: 'rejected', moleculeId: molecule(1).moleculeId },
            message: expect.stringMatching(/another note, value.*replaces: 'r1'/),
          },
        ]);
        expect(total).toBe(2);
        expect(await warehouse.results(id)).toEqual([posted, result('r2', 2)]);
      });

      test('within one call, too; values keep every bit', async () => {
        const id = campaign();
        const values = [0.1 + 0.2, 1.7e308, 5e-324, -0.001].map((value, i) =>
          result(`v${i}`, i + 1, { value }),
        );
        expect(await statuses(id, result('r1', 1), result('r1', 1), result('r1', 2), ...values)).toEqual([
          ...['accepted', 'duplicate', 'rejected'],
          ...values.map(() => 'accepted'),
        ]);
        expect(await warehouse.results(id)).toEqual([result('r1', 1), ...values]);
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
        const [second] = (await warehouse.recordResults(id, [result('c3', 1, { replaces: 'r1' })])).receipts;
        expect(second).toMatchObject({
          status: 'rejected',
          message: expect.stringContaining("replaced by 'c1'"),
        });
        expect(await statuses(id, result('self', 1, { replaces: 'self' }))).toEqual(['rejected']);
        // The correction itself, posted again, is a duplicate and not a second correction.
        expect(await statuses(id, result('c2', 1, { value: 3, replaces: 'c1' }))).toEqual(['duplicate']);
        const { resultIds, training } = await knownTo(await close(id, 1));
        expect(resultIds).toEqual(['c2']);
        expect(training).toMatchObject([{ value: 3, replicates: 1 }]);
      });

      test('what cannot be counted is rejected, with the reason, and the rest is taken', async () => {
        const id = campaign();
        const { receipts } = await warehouse.recordResults(id, [
          result('r1', 1, { value: NaN }),
          result('r2', 2, { value: undefined }),
          result('r3', 3, { outcome: 'failed', value: Infinity }),
          { ...result('r4', 4), standardSmiles: '' },
          result('half \ud800', 5),
          result('r5', 5),
        ]);
        expect(receipts.map((receipt) => receipt.status)).toEqual([
          ...['rejected', 'rejected', 'rejected', 'rejected', 'rejected'],
          'accepted',
        ]);
        expect(receipts[0]!.message).toContain('not a finite number');
        expect(receipts[4]!.message).toContain('half a character');
        await expect(warehouse.recordResults('no/slashes', [])).rejects.toMatchObject({ code: 'usage' });
      });

      test('calls at once, of two processes, do not count anything twice', async () => {
        const id = campaign();
        const other = await under.openOther();
        const calls = [warehouse, other, warehouse, other].map((each) =>
          each.recordResults(id, [result('r1', 1), result('r2', 2)]),
        );
        const all = (await Promise.all(calls)).flatMap(({ receipts }) => receipts.map((r) => r.status));
        expect(all.filter((status) => status === 'accepted')).toHaveLength(2);
        expect(await warehouse.results(id)).toEqual([result('r1', 1), result('r2', 2)]);
        expect(await other.results(id)).toEqual(await warehouse.results(id));
        expect(await other.recordResults(id, [result('r3', 3)])).toMatchObject({ total: 3 });
        expect(await warehouse.recordResults(id, [result('r3', 3)])).toMatchObject({ total: 3 });
        await other.close();
      });

      test('stopped between record and index: the next call finds what was recorded', async () => {
        const id = campaign();
        const stopped = await under.openUnableToIndex();
        await expect(stopped.recordResults(id, [result('r1', 1)])).rejects.toThrow('stopped here');
        await expect(stopped.openBatch(id, 'b', 1, [molecule(1), molecule(2)])).rejects.toThrow(
          'stopped here',
        );
        await stopped.close();
        expect(await statuses(id, result('r1', 1), result('r2', 3))).toEqual(['duplicate', 'accepted']);
        await warehouse.openBatch(id, 'b', 1, [molecule(1), molecule(2)]);
        expect(await warehouse.batchProgress(id, 'b')).toEqual({ picks: 2, outstanding: 1 });
      });
    });

    describe('batches', () => {
      test('the same batch twice is once; with other picks it is refused', async () => {
        const id = campaign();
        for (let time = 0; time < 2; time++)
          await warehouse.openBatch(id, `${id}/batch/1`, 1, [molecule(1), molecule(2)]);
        expect(await warehouse.batchProgress(id, `${id}/batch/1`)).toEqual({ picks: 2, outstanding: 2 });
        await expect(warehouse.openBatch(id, `${id}/batch/1`, 1, [molecule(3)])).rejects.toMatchObject({
          code: 'usage',
        });
        await expect(warehouse.batchProgress(id, 'another')).rejects.toMatchObject({ code: 'not-found' });
        await warehouse.openBatch(id, 'empty', 2, []);
        expect(await warehouse.batchProgress(id, 'empty')).toEqual({ picks: 0, outstanding: 0 });
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

      test('of several properties a pick is back with the last of them; abandoned, with all', async () => {
        const id = campaign();
        const others = ['logP', 'pKa'];
        const left = async () => (await warehouse.batchProgress(id, 'b', others)).outstanding;
        await warehouse.openBatch(id, 'b', 1, [molecule(1), molecule(2)]);
        await warehouse.recordResults(id, [
          result('r1', 1),
          result('r1/logP', 1, { property: 'logP', outcome: 'failed' }),
        ]);
        expect(await left()).toBe(2);
        expect(await warehouse.batchProgress(id, 'b')).toEqual({ picks: 2, outstanding: 1 });
        await warehouse.recordResults(id, [result('r1/pKa', 1, { property: 'pKa' })]);
        expect(await left()).toBe(1);
        await warehouse.recordResults(id, [result('r2', 2, { outcome: 'abandoned' })]);
        expect(await left()).toBe(0);
        expect((await warehouse.results(id)).map(({ property }) => property)).toEqual([
          ...[undefined, 'logP', 'pKa', undefined],
        ]);
        // A correction may move a value to another property as well.
        await warehouse.recordResults(id, [result('c', 1, { property: 'logP', replaces: 'r1/pKa' })]);
        expect(await left()).toBe(1);
        // The same result of another property is another result.
        expect(await statuses(id, result('r1', 1, { property: 'logP' }))).toEqual(['rejected']);
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

    describe('cuts', () => {
      test('only a campaign that splits by time knows when its labels were measured', async () => {
        const id = campaign();
        const at = (day: number) => `2026-03-${day + 10}T12:00:00Z`;
        await warehouse.recordResults(id, [
          result('r1', 1, { measuredAt: at(1) }),
          // Noon in Tokyo is before noon in London: the later replicate is the other one.
          result('r1b', 1, { measuredAt: '2026-03-11T12:00:00+09:00', replicate: 2 }),
          result('r2', 2),
          result('r3', 3, { qualifier: '>', measuredAt: at(9) }),
          result('r3b', 3, { measuredAt: at(2) }),
        ]);
        const plain = await close(id, 1);
        expect(plain.dates).toBeUndefined();
        const base = config();
        const byTime = { ...base, training: { ...base.training, split: 'time' as const } };
        const cut = await warehouse.closeCut({ campaignId: id, round: 2, dataVersion: pool, config: byTime });
        expect(cut.training.sha256).toBe(plain.training.sha256);
        expect(cut.cutId).not.toBe(plain.cutId);
        const rows = decodeNdjson<LabelKey>(await under.home.objects.get(cut.dates!));
        const keys = { 1: at(1), 2: null, 3: at(2) };
        expect(new Map(rows.map(({ moleculeId, key }) => [moleculeId, key]))).toEqual(
          new Map(Object.entries(keys).map(([n, key]) => [molecule(Number(n)).moleculeId, key])),
        );
        expect(rows.map(({ moleculeId }) => moleculeId)).toEqual(ids(1, 2, 3));
      });

      test('a round is cut once, whatever arrives afterwards; equal knowledge has equal ids', async () => {
        const [id, other] = [campaign(), campaign()];
        await warehouse.openBatch(id, 'b', 1, [molecule(3)]);
        await warehouse.recordResults(id, [
          result('r1', 1, { inchiKey: 'KEY' }),
          result('x', 12, { inchiKey: 'X' }),
        ]);
        const cut = await close(id, 1);
        expect(cut).toMatchObject({ branch: 0, chunks: 1, labels: 2, pendingCount: 1, dataVersion: pool });
        expect((await knownTo(cut)).extra).toEqual([{ ...molecule(12), inchiKey: 'X' }]);
        await warehouse.recordResults(id, [result('r2', 2), result('c1', 1, { value: 7, replaces: 'r1' })]);
        expect(await close(id, 1)).toEqual(cut);
        expect((await knownTo(await close(id, 2))).resultIds).toEqual(['c1', 'r2', 'x']);
        expect((await warehouse.cuts(id)).map(({ round }) => round)).toEqual([1, 2]);
        await warehouse.openBatch(other, 'b', 1, [molecule(3)]);
        await warehouse.recordResults(other, [result('x', 12), result('r1', 1)]);
        expect((await close(other, 5)).cutId).toBe(cut.cutId);
      });
    });

    describe('cuts of several properties', () => {
      const several = campaignConfigSchema.parse({
        ...config(),
        objective: {
          ...{ property: 'p', direction: 'maximize', goal: 'pareto' },
          others: [
            { property: 'logP', direction: 'minimize' },
            { property: 'pKa', direction: 'maximize' },
          ],
        },
      });
      const cutOf = (campaignId: string, round: number) =>
        warehouse.closeCut({ campaignId, round, dataVersion: pool, config: several });
      const table = async (ref: { sha256: string }) =>
        decodeNdjson<TrainingRow>(await under.home.objects.get(ref)).map(({ moleculeId, value }) => [
          moleculeId,
          value,
        ]);

      test('have a table for each; a molecule with a value of any is no candidate any more', async () => {
        const id = campaign();
        await warehouse.openBatch(id, 'b', 1, [molecule(1), molecule(2), molecule(3)]);
        await warehouse.recordResults(id, [
          ...[result('r1', 1), result('r1/l', 1, { property: 'logP', value: 0.5 })],
          ...[result('r1/k', 1, { property: 'pKa', outcome: 'failed' })],
          ...[result('r2/l', 2, { property: 'logP', value: 7, qualifier: '<' })],
          // Measured of one property alone, and no molecule of the pool.
          ...[result('x', 12, { property: 'pKa', value: 9, inchiKey: 'X' })],
        ]);
        const cut = await cutOf(id, 1);
        expect(cut).toMatchObject({ labels: 1, measured: 1, failed: 0, pendingCount: 2 });
        expect(cut.others).toMatchObject([
          { property: 'logP', labels: 2, measured: 1, censored: 1, failed: 0 },
          { property: 'pKa', labels: 1, measured: 1, censored: 0, failed: 1 },
        ]);
        expect(await table(cut.others![0]!.training)).toEqual(
          [1, 2].map((n) => [molecule(n).moleculeId, n === 1 ? 0.5 : 7]).sort(),
        );
        const known = await knownTo(cut);
        expect([known.pending, known.excluded]).toEqual([ids(2, 3), ids(1, 2, 3, 12)]);
        expect(known.extra).toEqual([{ ...molecule(12), inchiKey: 'X' }]);
        expect(known.resultIds).toEqual(['r1', 'r1/k', 'r1/l', 'r2/l', 'x']);
      });

      test('hash what is known of each, and are rolled back with the rest', async () => {
        const [id, other] = [campaign(), campaign()];
        const first = result('r1', 1, { property: 'logP' });
        for (const each of [id, other]) await warehouse.recordResults(each, [first]);
        const cut = await cutOf(id, 1);
        expect((await cutOf(other, 4)).cutId).toBe(cut.cutId);
        const { others } = several.objective;
        const fewer = { ...several, objective: { ...several.objective, others: others!.slice(0, 1) } };
        const of = { campaignId: other, round: 5, dataVersion: pool, config: fewer };
        expect((await warehouse.closeCut(of)).cutId).not.toBe(cut.cutId);
        await warehouse.recordResults(id, [result('r2', 2, { property: 'pKa' })]);
        expect((await cutOf(id, 2)).cutId).not.toBe(cut.cutId);
        await warehouse.rollbackData({
          ...{ campaignId: id, operationId: 'op', to: 'round/1', author: 'ada', reason: 'a bad plate' },
        });
        expect((await cutOf(id, 3)).others).toMatchObject([{ labels: 1 }, { labels: 0 }]);
        const byTime = { ...several, training: { ...several.training, split: 'time' as const } };
        const dated = await warehouse.closeCut({
          ...{ campaignId: id, round: 4, dataVersion: pool, config: byTime },
        });
        expect(decodeNdjson(await under.home.objects.get(dated.others![0]!.dates!))).toEqual([
          { moleculeId: molecule(1).moleculeId, key: null },
        ]);
      });
    });

    describe('moving the data of a campaign', () => {
      const move = (campaignId: string, to: string, operationId = `to ${to}`) =>
        warehouse.rollbackData({ campaignId, operationId, to, author: 'ada', reason: 'a bad plate' });

      test('back to an early round, on from there, and forward again', async () => {
        const id = campaign();
        const round = async (n: number, ...results: ResolvedResult[]) => {
          await warehouse.openBatch(
            id,
            `b${n}`,
            n,
            results.map((r) => ({ moleculeId: r.moleculeId, smiles: r.standardSmiles })),
          );
          await warehouse.recordResults(id, results);
          return close(id, n);
        };
        const one = await round(1, result('r1', 1), result('r2', 2, { outcome: 'failed' }));
        await round(2, result('r3', 3), result('c1', 1, { value: 100, replaces: 'r1' }));
        const three = await round(3, result('r4', 4, { outcome: 'failed' }));
        expect(await warehouse.branch(id)).toBeNull();

        const moved = await move(id, 'round/1');
        expect(moved).toMatchObject({
          branch: {
            number: 1,
            to: 'round/1',
            dataVersion: pool,
            afterChunk: 3,
            author: 'ada',
            reason: 'a bad plate',
          },
          results: 2,
        });
        // All picks are settled: what was rolled away has come from the lab.
        expect(await warehouse.batchProgress(id, 'b3')).toEqual({ picks: 1, outstanding: 0 });
        await warehouse.openBatch(id, 'b4', 4, [molecule(5), molecule(6)]);
        await warehouse.recordResults(id, [result('r5', 5)]);
        const four = await close(id, 4);
        expect(four).toMatchObject({ branch: 1, labels: 2, failed: 1, pendingCount: 1 });
        const known = await knownTo(four);
        // r3 and c1 are gone, so r1 holds again; 3 and 4 are candidates again; 6 is out with the lab.
        expect(known.resultIds).toEqual(['r1', 'r2', 'r5']);
        expect(known.training.map(({ value }) => value).sort()).toEqual([1, 5]);
        expect([known.pending, known.excluded]).toEqual([ids(6), ids(1, 2, 5, 6)]);
        // A correction of what was rolled away takes the place of the whole chain.
        await warehouse.recordResults(id, [result('c2', 1, { value: 50, replaces: 'c1' })]);
        expect((await knownTo(await close(id, 5))).resultIds).toEqual(['c2', 'r2', 'r5']);

        expect(await move(id, 'latest')).toMatchObject({ branch: { number: 2, base: null }, results: 5 });
        const six = await close(id, 6);
        expect((await knownTo(six)).resultIds).toEqual(['c2', 'r2', 'r3', 'r4', 'r5']);
        expect((await move(id, three.cutId)).branch).toMatchObject({ number: 3, base: three.resultIds });
        const seven = await close(id, 7);
        expect((await knownTo(seven)).resultIds).toEqual(['c1', 'r2', 'r3', 'r4']);
        // Recorded rounds stay what they were; a round that is cut again after a move knows what the move left.
        const on = (round: number, branch: number) =>
          warehouse.closeCut({ campaignId: id, round, branch, dataVersion: pool, config: config() });
        expect(await on(1, 0)).toEqual(one);
        expect(await on(3, 0)).toEqual(three);
        expect(await on(4, 1)).toEqual(four);
        const again = await close(id, 4);
        expect(again).toMatchObject({ round: 4, branch: 3 });
        expect((await knownTo(again)).resultIds).toEqual(['c1', 'r2', 'r3', 'r4']);
        expect((await warehouse.cuts(id)).map(({ round, branch }) => [round, branch])).toEqual([
          ...[[1, 0], [2, 0], [3, 0], [4, 1], [4, 3], [5, 1], [6, 2], [7, 3]], // prettier-ignore
        ]);
        await expect(on(1, 9)).rejects.toMatchObject({ code: 'not-found' });
        expect((await warehouse.branches(id)).map(({ to }) => to)).toEqual([
          'round/1',
          'latest',
          three.cutId,
        ]);
      });

      test('to another dataset version: the results that count stay', async () => {
        const id = campaign();
        await warehouse.recordResults(id, [result('r1', 1)]);
        await close(id, 1);
        await warehouse.recordResults(id, [result('r2', 2)]);
        await move(id, 'round/1');
        const { branch, results } = await move(id, larger);
        expect([branch.number, branch.dataVersion, branch.afterChunk, results]).toEqual([2, larger, 2, 1]);
        const cut = await close(id, 2);
        expect(cut).toMatchObject({ dataVersion: larger, branch: 2, labels: 2, best: molecule(11) });
        // Back to everything: the results, and the pool it began with.
        expect(await move(id, 'latest')).toMatchObject({
          branch: { dataVersion: pool, base: null },
          results: 2,
        });
        expect((await move(id, 'larger', 'by name')).branch).toMatchObject({ dataVersion: larger });
      });

      test('an operation moves the data once, also where it was stopped before it could answer', async () => {
        const id = campaign();
        await warehouse.recordResults(id, [result('r1', 1)]);
        const cut = await close(id, 1);
        const first = await move(id, 'round/1', 'op');
        await move(id, 'latest');
        await warehouse.recordResults(id, [result('r2', 2)]);
        expect((await move(id, 'round/1', 'op')).branch).toEqual(first.branch);
        expect((await warehouse.branch(id))!.to).toBe('latest');
        await expect(move(id, cut.cutId, 'op')).rejects.toMatchObject({ code: 'usage' });
        const other = await under.openOther();
        expect(await other.branches(id)).toEqual(await warehouse.branches(id));
        await other.close();
      });

      test('to what is not there: an error that names what there is', async () => {
        const id = campaign();
        await expect(move(id, 'latest')).rejects.toMatchObject({ code: 'usage' });
        await close(id, 1);
        await expect(move(id, 'round/9')).rejects.toMatchObject({
          code: 'not-found',
          message: expect.stringContaining('round/1'),
        });
        await expect(move(id, 'cut_0')).rejects.toMatchObject({ code: 'not-found' });
        await expect(move(id, 'nothing@here')).rejects.toMatchObject({ code: 'not-found' });
        expect(await warehouse.branches(id)).toEqual([]);
      });
    });

    test('a dataset version is indexed once, however often it is asked for', async () => {
      const version = await under.home.datasets.version(larger);
      await warehouse.indexDataset(version);
      await warehouse.indexDataset(version);
    });
  });
}
