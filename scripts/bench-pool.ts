/**
 * `npm run bench:pool -- --labelled FILE --target-column C --data F ...`: what it costs to find the best of a large pool by a Gaussian
 * process, on one thread. The labels are `--labels` molecules of the labelled file, which come with the highest values as the better ones
 * unless `--minimise` is given; the pool is made of the molecules of all files, repeated until there are `--size`. Features are made
 * beforehand and not timed. Candidates are ranked by the logarithm of expected improvement, and the exact `--top` are found part by part.
 * Then the joint covariance of the best is made. A NumPy peer computes the same scores of a smaller part in the same run, and its time is
 * extrapolated; where it is not at hand (`--python FILE` names it, otherwise that of bench:models) its row is left out.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { logExpectedImprovement } from '../src/acquisition';
import { createChemistry } from '../src/chemistry';
import type { FeatureMatrix } from '../src/contracts';
import { concatFeatureRows, selectFeatureRows } from '../src/foundation';
import { COVARIANCE_MAX_ROWS, createLearning, type FittedModel } from '../src/learning';
import { recordBenchmark, type BenchFigureInput } from '../src/platform/bench';
import { peerPython } from './peers/methods';
import { runPoolPeer } from './peers/pool';
import { readLabelledPool } from './pool-molecules';

/** Rows of the pool searched in one call. */
const PART = 65_536;
const MICROSECONDS = 1e6;

interface Options {
  readonly labelled: string;
  readonly target: string;
  readonly sign: 1 | -1;
  readonly files: readonly string[];
  readonly size: number;
  readonly labels: number;
  readonly top: number;
  /** Most molecules read of each file. */
  readonly molecules: number;
  readonly peerRows: number;
  readonly python?: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      labelled: { type: 'string' },
      'target-column': { type: 'string', default: 'score' },
      minimise: { type: 'boolean', default: false },
      data: { type: 'string', multiple: true, default: [] },
      size: { type: 'string', default: '1000000' },
      labels: { type: 'string', default: '500' },
      top: { type: 'string', default: '10000' },
      molecules: { type: 'string', default: '100000' },
      'peer-rows': { type: 'string', default: '20000' },
      python: { type: 'string' },
    },
  });
  if (!values.labelled) throw new Error('--labelled FILE is missing: a table with SMILES first and values');
  const whole = (name: 'size' | 'labels' | 'top' | 'molecules' | 'peer-rows') => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number > 0) return number;
    throw new Error(`--${name} is '${values[name]}', expected a whole number above 0`);
  };
  return {
    labelled: values.labelled,
    target: values['target-column'],
    sign: values.minimise ? -1 : 1,
    files: values.data,
    size: whole('size'),
    labels: whole('labels'),
    top: whole('top'),
    molecules: whole('molecules'),
    peerRows: whole('peer-rows'),
    python: values.python,
  };
}

/** Best first. */
interface Search {
  readonly best: readonly { readonly part: number; readonly row: number; readonly score: number }[];
  readonly evaluated: number;
}

/** The exact best of the parts, searched in turn: each has to beat what those before it have. */
async function search(
  model: FittedModel,
  parts: readonly FeatureMatrix[],
  top: number,
  score: (mean: number, sigma: number) => number,
): Promise<Search> {
  let best: Search['best'] = [];
  let evaluated = 0;
  for (const [part, features] of parts.entries()) {
    const floor = best.length < top ? undefined : best[top - 1]!.score;
    const found = await model.best!(features, { count: top, floor, score });
    const added = Array.from(found.rows, (row, i) => ({ part, row, score: found.scores[i]! }));
    best = [...best, ...added].sort((a, b) => b.score - a.score).slice(0, top);
    evaluated += found.evaluated;
  }
  return { best, evaluated };
}

/** Parts of `PART` rows that together repeat the molecules until there are `size`. */
function poolOf(features: FeatureMatrix, size: number): FeatureMatrix[] {
  const parts: FeatureMatrix[] = [];
  const distinct = new Map<number, FeatureMatrix>();
  for (let done = 0; done < size; done += PART) {
    const count = Math.min(PART, size - done);
    const first = done % features.rows;
    const rows = Array.from({ length: count }, (_, i) => (first + i) % features.rows);
    const key = count === PART ? first : -1;
    const part = distinct.get(key) ?? selectFeatureRows(features, rows);
    distinct.set(key, part);
    parts.push(part);
  }
  return parts;
}

async function timed<T>(work: () => Promise<T>) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (performance.now() - started) / 1000, cpu: (user + system) / MICROSECONDS };
}

type Line = (what: string, time: { seconds: number; cpu: number }, more?: string) => void;

interface Problem {
  readonly labelled: FeatureMatrix;
  readonly targets: Float64Array;
  readonly molecules: FeatureMatrix;
  readonly model: FittedModel;
  readonly incumbent: number;
  readonly score: (mean: number, sigma: number) => number;
}

/** The peer's CPU-seconds for the first rows, by the share of the pool that they are; and whether it scores them as we do. */
async function comparePeer(
  { python, peerRows, size, top }: Options,
  { labelled, targets, molecules, model, incumbent, score }: Problem,
  line: Line,
): Promise<number | null> {
  let file: string;
  try {
    file = peerPython(python);
  } catch (error) {
    console.log(`no peer: ${(error as Error).message}`);
    return null;
  }
  const rows = Math.min(peerRows, molecules.rows);
  const pool = selectFeatureRows(molecules, [...Array(rows).keys()]);
  const { facts } = model;
  const peer = runPoolPeer(file, { labelled, targets, pool, job: { ...facts, incumbent, top } });
  const { mean, epistemic } = await model.predict(pool);
  const apart = peer.scores.reduce(
    (most, value, i) => Math.max(most, Math.abs(Math.exp(value) - Math.exp(score(mean[i]!, epistemic[i]!)))),
    0,
  );
  const times = size / rows;
  line(
    `NumPy and SciPy, from ${rows} rows`,
    { seconds: times * peer.seconds, cpu: times * peer.cpu },
    `extrapolated; expected improvements differ by at most ${apart.toExponential(1)}`,
  );
  return times * peer.cpu;
}

async function main(): Promise<void> {
  const options = readOptions();
  const { labels, size, top, sign } = options;
  const chemistry = createChemistry({ threads: os.availableParallelism() });
  const learning = createLearning({ threads: 1, backend: 'auto' });
  try {
    const { labelled, targets, molecules } = await readLabelledPool(chemistry, {
      ...{ labelled: options.labelled, target: options.target, sign, files: options.files, labels },
      most: options.molecules,
    });
    const parts = poolOf(molecules, size);
    const bare = {
      qualifiers: Array.from(targets, () => '=' as const),
      replicates: new Float64Array(labels).fill(1),
    };
    const settings = { family: 'gaussian-process', noiseRatios: [0.001, 0.01, 0.1, 1] } as const;
    const fit = await timed(() =>
      learning.fit({ settings, labelled: { features: labelled, targets, ...bare }, seed: 1 }),
    );
    const model = fit.value;
    const incumbent = Math.max(...targets);
    const score = (mean: number, sigma: number) => logExpectedImprovement(mean, sigma, incumbent);
    const line: Line = (what, { seconds, cpu }, more = '') =>
      console.log(
        `${what.padEnd(58)} ${seconds.toFixed(2).padStart(8)} s ${cpu.toFixed(2).padStart(8)} CPU s  ${more}`,
      );
    console.log(`${molecules.rows} molecules, ${labels} labels, a pool of ${size}\n`);
    line('fit', fit);
    // A first search compiles the loops and finds the directions.
    await search(model, [selectFeatureRows(molecules, [...Array(2000).keys()])], 10, score);
    const found = await timed(() => search(model, parts, top, score));
    const { best, evaluated } = found.value;
    line(`exact top ${top} of ${size}`, found, `${evaluated} variances of ${size}`);
    const figures: BenchFigureInput[] = [
      {
        ...{ name: 'variances computed', value: evaluated, unit: 'rows', steady: true },
        peer: { name: 'all', value: size },
      },
    ];
    const shortlist = best.slice(0, COVARIANCE_MAX_ROWS);
    const features = concatFeatureRows(
      shortlist.map(({ part, row }) => selectFeatureRows(parts[part]!, [row])),
    );
    line(`joint covariance of ${features.rows}`, await timed(() => model.covariance(features)));
    const numpy = await comparePeer(options, { labelled, targets, molecules, model, incumbent, score }, line);
    figures.push({
      ...{ name: `exact top ${top} of ${size}`, value: found.cpu, unit: 'CPU s' },
      peer: numpy === null ? null : { name: 'NumPy and SciPy', value: numpy },
    });
    recordBenchmark('pool', figures);
    model.dispose();
  } finally {
    await Promise.all([chemistry.close(), learning.close()]);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
