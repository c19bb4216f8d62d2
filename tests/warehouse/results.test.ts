import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import type { ResolvedResult } from '../../src/warehouse';
import { newHome, openWarehouse, result } from './campaigns';

describe('recording results', () => {
  test('any interleaving of results, repeats, changes and corrections, with restarts and lost files, does what the rules say', async () => {
    const own = newHome();
    let store = await openWarehouse(own);
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
                store = await openWarehouse(own);
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
