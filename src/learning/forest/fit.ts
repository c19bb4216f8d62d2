import type { RandomForestSettings } from '../../contracts';
import { deriveSeed } from '../../foundation';
import { measuredRows } from '../labelled-set';
import type { FitRequest, LabelledSet, TargetColumn } from '../learning';
import { columnCount, type ForestColumns } from './columns';
import type { ForestThreads } from './forest-threads';
import type { GrownTrees } from './grow-trees';
import { imputeBounds } from './impute';
import { outOfBag, spreadErrors, type OutOfBag } from './out-of-bag';
import { packTrees, sharedFloat64 } from './packed-trees';
import type { Forest } from './predict-rows';
import { treeSettings } from './settings';
import { classSpread, regressionSpread } from './spread';
import type { TrainingColumns } from './training-columns';

/** Trees of one job: enough to outweigh the message, few enough to share the work. */
const TREES_A_JOB = 5;
/** Times that bounds are imputed, and the trees they are imputed by: the first time by the measured rows alone. */
const SWEEPS = 3;
const SWEEP_TREES = 100;

interface Encoded {
  readonly columns: ForestColumns;
  readonly training: TrainingColumns;
}

/** A forest for every property, the wanted one first; each of the rows that have a value of it. @throws what jobs throw */
export async function fitForests(
  threads: ForestThreads,
  settings: RandomForestSettings,
  { labelled, seed, signal }: Pick<FitRequest, 'labelled' | 'seed' | 'signal'>,
): Promise<{ forests: Forest[]; seconds: number }> {
  const { features, task, auxiliary = [] } = labelled;
  const { answers, seconds: encoding } = await threads.run('encode', [{ features }], signal);
  const forests: Forest[] = [];
  let seconds = encoding;
  for (const [index, column] of [labelled, ...auxiliary].entries()) {
    const fit = new ForestFit(threads, settings, answers[0]!, column, task, signal);
    const own = index === 0 ? seed : deriveSeed(seed, 'property', index);
    forests.push(await (task === 'classification' ? fit.classes(own) : fit.regression(own)));
    seconds += fit.seconds;
  }
  return { forests, seconds };
}

class ForestFit {
  seconds = 0;

  constructor(
    private readonly threads: ForestThreads,
    private readonly settings: RandomForestSettings,
    private readonly encoded: Encoded,
    private readonly column: TargetColumn,
    private readonly task: LabelledSet['task'],
    private readonly signal: AbortSignal | undefined,
  ) {}

  async classes(seed: number): Promise<Forest> {
    const { targets } = this.column;
    const use = Uint8Array.from(targets, (label) => Number(!Number.isNaN(label)));
    const count = (label: number) => targets.reduce((sum, y) => sum + Number(y === label), 0);
    const [zeros, ones] = [count(0), count(1)];
    // Both classes weigh the same in choosing splits; leaves count plainly. Replicates are what made the class sure.
    const splitWeights = targets.map((y) => (zeros + ones) / (2 * (y === 1 ? ones : zeros)));
    const leafWeights = targets.map(() => 1);
    const { trees } = this.settings;
    const parts = await this.grow({ targets, use, splitWeights, leafWeights }, trees, seed);
    const out = outOfBag(parts, targets.length);
    const spread = classSpread(targets, out, trees);
    return this.forest(
      parts,
      packTrees(
        parts.flatMap((part) => part.trees),
        false,
      ),
      spread,
      {
        rows: zeros + ones,
        positives: ones,
        slope: spread.slope,
        intercept: spread.intercept,
      },
    );
  }

  async regression(seed: number): Promise<Forest> {
    const { targets, qualifiers, replicates } = this.column;
    const measured = measuredRows(this.column);
    const known = Uint8Array.from(targets, (y) => Number(!Number.isNaN(y)));
    const weights = { splitWeights: replicates, leafWeights: replicates };
    const bounds = known.reduce((sum, one) => sum + one, 0) - measured.length;
    const squaredErrors = ({ mean }: Pick<OutOfBag, 'mean'>) => {
      const squared = new Float64Array(targets.length).fill(NaN);
      for (const row of measured) squared[row] = (targets[row]! - mean[row]!) ** 2;
      return squared;
    };
    let imputed = targets;
    for (let sweep = 0; bounds > 0 && sweep < SWEEPS; sweep++) {
      const use = sweep === 0 ? known.map((_, row) => Number(qualifiers[row] === '=' && known[row])) : known;
      const count = Math.min(this.settings.trees, SWEEP_TREES);
      const labels = { targets: imputed, use, ...weights };
      const out = outOfBag(await this.grow(labels, count, deriveSeed(seed, 'sweep', sweep)), targets.length);
      const squared = squaredErrors(out).filter((value) => !Number.isNaN(value));
      const deviation = Math.sqrt(squared.reduce((sum, value) => sum + value / squared.length, 0));
      if (deviation > 0) imputed = imputeBounds(targets, qualifiers, out.mean, deviation);
    }
    const parts = await this.grow({ targets: imputed, use: known, ...weights }, this.settings.trees, seed);
    const packed = packTrees(
      parts.flatMap((part) => part.trees),
      true,
    );
    const out = outOfBag(parts, targets.length);
    const squared = squaredErrors(out);
    const spread = regressionSpread(
      squared,
      spreadErrors(packed, parts, squared),
      out,
      momentsOf(measured.map((row) => targets[row]!)),
    );
    return this.forest(parts, packed, spread, {
      rows: measured.length + bounds,
      ...(bounds > 0 && { bounds }),
      outOfBagRmse: Math.sqrt(spread.overall),
      disagreementScale: Math.sqrt(spread.disagreement),
      errorScale: Math.sqrt(spread.error),
    });
  }

  private async grow(
    labels: {
      targets: Float64Array;
      use: Uint8Array;
      splitWeights: Float64Array;
      leafWeights: Float64Array;
    },
    trees: number,
    seed: number,
  ): Promise<GrownTrees[]> {
    const { columns, training } = this.encoded;
    const settings = treeSettings(this.settings, columns, this.task);
    const shared = {
      targets: sharedFloat64(labels.targets),
      splitWeights: sharedFloat64(labels.splitWeights),
      leafWeights: sharedFloat64(labels.leafWeights),
      use: labels.use,
    };
    const firsts = Array.from({ length: Math.ceil(trees / TREES_A_JOB) }, (_, job) => job * TREES_A_JOB);
    const requests = firsts.map((first) => ({
      ...{ training, labels: shared, settings, seed, first },
      end: Math.min(trees, first + TREES_A_JOB),
    }));
    const { answers, seconds } = await this.threads.run('grow', requests, this.signal);
    this.seconds += seconds;
    return answers;
  }

  private forest(
    parts: readonly GrownTrees[],
    trees: Forest['trees'],
    spread: Forest['spread'],
    facts: Forest['facts'],
  ): Forest {
    const { columns } = this.encoded;
    return {
      columns,
      task: this.task ?? 'regression',
      trees,
      spread,
      facts: {
        trees: this.settings.trees,
        columns: columnCount(columns),
        leaves: trees.values.length,
        depth: Math.max(...parts.map(({ depth }) => depth)),
        ...facts,
      },
    };
  }
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, y) => sum + y / values.length, 0);
  return { mean, variance: values.reduce((sum, y) => sum + (y - mean) ** 2 / values.length, 0) };
}
