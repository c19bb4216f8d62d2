import type { Chemistry } from '../../chemistry';
import {
  featurizerName,
  type FeaturizerSpec,
  type ModelFamily,
  type ModelSettings,
  type Split,
} from '../../contracts';
import { deriveSeed } from '../../foundation';
import {
  candidatesFor,
  exploreCandidates,
  featurizersFor,
  scoreOf,
  tuningReport,
  type LabelledSet,
  type Learning,
  type RecipeFamilies,
  type TuningFactor,
} from '../../learning';
import type { LabelTable } from './label-table';
import { columnOf, featuriseRows, splitKeysOf, type TrainingProgress } from './train-model';

/** One trial of an exploration, best last score first. */
export interface ExploredTrial {
  readonly trialId: string;
  readonly family: ModelFamily;
  readonly featurizer: string;
  readonly settings: ModelSettings;
  /** A point a size of the downscaled set; `score` is RMSE, or log loss. */
  readonly curve: readonly {
    readonly rows: number;
    readonly score: number;
    readonly computeSeconds: number;
  }[];
  /** Whether it would go on to all labels. */
  readonly leads: boolean;
  readonly failure?: string;
}

export interface Exploration {
  readonly task: LabelTable['task'];
  readonly score: 'RMSE' | 'log loss';
  readonly split: Split;
  readonly labels: number;
  /** Labels of the largest set that was looked at, and why it is as large as that. */
  readonly subsetRows: number;
  readonly downscaling: string;
  readonly trials: readonly ExploredTrial[];
  readonly mattered: readonly TuningFactor[];
  /** Molecules that could not be featurised, and why. */
  readonly left: readonly { readonly smiles: string; readonly message: string }[];
  readonly computeSeconds: number;
}

export interface ExploreFileRequest {
  readonly table: Pick<LabelTable, 'task' | 'rows' | 'dates'>;
  /** Families to compare; 'auto': those that go with the number of labels. */
  readonly families: 'auto' | readonly Exclude<ModelFamily, 'stack'>[];
  readonly split: Split;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: TrainingProgress;
}

/**
 * The recipe's exploration alone: the same trials on the same rows and folds as `trainRecipe` with that seed.
 * @throws labels-insufficient; what the candidates threw, if none of them worked; cancelled
 */
export async function exploreTable(
  { chemistry, learning }: { readonly chemistry: Chemistry; readonly learning: Learning },
  { table, families, split, seed, signal, onProgress }: ExploreFileRequest,
): Promise<Exploration> {
  const { task, rows, dates } = table;
  const wanted: readonly RecipeFamilies[] = families === 'auto' ? ['auto'] : families;
  const requests = wanted.map((each) => ({ families: each, task, labels: rows.length }));
  const specs = distinct(requests.flatMap(featurizersFor));
  const featurised = await featuriseRows({ chemistry, signal, onProgress }, rows, specs);
  const features = new Map(specs.map((spec, i) => [featurizerName(spec), featurised.matrices[i]!]));
  const columns = columnOf(featurised.rows);
  const labelled = (spec: FeaturizerSpec): LabelledSet => ({
    ...columns,
    task,
    features: features.get(featurizerName(spec))!,
  });
  const candidates = requests.flatMap((request) => candidatesFor(request, specs));
  const { leaders, record, computeSeconds } = await exploreCandidates(learning, {
    candidates,
    labelled,
    split: await splitKeysOf(chemistry, featurised.rows, split, dates),
    seed: deriveSeed(seed, 'explore'),
    signal,
    onProgress: ({ phase, what, done, of }) => onProgress?.(`${phase} ${what}`, done, of),
  });
  const trials = candidates.map(({ trialId, settings, featurizer }): ExploredTrial => {
    const own = record.results.filter((result) => result.trialId === trialId);
    const failure = record.failures.find((each) => each.trialId === trialId);
    return {
      trialId,
      family: settings.family,
      featurizer: featurizerName(featurizer),
      settings,
      curve: own.map((result) => ({
        rows: result.rows,
        score: scoreOf(result.metrics),
        computeSeconds: result.computeSeconds,
      })),
      leads: leaders.some((leader) => leader.trialId === trialId),
      ...(failure && { failure: failure.message }),
    };
  });
  return {
    task,
    score: task === 'classification' ? 'log loss' : 'RMSE',
    split,
    labels: record.labels,
    subsetRows: record.subsetRows,
    downscaling: record.downscaling ?? '',
    trials: trials.sort(byLastScore),
    mattered: tuningReport(record),
    left: featurised.left,
    computeSeconds,
  };
}

const distinct = (specs: readonly FeaturizerSpec[]) => [
  ...new Map(specs.map((spec) => [featurizerName(spec), spec])).values(),
];

/** Who was looked at on more labels comes first, then the lower score. */
function byLastScore(a: ExploredTrial, b: ExploredTrial): number {
  const [x, y] = [a.curve.at(-1), b.curve.at(-1)];
  if (!x || !y) return Number(!x) - Number(!y);
  return y.rows - x.rows || x.score - y.score;
}
