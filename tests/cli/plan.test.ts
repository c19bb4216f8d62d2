import fc from 'fast-check';
import { labResultSchema, type BatchSheet } from '../../src/contracts';
import { planBatch, type LabHabits } from '../../src/cli/lab/plan';

const moleculeId = (n: number) => `mol_${n.toString(16).padStart(32, '0')}`;

function sheetOf(size: number, round = 1): BatchSheet {
  const picks = Array.from({ length: size }, (_, i) => ({
    rank: i + 1,
    moleculeId: moleculeId(i),
    smiles: 'C',
    compoundId: `c${i}`,
    strategy: 'random',
    reason: 'chance',
  }));
  const hash = '0'.repeat(64);
  return {
    batchId: `x/batch/${round}`,
    campaignId: 'x',
    round,
    property: 'logS',
    unit: 'log(mol/L)',
    direction: 'maximize',
    modelVersion: null,
    modelSha256: null,
    dataVersion: hash,
    cutId: hash,
    rule: {},
    picks,
    seal: hash,
  };
}
const truthOf = (size: number) => new Map(Array.from({ length: size }, (_, i) => [moleculeId(i), i / 10]));

const habits = fc.record<LabHabits>({
  seed: fc.nat(),
  lateShare: fc.double({ min: 0, max: 1, noNaN: true }),
  failedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  messages: fc.integer({ min: 1, max: 8 }),
  duplicate: fc.boolean(),
  correction: fc.boolean(),
});

test('what a laboratory posts adds up to one final, valid outcome a pick', () => {
  fc.assert(
    fc.property(habits, fc.integer({ min: 1, max: 60 }), fc.boolean(), (habit, size, isLast) => {
      const truth = truthOf(size);
      const plan = planBatch(sheetOf(size), truth, habit, isLast);
      const posted = [...plan.messages.flat(), ...plan.late];
      for (const result of posted) labResultSchema.parse(result);

      // The same id always carries the same content, so a repeat counts once.
      const byId = new Map<string, string>();
      for (const result of posted) {
        const text = JSON.stringify(result);
        expect(byId.get(result.resultId) ?? text).toBe(text);
        byId.set(result.resultId, text);
      }
      expect(posted.length - byId.size).toBe(plan.duplicates);

      const replaced = new Set(posted.flatMap(({ replaces }) => (replaces ? [replaces] : [])));
      const standing = new Map(
        posted.filter(({ resultId }) => !replaced.has(resultId)).map((result) => [result.moleculeId, result]),
      );
      expect(standing.size).toBe(size);
      for (const [id, { outcome, value }] of standing)
        if (outcome === 'measured') expect(value).toBe(truth.get(id!));
      expect([...standing.values()].filter(({ outcome }) => outcome === 'failed')).toHaveLength(plan.failed);
      expect(replaced.size).toBe(plan.corrections);
      expect(plan.late).toHaveLength(isLast ? 0 : Math.floor(size * habit.lateShare));
    }),
  );
});

test('a correction is in before the last message, with which the campaign may go on', () => {
  const plan = planBatch(
    sheetOf(40),
    truthOf(40),
    { seed: 3, lateShare: 0.1, failedShare: 0.05, messages: 4, duplicate: true, correction: true },
    false,
  );
  expect(plan).toMatchObject({ failed: 2, duplicates: 1, corrections: 1, unknown: 0 });
  expect(plan.messages).toHaveLength(4);
  expect(
    plan.messages
      .slice(0, 3)
      .flat()
      .filter(({ replaces }) => replaces),
  ).toHaveLength(1);
  expect(plan.late).toHaveLength(4);
});

test('the seed decides; rounds differ; an unknown molecule fails with a note', () => {
  const habit: LabHabits = {
    seed: 5,
    lateShare: 0.2,
    failedShare: 0.2,
    messages: 3,
    duplicate: true,
    correction: true,
  };
  const plan = (round: number, seed = habit.seed) =>
    planBatch(sheetOf(20, round), truthOf(19), { ...habit, seed }, false);
  expect(plan(1)).toEqual(plan(1));
  const order = (p: ReturnType<typeof plan>) => p.messages.flat().map(({ moleculeId: id }) => id);
  expect(order(plan(1))).not.toEqual(order(plan(2)));
  expect(order(plan(1))).not.toEqual(order(plan(1, 6)));
  const unknown = [...plan(1).messages.flat(), ...plan(1).late].find(
    ({ moleculeId: id }) => id === moleculeId(19),
  );
  expect(unknown).toMatchObject({ outcome: 'failed', note: expect.stringContaining('no value') });
  expect(plan(1).unknown).toBe(1);
});

test('of several properties each has an outcome, some of the further ones by chance none; the first stay as they were', () => {
  fc.assert(
    fc.property(
      habits,
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (habit, size, share) => {
        const others = [{ property: 'logP', direction: 'minimize' as const }];
        const sheet = { ...sheetOf(size), others };
        const logP = new Map([...truthOf(size)].map(([id, value]) => [id, -value]));
        const plan = planBatch(
          sheet,
          truthOf(size),
          { ...habit, missingShare: share },
          false,
          new Map([['logP', logP]]),
        );
        const posted = [...plan.messages.flat(), ...plan.late];
        for (const result of posted) labResultSchema.parse(result);
        const first = posted.filter(({ property, replaces }) => property === undefined && !replaces);
        const alone = planBatch(sheetOf(size), truthOf(size), { ...habit, correction: false }, false);
        const idsOf = (results: readonly { resultId: string }[]) => new Set(results.map((r) => r.resultId));
        expect(idsOf(first)).toEqual(idsOf([...alone.messages.flat(), ...alone.late]));
        const further = posted.filter(({ property, replaces }) => property === 'logP' && !replaces);
        expect(idsOf(further).size).toBe(size);
        const failed = new Set(first.filter((r) => r.outcome === 'failed').map((r) => r.moleculeId));
        for (const { outcome, value, moleculeId: id } of further)
          if (outcome === 'measured') expect([failed.has(id), value]).toEqual([false, logP.get(id!)]);
      },
    ),
  );
});
