/**
 * `node dist/scripts/bench-exploration.js FILE --smiles COLUMN --target COLUMN [--labels 5000] [--seed 1]`: what exploring on a
 * downscaled set costs against the same trials on all labels, and whether the model that either choice leads to is as good.
 * FILE is a CSV, plain or gzipped. Rows beyond the labels are held out and judge the models. CPU-seconds of the whole process.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { createChemistry } from '../src/chemistry';
import {
  featurizerName,
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
  type FeaturizerSpec,
  type Molecule,
  type TrialSpec,
} from '../src/contracts';
import { createRandom, selectFeatureRows } from '../src/foundation';
import {
  candidatesFor,
  createLearning,
  exploreCandidates,
  featurizersFor,
  regressionMetrics,
  totalDeviation,
  tuningReport,
  type ExploreRequest,
  type LabelledSet,
} from '../src/learning';
import { recordBenchmark } from '../src/platform/bench';

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    smiles: { type: 'string', default: 'smiles' },
    target: { type: 'string' },
    labels: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'wasm' },
  },
});
/** Held-out molecules that the two choices are judged on, at most. */
const MOST_HELD_OUT = 2000;
const chemistry = createChemistry({ threads: 2 });
const learning = createLearning({
  threads: 2,
  backend: options.backend === 'tensorflow' ? 'tensorflow' : 'wasm',
});

async function measured<T>(work: () => Promise<T>): Promise<{ value: T; cpuSeconds: number }> {
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, cpuSeconds: (user + system) / 1e6 };
}

async function readMolecules(): Promise<{ molecules: Molecule[]; targets: number[] }> {
  const [file] = positionals;
  if (!file || !options.target) throw new Error('give a FILE and --target COLUMN');
  const bytes = readFileSync(file);
  const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  const rows = (parse(text, { columns: true }) as Record<string, string>[]).filter(
    (row) => row[options.target!] !== '' && Number.isFinite(Number(row[options.target!])),
  );
  const shuffled = createRandom(Number(options.seed))
    .shuffle(rows)
    .slice(0, Number(options.labels) + MOST_HELD_OUT);
  const outcomes = await chemistry.standardise(
    shuffled.map((row) => ({ notation: 'smiles' as const, text: row[options.smiles]!.trim() })),
    moleculeCapsSchema.parse({}),
    standardisationSchema.parse({}),
  );
  const good = outcomes.flatMap((outcome, i) => (outcome.ok ? [{ molecule: outcome.molecule, i }] : []));
  return {
    molecules: good.map(({ molecule }) => molecule),
    targets: good.map(({ i }) => Number(shuffled[i]![options.target!])),
  };
}

async function main(): Promise<void> {
  const { molecules, targets } = await readMolecules();
  const labels = Math.min(Number(options.labels), molecules.length - 200);
  const matrices = new Map<string, FeatureMatrix>();
  for (const spec of featurizersFor({ families: 'auto', task: 'regression', labels })) {
    try {
      matrices.set(featurizerName(spec), await chemistry.featurise(molecules, spec));
    } catch (error) {
      process.stderr.write(`left out: ${featurizerName(spec)}: ${String(error)}\n`);
    }
  }
  const train = Array.from({ length: labels }, (_, row) => row);
  const held = Array.from({ length: molecules.length - labels }, (_, i) => labels + i);
  const cut = new Map([...matrices].map(([name, matrix]) => [name, selectFeatureRows(matrix, train)]));
  const labelled = (spec: FeaturizerSpec): LabelledSet => ({
    features: cut.get(featurizerName(spec))!,
    targets: Float64Array.from(train, (row) => targets[row]!),
    qualifiers: train.map(() => '='),
    replicates: new Float64Array(labels).fill(1),
  });
  const candidates = candidatesFor(
    { families: 'auto', task: 'regression', labels },
    [...matrices.values()].map(({ spec }) => spec),
  );
  const request: ExploreRequest = { candidates, labelled, split: null, seed: Number(options.seed) };

  const small = await measured(() => exploreCandidates(learning, request));
  process.stdout.write(`${labels} labels, ${candidates.length} trials, ${held.length} held out\n`);
  for (const { trialId, rows, metrics } of small.value.record.results)
    process.stdout.write(
      `  ${trialId.padEnd(9)} ${String(rows).padStart(5)} labels: RMSE ${metricOf(metrics)}\n`,
    );
  process.stdout.write(`  ${small.value.record.downscaling}\n`);
  for (const { factor, explained, levels } of tuningReport(small.value.record))
    process.stdout.write(
      `  ${factor} explains ${(100 * explained).toFixed(0)} %; best: ${levels[0]!.level}\n`,
    );
  for (const { trialId, message } of small.value.record.failures)
    process.stdout.write(`  ${trialId} failed: ${message}\n`);
  const whole = await measured(() => exploreCandidates(learning, { ...request, rows: labels }));
  for (const { trialId, rows, metrics } of whole.value.record.results)
    process.stdout.write(
      `  ${trialId.padEnd(9)} ${String(rows).padStart(5)} labels: RMSE ${metricOf(metrics)}\n`,
    );

  const judge = async (trial: TrialSpec) => {
    const model = await learning.fit({
      settings: trial.settings,
      labelled: labelled(trial.featurizer),
      seed: 1,
    });
    const matrix = selectFeatureRows(matrices.get(featurizerName(trial.featurizer))!, held);
    const predicted = await model.predict(matrix);
    model.dispose();
    const observed = Float64Array.from(held, (row) => targets[row]!);
    return regressionMetrics(observed, predicted.mean, totalDeviation(predicted)).rmse;
  };
  const [chosenSmall] = small.value.leaders as [TrialSpec];
  const [chosenWhole] = whole.value.leaders as [TrialSpec];
  const errorSmall = await judge(chosenSmall);
  const errorWhole = chosenWhole === chosenSmall ? errorSmall : await judge(chosenWhole);
  recordBenchmark('exploration', [
    {
      ...{ name: 'exploring on little', value: small.cpuSeconds, unit: 'CPU s' },
      peer: { name: 'on all labels', value: whole.cpuSeconds },
    },
    {
      ...{ name: 'held-out error of what was chosen', value: errorSmall, unit: 'RMSE', steady: true },
      peer: { name: 'chosen on all labels', value: errorWhole },
    },
  ]);
  process.stdout.write(
    `downscaled: ${small.cpuSeconds.toFixed(1)} CPU s, chose ${chosenSmall.trialId}, held-out RMSE ${errorSmall.toFixed(3)}\n` +
      `all labels: ${whole.cpuSeconds.toFixed(1)} CPU s, chose ${chosenWhole.trialId}, held-out RMSE ${errorWhole.toFixed(3)}\n` +
      `ratio of cost: ${(small.cpuSeconds / whole.cpuSeconds).toFixed(3)}\n`,
  );
}

const metricOf = (metrics: { rmse?: number } | object): string =>
  'rmse' in metrics && metrics.rmse !== undefined ? metrics.rmse.toFixed(3) : '–';

void main().finally(async () => {
  await Promise.all([learning.close(), chemistry.close()]);
});
