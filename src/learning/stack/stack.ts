import {
  featurizerName,
  TitrateError,
  type BaseModelSettings,
  type FeatureMatrix,
  type ModelFamily,
  type StackedModel,
  type StackSettings,
} from '../../contracts';
import { deriveSeed, type CancelSignal } from '../../foundation';
import { outOfFold } from '../cross-validate';
import { checkLabelled, measuredRows } from '../labelled-set';
import type {
  FitRequest,
  FittedModel,
  LabelledSet,
  Learning,
  ModelFamilyAdapter,
  Prediction,
} from '../learning';
import { decodeStack, encodeStack } from './codec';
import { combinePredictions } from './combine';
import { drawMixture, mixtureCovariance, mixtureCrossCovariance, type CrossPart } from './joint';
import { stackWeights } from './weights';

type Bases = Pick<Learning, 'fit' | 'load'>;

/**
 * Stacks of the other families (Wolpert 1992): a convex combination, weighted by out-of-fold evidence unless the settings name
 * the weights. Models whose weight is 0 are not trained.
 * @param bases fits and loads the models that are stacked
 * Errors: config-invalid for settings that do not fit the features; those of the families.
 */
export function createStack(bases: Bases): ModelFamilyAdapter {
  return {
    family: 'stack',
    fit: (request) => fitStack(bases, request),
    async load(bytes) {
      const { weights, parts, featurizers, models } = decodeStack(bytes);
      const loaded: FittedModel[] = [];
      try {
        for (const { family, bytes: own } of models) loaded.push(await bases.load(family, own));
      } catch (error) {
        loaded.forEach((model) => model.dispose());
        throw error;
      }
      return new FittedStack(weights, parts, featurizers, loaded);
    },
    close: () => Promise.resolve(),
  };
}

async function fitStack(bases: Bases, request: FitRequest): Promise<FittedModel> {
  const settings = checkSettings(request);
  const { labelled, seed, signal } = request;
  const seedOf = (index: number) => deriveSeed(seed, 'stacked', index);
  const partOf = (model: StackedModel): LabelledSet => ({
    ...labelled,
    features: stackedFeatures(labelled.features, model.part),
  });
  let searched = 0;
  let weights = settings.weights;
  if (!weights) {
    const rows = measuredRows(labelled);
    const take = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
    const means: Float64Array[] = [];
    for (const model of settings.models) {
      const held = await outOfFold(bases, {
        settings: model.settings,
        labelled: partOf(model),
        folds: settings.folds,
        seed: deriveSeed(seed, 'stack-folds'),
        signal,
      });
      searched += held.computeSeconds;
      means.push(take(held.predictions.mean));
    }
    weights = stackWeights({
      task: labelled.task ?? 'regression',
      observed: take(labelled.targets),
      means,
    });
  }
  const used = settings.models.flatMap((model, i) => (weights[i]! > 0 ? [i] : []));
  const fitted: FittedModel[] = [];
  try {
    for (const index of used) {
      const model = settings.models[index]!;
      fitted.push(
        await bases.fit({
          settings: model.settings,
          labelled: partOf(model),
          seed: seedOf(index),
          signal,
        }),
      );
    }
  } catch (error) {
    fitted.forEach((model) => model.dispose());
    throw error;
  }
  const parts = used.map((index) => settings.models[index]!.part);
  return new FittedStack(
    used.map((index) => weights[index]!),
    parts,
    parts.map((part) => featurizerName(stackedFeatures(labelled.features, part).spec)),
    fitted,
    searched + fitted.reduce((sum, model) => sum + model.computeSeconds, 0),
  );
}

class FittedStack implements FittedModel {
  readonly family = 'stack';
  /** Of a single model that can; what several say of a row has no bound that is cheaper than asking them. */
  readonly best?: FittedModel['best'];
  /** Where all models can. */
  readonly crossCovariance?: FittedModel['crossCovariance'];

  constructor(
    private readonly weights: readonly number[],
    private readonly parts: readonly number[],
    private readonly featurizers: readonly string[],
    private readonly models: readonly FittedModel[],
    readonly computeSeconds = 0,
  ) {
    const [only, ...others] = models;
    if (only?.best && others.length === 0)
      this.best = (features, request, signal) => only.best!(this.own(features, 0), request, signal);
    if (models.every((model) => model.crossCovariance))
      this.crossCovariance = (features, others, signal) => this.mixedCovariance(features, others, signal);
  }

  get backend(): string {
    return [...new Set(this.models.map((model) => model.backend))].join('+');
  }

  get facts(): Readonly<Record<string, number | string>> {
    const entries = this.models.flatMap((model, i) => {
      const name = `${i + 1} ${model.family}`;
      const own = Object.entries(model.facts).map(([key, value]) => [`${name}: ${key}`, value] as const);
      return [[`${name}: weight`, this.weights[i]!] as const, ...own];
    });
    return Object.fromEntries(entries);
  }

  async predict(features: FeatureMatrix, signal?: CancelSignal) {
    const predictions: Prediction[] = [];
    for (const [i, model] of this.models.entries())
      predictions.push(await model.predict(this.own(features, i), signal));
    return combinePredictions(predictions, () => this.weights);
  }

  async predictAll(features: FeatureMatrix, signal?: CancelSignal) {
    const all: Prediction[][] = [];
    for (const [i, model] of this.models.entries())
      all.push(await model.predictAll(this.own(features, i), signal));
    return all[0]!.map((_, property) =>
      combinePredictions(
        all.map((predictions) => predictions[property]!),
        () => this.weights,
      ),
    );
  }

  async covariance(features: FeatureMatrix, signal?: CancelSignal): Promise<Float64Array> {
    const parts: { weight: number; mean: Float64Array; covariance: Float64Array }[] = [];
    for (const [i, model] of this.models.entries()) {
      const own = this.own(features, i);
      const { mean } = await model.predict(own, signal);
      parts.push({ weight: this.weights[i]!, mean, covariance: await model.covariance(own, signal) });
    }
    return mixtureCovariance(parts);
  }

  private async mixedCovariance(features: FeatureMatrix, others: FeatureMatrix, signal?: CancelSignal) {
    const parts: CrossPart[] = [];
    for (const [i, model] of this.models.entries()) {
      const [rows, columns] = [this.own(features, i), this.own(others, i)];
      const covariance = await model.crossCovariance!(rows, columns, signal);
      const means = [await model.predict(rows, signal), await model.predict(columns, signal)] as const;
      parts.push({ weight: this.weights[i]!, means: [means[0].mean, means[1].mean], covariance });
    }
    return mixtureCrossCovariance(parts);
  }

  async sample(features: FeatureMatrix, count: number, seed: number, signal?: CancelSignal) {
    return drawMixture(this.weights, count, seed, (i, draws, own) =>
      this.models[i]!.sample(this.own(features, i), draws, own, signal),
    );
  }

  async serialise(): Promise<Uint8Array> {
    const models: { family: ModelFamily; bytes: Uint8Array }[] = [];
    for (const model of this.models) models.push({ family: model.family, bytes: await model.serialise() });
    return encodeStack({ weights: this.weights, parts: this.parts, featurizers: this.featurizers, models });
  }

  dispose(): void {
    this.models.forEach((model) => model.dispose());
  }

  private own(features: FeatureMatrix, index: number): FeatureMatrix {
    const own = stackedFeatures(features, this.parts[index]!);
    if (featurizerName(own.spec) === this.featurizers[index]) return own;
    throw new TitrateError('config-invalid', {
      what: `Model ${index + 1} of the stack was trained on ${this.featurizers[index]}; it was given ${featurizerName(own.spec)}`,
      where: 'stack prediction',
      remedy: 'Featurize with the specification in the model card',
    });
  }
}

/**
 * The features that a stacked model reads: one part of a bundle, or the matrix itself as part 0.
 * @throws config-invalid when there is no such part
 */
export function stackedFeatures(features: FeatureMatrix, part: number): FeatureMatrix {
  const own = features.layout === 'bundle' ? features.parts![part] : part === 0 ? features : undefined;
  if (own) return own;
  throw new TitrateError('config-invalid', {
    what: `a stacked model reads part ${part} of ${featurizerName(features.spec)}, which has ${features.parts?.length ?? 1}`,
    where: 'stack settings, models',
  });
}

function checkSettings({ settings, labelled }: FitRequest): StackSettings {
  if (settings.family !== 'stack') {
    throw new TitrateError('internal', { what: `settings of ${settings.family} were given to the stack` });
  }
  const invalid = (what: string) => new TitrateError('config-invalid', { what, where: 'stack settings' });
  const { models, weights } = settings;
  if (models.length === 0) throw invalid('models is empty; expected at least one');
  if (models.some((model) => (model.settings as BaseModelSettings | StackSettings).family === 'stack'))
    throw invalid('a stack of stacks; expected models of the other families');
  if (weights) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (weights.length !== models.length || weights.some((w) => !(w >= 0)) || Math.abs(sum - 1) > 1e-9)
      throw invalid(`weights are [${weights.join(', ')}]; expected ${models.length}, from 0, summing to 1`);
  }
  checkLabelled(labelled);
  for (const { part } of models) stackedFeatures(labelled.features, part);
  return settings;
}
