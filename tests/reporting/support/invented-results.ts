import type {
  ArtifactRef,
  BatchSheet,
  EvaluationRecord,
  ExplorationRecord,
  HeldOutPrediction,
  TrainingRow,
  TrialSpec,
} from '../../../src/contracts';
import type { Random } from '../../../src/foundation';
import type { InventedMolecule } from './molecules';

const FEATURES = { kind: 'morgan', radius: 2, bits: 2048, counts: 'simulated' } as const;

/** What a lab sends back: mostly values, now and then a failure, something never tried, a bound, or nothing yet. */
export function answer(
  sheet: BatchSheet,
  byId: Map<string, InventedMolecule>,
  fates: Map<string, 'measured' | 'failed' | 'abandoned' | 'pending'>,
  table: Map<string, TrainingRow>,
  random: Random,
  last: boolean,
): void {
  for (const [i, pick] of sheet.picks.entries()) {
    const luck = random.next();
    const molecule = byId.get(pick.moleculeId)!;
    if (luck < 0.05) fates.set(pick.moleculeId, 'failed');
    else if (luck < 0.09 || i === 3) fates.set(pick.moleculeId, 'abandoned');
    else if (last && i % 7 === 6) fates.set(pick.moleculeId, 'pending');
    else {
      const replicates = luck > 0.8 ? 3 : 1;
      const bound = luck > 0.97;
      fates.set(pick.moleculeId, 'measured');
      table.set(pick.moleculeId, {
        moleculeId: pick.moleculeId,
        smiles: molecule.smiles,
        value: Number((molecule.value + (bound ? 0.3 : 0)).toFixed(3)),
        qualifier: bound ? '<' : '=',
        replicates: bound ? 1 : replicates,
        spread: replicates > 1 && !bound ? 0.12 : 0,
      });
    }
  }
}

/** Held-out predictions with errors of the given size, and their figures. */
export function evaluate(
  rows: TrainingRow[],
  byId: Map<string, InventedMolecule>,
  sd: number,
  scale: number,
  random: Random,
  put: (rows: unknown[]) => ArtifactRef,
): EvaluationRecord {
  const predictions = rows
    .map((row): HeldOutPrediction => {
      const predicted = byId.get(row.moleculeId)!.value + sd * random.normal();
      const deviation = sd * (0.8 + 0.4 * random.next());
      return {
        moleculeId: row.moleculeId,
        smiles: row.smiles,
        observed: row.value,
        predicted,
        standardDeviation: deviation,
        interval90: [predicted - 1.645 * deviation, predicted + 1.645 * deviation],
      };
    })
    .sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
  const n = predictions.length;
  const errors = predictions.map((p) => p.observed - p.predicted);
  const mean = predictions.reduce((s, p) => s + p.observed, 0) / n;
  const sse = errors.reduce((s, e) => s + e * e, 0);
  const inside = (factor: number) =>
    predictions.filter((p) => Math.abs(p.observed - p.predicted) <= 1.645 * p.standardDeviation * factor)
      .length / n;
  const metrics = {
    n,
    rmse: Math.sqrt(sse / n),
    mae: errors.reduce((s, e) => s + Math.abs(e), 0) / n,
    r2: 1 - sse / predictions.reduce((s, p) => s + (p.observed - mean) ** 2, 0),
    spearman: 0.8,
    nll: 0.9,
    coverage90: inside(1),
  };
  return {
    metrics,
    calibration: { scale, n, coverage90Before: inside(1 / scale), coverage90After: inside(1) },
    predictions: put(predictions),
    backend: 'tensorflow',
    computeSeconds: 12,
  };
}

/** Successive halving over four trials, of which one fails. */
export function explore(round: number, labels: number, sd: number): ExplorationRecord {
  const trials: TrialSpec[] = [
    {
      trialId: `t${round}-1`,
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1, 1] },
      featurizer: FEATURES,
    },
    {
      trialId: `t${round}-2`,
      settings: {
        family: 'mlp-ensemble',
        members: 5,
        hidden: [256, 128],
        dropout: 0.1,
        learningRate: 0.001,
        weightDecay: 0.0001,
        batchSize: 32,
        epochs: 30,
      },
      featurizer: FEATURES,
    },
    {
      trialId: `t${round}-3`,
      settings: {
        family: 'mlp-ensemble',
        members: 5,
        hidden: [512, 512],
        dropout: 0.2,
        learningRate: 0.0005,
        weightDecay: 0,
        batchSize: 32,
        epochs: 30,
      },
      featurizer: {
        kind: 'concatenation',
        parts: [FEATURES, { kind: 'atom-pair', bits: 2048, counts: 'simulated' }],
      },
    },
    {
      trialId: `t${round}-4`,
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1, 1] },
      featurizer: { kind: 'descriptors' },
    },
  ];
  const result = (k: number, rung: number, factor: number) => {
    const rmse = sd * factor;
    return {
      trialId: trials[k]!.trialId,
      rung,
      rows: Math.min(labels, 128),
      metrics: { n: labels, rmse, mae: rmse * 0.8, r2: 0.5, spearman: 0.7, nll: 1, coverage90: 0.88 },
      backend: k === 0 ? 'float64' : 'tensorflow',
      computeSeconds: 1.5 + k,
    };
  };
  return {
    subsetRows: Math.min(labels, 128),
    labels,
    folds: 3,
    rungs: [
      { rung: 1, effort: 0.33, trials: trials.map((t) => t.trialId) },
      { rung: 2, effort: 1, trials: [trials[0]!.trialId, trials[1]!.trialId] },
    ],
    trials,
    results: [
      result(0, 1, 1.2),
      result(1, 1, 1.3),
      result(2, 1, 1.6),
      result(0, 2, 1.02),
      result(1, 2, 1.11),
    ],
    failures: [{ trialId: trials[3]!.trialId, message: 'the kernel matrix is not positive definite' }],
    chosen: trials[0]!,
    rule: 'successive halving on cross-validated RMSE; the lowest on the last rung is chosen.',
  };
}
