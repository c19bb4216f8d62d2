import type { ModelCard } from '../../src/contracts';
import { judgeGates, type GateRequest } from '../../src/rollout';
import { makeCard } from '../serving/support/card';

const limits = { maxRmseRatio: 1.1, minCoverage90: 0.75 };
const invariance = { molecules: 12, maxDifference: 1e-7 };
const metrics = (changes: Partial<ModelCard['metrics']>) => ({ ...makeCard({}).metrics, ...changes });
const judge = (changes: Partial<GateRequest>) => {
  const verdicts = judgeGates({ candidate: makeCard({}), live: null, invariance, limits, ...changes });
  return Object.fromEntries(verdicts.map(({ gate, ...rest }) => [gate, rest]));
};

test('a good first model passes all four gates, each with numbers in a sentence', () => {
  const verdicts = judgeGates({ candidate: makeCard({}), live: null, invariance, limits });
  expect(verdicts.map(({ gate, passed }) => [gate, passed])).toEqual([
    ['finite', true],
    ['quality', true],
    ['coverage', true],
    ['spelling', true],
  ]);
  for (const { evidence } of verdicts) expect(evidence).toMatch(/^[A-Z][^\n]*\d[^\n]*\.$/);
});

test('held-out RMSE may exceed the live model by the ratio and no more', () => {
  const live = makeCard({ metrics: metrics({ rmse: 1 }) });
  const at = (rmse: number) => judge({ candidate: makeCard({ metrics: metrics({ rmse }) }), live }).quality!;
  expect(at(1.1).passed).toBe(true);
  expect(at(1.11)).toEqual({
    passed: false,
    evidence:
      "Held-out RMSE 1.11 log(mol/L) on 30 molecules is above 1.1 times the live model's 1 log(mol/L) (round 1, 30 molecules), which allows 1.1 log(mol/L).",
  });
  expect(at(0.2).passed).toBe(true);
});

test('models of different properties or units are not compared by number', () => {
  const verdict = judge({ live: makeCard({ unit: 'g/L' }) }).quality!;
  expect(verdict.passed).toBe(false);
  expect(verdict.evidence).toMatch(/logS g\/L.*cannot be compared/);
});

test('too little coverage holds a model', () => {
  const at = (coverage90: number) =>
    judge({ candidate: makeCard({ metrics: metrics({ coverage90 }) }) }).coverage!;
  expect(at(0.74).passed).toBe(false);
  expect(at(0.75).passed).toBe(true);
});

test('a figure that is not finite holds a model, also one that JSON turned into null', () => {
  const nll = null as unknown as number;
  const verdicts = judge({ candidate: makeCard({ metrics: metrics({ rmse: NaN, nll }) }) });
  expect(verdicts.finite).toEqual({
    passed: false,
    evidence: 'Not a finite number: RMSE, NLL (of 30 held-out molecules).',
  });
  expect(verdicts.quality!.passed).toBe(false);
  expect(verdicts.spelling!.passed).toBe(false);
});

test('spelling: an unproven invariance, a difference that matters, and a writing that fails all hold a model', () => {
  expect(judge({ invariance: null }).spelling!.passed).toBe(false);
  expect(judge({ invariance: { molecules: 0, maxDifference: 0 } }).spelling!.passed).toBe(false);
  expect(judge({ invariance: { molecules: 5, maxDifference: NaN } }).spelling!.passed).toBe(false);
  const worst = { smiles: 'CCO', alternative: 'OCC', difference: 0.1 };
  const different = judge({ invariance: { molecules: 5, maxDifference: 0.1, worst } }).spelling!;
  expect(different.passed).toBe(false);
  expect(different.evidence).toContain('0.1 log(mol/L) at most over 5 molecules, for CCO and OCC');
  expect(judge({ invariance: { ...invariance, failures: ['CCO: crashed'] } }).spelling!.passed).toBe(false);
});
