import fc from 'fast-check';
import type { ControlsFound } from '../../../src/contracts';
import {
  estimateOffset,
  inDoubt,
  offsetCorrections,
  type DoubtableResult,
  type SeenValue,
} from '../../../src/drift';

const BATCH = 'c/batch/2';
const molecule = (n: number) => `mol_${String(n).padStart(32, '0')}`;
const result = (n: number, more: Partial<DoubtableResult> = {}): DoubtableResult => ({
  ...{ resultId: `r${n}`, moleculeId: molecule(n), outcome: 'measured', qualifier: '=' },
  ...{ value: n, plate: 'P2', ...more },
});
const found = (more: Partial<ControlsFound> = {}): ControlsFound => ({
  ...{ controls: 8, decision: 'correct', offset: 2, standardError: 0.2 },
  ...{ sentence: '8 controls: values are 2 too high.', ...more },
});
const action = (more: Partial<ControlsFound> = {}) => ({
  ...{ id: 'returned/2/control-plate', subject: 'P2', found: found(more) },
});
const nothing: SeenValue = () => null;
const unseen = (standing: readonly DoubtableResult[], more: Partial<ControlsFound> = {}) =>
  offsetCorrections(action(more), standing, nothing);

/** The results that count once the corrections were posted. */
const posted = (standing: readonly DoubtableResult[], corrections: readonly object[]) => [
  ...standing.filter(
    ({ resultId }) => !(corrections as DoubtableResult[]).some(({ replaces }) => replaces === resultId),
  ),
  ...(corrections as DoubtableResult[]),
];

test('what the controls say is taken away, and the rest of a result stays', () => {
  const whole = { batchId: BATCH, replicate: 2, well: 'A1', lab: 'north', compoundId: 'X-1' };
  const measuredAt = '2026-11-28T10:00:00Z';
  const { corrections, passedOver } = unseen([
    result(5, { ...whole, measuredAt, unit: 'nM', note: 'ours' }),
    result(6, { qualifier: '<' }),
  ]);
  // Two, drawn towards nothing by (0.2 / 2)^2 of it.
  expect(corrections).toMatchObject([
    { ...whole, measuredAt, replaces: 'r5', moleculeId: molecule(5), plate: 'P2', value: 5 - 1.98 },
    { replaces: 'r6', qualifier: '<', value: 6 - 1.98 },
  ]);
  expect(corrections[0]).not.toHaveProperty('unit');
  expect(corrections[0]!.note).toBe(
    'P2: 8 controls: values are 2 too high. (drift action returned/2/control-plate)',
  );
  expect(passedOver).toEqual([]);
});

test('values that no constant puts right are left out', () => {
  const { corrections } = unseen([result(5)], { decision: 'exclude' });
  expect(corrections).toMatchObject([{ replaces: 'r5', outcome: 'failed' }]);
  expect(corrections[0]).not.toHaveProperty('value');
});

test('corrected again, there is nothing left to correct', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 30 }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      fc.constantFrom('correct' as const, 'exclude' as const),
      (numbers, offset, standardError, decision) => {
        const standing = numbers.map((n) => result(n));
        const once = unseen(standing, { offset, standardError, decision });
        expect(once.corrections).toHaveLength(standing.length);
        expect(new Set(once.corrections.map(({ resultId }) => resultId)).size).toBe(standing.length);
        const again = unseen(posted(standing, once.corrections), { offset, standardError, decision });
        expect(again.corrections).toEqual([]);
        expect(again.passedOver.map(({ why }) => why)).toEqual(standing.map(() => 'corrected already'));
        // By the same ids: posted twice by two people, each counts once.
        expect(unseen(standing, { offset, standardError, decision })).toEqual(once);
      },
    ),
  );
});

test('what is taken away is what the estimate takes away', () => {
  const doubted = [5, 6.1, 7, 8.2, 9];
  const estimate = estimateOffset(doubted, [3.1, 4, 5, 6, 7.1], { spread: 0.5 });
  const { corrections } = unseen([result(5)], {
    ...{ offset: estimate.offset, standardError: estimate.standardError },
  });
  expect(corrections[0]!.value).toBe(5 - estimate.shrunk);
});

test('what its laboratory corrected since is left as it is; what it corrected before was in doubt', () => {
  const before = result(7, { resultId: 'r7b', replaces: 'r7' });
  const since = result(8, { resultId: 'r8b', replaces: 'r8', value: 6 });
  const saw: SeenValue = ({ moleculeId }) => (moleculeId === molecule(7) ? 7 : 8);
  const { corrections, passedOver } = offsetCorrections(action(), [before, since], saw);
  expect(corrections.map(({ replaces }) => replaces)).toEqual(['r7b']);
  expect(passedOver).toEqual([{ resultId: 'r8b', why: 'corrected by the laboratory since: it replaces r8' }]);
});

test('what has no value, or is of another property, is told and passed over', () => {
  const { corrections, passedOver } = unseen([
    result(1, { outcome: 'failed', value: undefined }),
    result(2, { property: 'logP' }),
  ]);
  expect(corrections).toEqual([]);
  expect(passedOver).toEqual([
    { resultId: 'r1', why: 'failed: there is no value' },
    { resultId: 'r2', why: 'of logP, which nobody has doubted' },
  ]);
});

test.each([
  ['values that are right', found({ decision: 'keep', sentence: 'They are kept.' }), /They are kept/],
  ['controls that do not say', found({ decision: 'more-controls' }), /nothing is to be corrected/],
  ['controls that are not back', null, /its controls have not come back/],
])('%s are not corrected', (_what, none, words) => {
  expect(() => offsetCorrections({ ...action(), found: none }, [result(1)], nothing)).toThrow(words);
});

describe('in doubt', () => {
  const picks = [1, 2, 3].map((n) => ({ moleculeId: molecule(n) }));
  const batch = { batchId: BATCH, picks } as unknown as NonNullable<Parameters<typeof inDoubt>[0]['batch']>;
  const rows = [
    result(1),
    result(2, { batchId: BATCH, lab: 'north' }),
    result(3, { plate: 'P1', lab: 'north' }),
    // Plates are often named anew in each batch.
    result(2, { resultId: 'old', batchId: 'c/batch/1' }),
    result(9, { lab: 'north' }),
  ];
  const ids = (doubt: Parameters<typeof inDoubt>[0]) =>
    rows.filter(inDoubt(doubt)).map(({ resultId }) => resultId);

  test('is the plate or the laboratory in the batch that was looked at', () => {
    expect(ids({ cause: 'plate-offset', subject: 'P2', batch })).toEqual(['r1', 'r2']);
    expect(ids({ cause: 'lab-offset', subject: 'north', batch })).toEqual(['r2', 'r3']);
  });
  test('is everything where nothing is named, and every batch where none was looked at', () => {
    expect(ids({ cause: 'assay-shift', subject: null, batch })).toHaveLength(5);
    expect(ids({ cause: 'plate-offset', subject: 'P2', batch: null })).toEqual(['r1', 'r2', 'old', 'r9']);
  });
});
