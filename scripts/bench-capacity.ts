/**
 * `npm run bench:capacity -- [--molecules 600] [--labels 400] [--pool 18000] [--repeats 3]`: CPU-seconds of this machine beside those that the model of
 * `npm run capacity` reckons with, for each stage that it goes by: standardising, featurising by the default featurizer, a fit, the exact best of a pool.
 * The molecules are those of examples/solubility, repeated for the pool; a stage is warm and the median of the repeats counts.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { logExpectedImprovement } from '../src/acquisition';
import { createChemistry, type Chemistry } from '../src/chemistry';
import { table } from '../src/cli/table';
import {
  asTitrateError,
  campaignConfigSchema,
  moleculeCapsSchema,
  standardisationSchema,
  TitrateError,
} from '../src/contracts';
import { median, packageRoot, selectFeatureRows } from '../src/foundation';
import { createLearning, type Learning } from '../src/learning';
import { recordBenchmark } from '../src/platform/bench';
import {
  featuriseCpuSeconds,
  fitCpuSeconds,
  scoreCpuSeconds,
  standardiseCpuSeconds,
} from '../src/platform/capacity';

const EXAMPLE = path.join(packageRoot, 'examples', 'solubility');
const BEST = 100;

interface Sizes {
  readonly molecules: number;
  readonly labels: number;
  readonly pool: number;
  readonly repeats: number;
}

interface Stage {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly modelled: number;
}

/** @throws TitrateError usage */
function readSizes(): Sizes {
  const { values } = parseArgs({
    options: {
      molecules: { type: 'string', default: '600' },
      labels: { type: 'string', default: '400' },
      pool: { type: 'string', default: '18000' },
      repeats: { type: 'string', default: '3' },
    },
  });
  const whole = (name: keyof Sizes) => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number > 0) return number;
    throw new TitrateError('usage', {
      ...{ what: `'${values[name]}' is no whole number above 0`, where: `--${name}` },
    });
  };
  const sizes = {
    ...{ molecules: whole('molecules'), labels: whole('labels') },
    ...{ pool: whole('pool'), repeats: whole('repeats') },
  };
  if (sizes.labels > sizes.molecules)
    throw new TitrateError('usage', {
      ...{ what: `${sizes.labels} are more than --molecules ${sizes.molecules}`, where: '--labels' },
    });
  return sizes;
}

/** The first molecules of the example, with their values. */
function readMeasured(count: number) {
  const lines = readFileSync(path.join(EXAMPLE, 'measured.csv'), 'utf8').trim().split('\n').slice(1);
  if (lines.length < count)
    throw new TitrateError('usage', {
      ...{ what: `examples/solubility has ${lines.length}, not ${count}`, where: '--molecules' },
    });
  return lines.slice(0, count).map((line) => {
    // A name may hold commas in quotes.
    const [, , text, value] = line.replace(/"[^"]*"/g, '').split(',');
    return { input: { notation: 'smiles' as const, text: text! }, value: Number(value) };
  });
}

/** The first call compiles and starts threads, and is not counted. */
async function cpuSecondsOf<T>(repeats: number, work: () => Promise<T>, done: (value: T) => void = () => {}) {
  let value = await work();
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    done(value);
    const before = process.cpuUsage();
    value = await work();
    const { user, system } = process.cpuUsage(before);
    seconds.push((user + system) / 1e6);
  }
  return { value, cpuSeconds: median(seconds) };
}

async function measure(chemistry: Chemistry, learning: Learning, sizes: Sizes): Promise<Stage[]> {
  const { featurizers } = campaignConfigSchema.parse(
    JSON.parse(readFileSync(path.join(EXAMPLE, 'campaign.json'), 'utf8')),
  );
  const measured = readMeasured(sizes.molecules);
  const inputs = measured.map(({ input }) => input);
  const [caps, rules] = [moleculeCapsSchema.parse({}), standardisationSchema.parse({})];
  const standardised = await cpuSecondsOf(sizes.repeats, () => chemistry.standardise(inputs, caps, rules));
  const rows = standardised.value.flatMap((outcome, i) =>
    outcome.ok ? [{ molecule: outcome.molecule, value: measured[i]!.value }] : [],
  );
  const molecules = rows.map(({ molecule }) => molecule);
  const features = await cpuSecondsOf(sizes.repeats, () => chemistry.featurise(molecules, featurizers[0]!));

  const labels = Math.min(sizes.labels, rows.length);
  const labelled = {
    features: selectFeatureRows(features.value, [...Array(labels).keys()]),
    targets: Float64Array.from(rows.slice(0, labels), ({ value }) => value),
    qualifiers: Array.from({ length: labels }, () => '=' as const),
    replicates: new Float64Array(labels).fill(1),
  };
  const settings = { family: 'gaussian-process', noiseRatios: [0.001, 0.01, 0.1, 1] } as const;
  const fit = await cpuSecondsOf(
    sizes.repeats,
    () => learning.fit({ settings, labelled, seed: 1 }),
    (model) => model.dispose(),
  );

  const pool = selectFeatureRows(
    features.value,
    Array.from({ length: sizes.pool }, (_, i) => i % rows.length),
  );
  const incumbent = Math.max(...labelled.targets);
  const score = (mean: number, sigma: number) => logExpectedImprovement(mean, sigma, incumbent);
  const scored = await cpuSecondsOf(sizes.repeats, async () => fit.value.best!(pool, { count: BEST, score }));
  fit.value.dispose();

  return [
    {
      name: `standardise ${inputs.length} molecules`,
      cpuSeconds: standardised.cpuSeconds,
      modelled: standardiseCpuSeconds(inputs.length),
    },
    {
      name: `featurise ${rows.length} molecules`,
      cpuSeconds: features.cpuSeconds,
      modelled: featuriseCpuSeconds(rows.length),
    },
    { name: `fit ${labels} labels`, cpuSeconds: fit.cpuSeconds, modelled: fitCpuSeconds(labels) },
    {
      name: `score ${sizes.pool} molecules by ${labels} labels`,
      cpuSeconds: scored.cpuSeconds,
      modelled: scoreCpuSeconds(sizes.pool, labels),
    },
  ];
}

async function main(): Promise<void> {
  const sizes = readSizes();
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'auto' });
  const stages = await measure(chemistry, learning, sizes).finally(() =>
    Promise.all([chemistry.close(), learning.close()]),
  );
  recordBenchmark(
    'capacity',
    // The model was not measured in the same run: its ratio is no reason to speak of a regression.
    stages.map(({ name, cpuSeconds: value }) => ({ name, value, unit: 'CPU s' })),
  );
  process.stdout.write(
    `${table(
      ['stage', 'CPU s', 'the model', 'ratio'],
      stages.map(({ name, cpuSeconds, modelled }) => [
        ...[name, cpuSeconds.toFixed(3), modelled.toFixed(3), (cpuSeconds / modelled).toFixed(2)],
      ]),
    )}\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`bench:capacity: ${asTitrateError(error).message}\n`);
  process.exitCode = 1;
});
