import type { BehaviourCheck, GateVerdict } from '../../contracts';
import { figure } from './words';

/** Predicts molecules; element i is the value for SMILES i, or why there is none. */
export type PredictValues = (smiles: readonly string[]) => Promise<readonly (number | string)[]>;

/** What a campaign says a model must say of named molecules. Every check is judged; what fails is told by number. */
export async function behaviourGate(
  checks: readonly BehaviourCheck[],
  predict: PredictValues,
): Promise<GateVerdict> {
  const molecules = [...new Set(checks.flatMap(moleculesOf))];
  const values = await predict(molecules);
  const known = new Map(molecules.map((smiles, i) => [smiles, values[i]!]));
  const failures = checks.flatMap((check, i) => {
    const unknown = moleculesOf(check).find((smiles) => typeof known.get(smiles) !== 'number');
    const why =
      unknown === undefined
        ? failureOf(check, (smiles) => known.get(smiles) as number)
        : `${unknown} could not be predicted (${String(known.get(unknown))})`;
    return why === null ? [] : [`check ${i + 1}: ${why}`];
  });
  return {
    gate: 'behaviour',
    passed: failures.length === 0,
    evidence: failures.length
      ? `${failures.length} of ${checks.length} checks of the campaign failed: ${failures.join('; ')}.`
      : `All ${checks.length} checks of the campaign hold, on ${molecules.length} molecules.`,
  };
}

function moleculesOf(check: BehaviourCheck): readonly string[] {
  if (check.kind === 'above') return [check.smiles, check.than];
  return check.kind === 'rising' ? check.smiles : [check.smiles];
}

function failureOf(check: BehaviourCheck, valueOf: (smiles: string) => number): string | null {
  if (check.kind === 'above') {
    const [high, low] = [valueOf(check.smiles), valueOf(check.than)];
    if (high > low && high - low >= check.by) return null;
    const by = check.by ? ` by ${check.by}` : '';
    return `${check.smiles} (${figure(high)}) is not above ${check.than} (${figure(low)})${by}`;
  }
  if (check.kind === 'range') {
    const value = valueOf(check.smiles);
    const { min = -Infinity, max = Infinity } = check;
    if (value >= min && value <= max) return null;
    return `${check.smiles} (${figure(value)}) is not within ${check.min ?? 'anything'} to ${check.max ?? 'anything'}`;
  }
  const falls = check.smiles.findIndex(
    (smiles, i) => i > 0 && !(valueOf(smiles) >= valueOf(check.smiles[i - 1]!)),
  );
  if (falls < 0) return null;
  const [before, after] = [check.smiles[falls - 1]!, check.smiles[falls]!];
  return `${after} (${figure(valueOf(after))}) is below ${before} (${figure(valueOf(before))})`;
}
