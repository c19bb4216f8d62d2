import {
  asTitrateError,
  modelVersionId,
  nearestName,
  TitrateError,
  type ModelVersion,
  versionParts,
} from '../contracts';
import type { CancelSignal } from '../foundation';
import { parseModelName, parseVersionNumber } from '../tracking/model-name';
import type { ModelCatalogue } from './catalogue';
import type { Access, Principal } from './access';
import type { Admission } from './admission';
import type { Batcher } from './batcher';
import type { LiveModels } from './live-models';
import type { ServingMetrics } from './metrics';
import type { PredictionLog } from './prediction-log';
import { versionLabel, type NamedPredictions } from './predictor';
import { tooLarge, unprocessable } from './problems';

export interface InferenceOptions {
  readonly registry: ModelCatalogue;
  readonly live: LiveModels;
  readonly batcher: Batcher;
  readonly admission: Admission;
  readonly rates: Access['rates'];
  readonly metrics: ServingMetrics;
  readonly log: PredictionLog | null;
  /** Most molecules in one request. */
  readonly maxMolecules: number;
}

/** Who asks, and until when. */
export interface Asking {
  readonly caller: Principal;
  readonly signal: CancelSignal;
}

/** What the routes share: which version a request means, and predicting within limits. */
export class Inference {
  constructor(private readonly options: InferenceOptions) {}

  /**
   * The version that a path names: the live one where it names none.
   * @param version `v3` or `3`
   * @throws TitrateError not-found naming the models or versions there are; unavailable when nothing is live
   */
  async versionFor(campaignId: string, version?: string): Promise<ModelVersion> {
    if (version !== undefined) {
      const number = parseVersionNumber(version);
      if (number === null) {
        await this.campaign(campaignId);
        throw new TitrateError('not-found', {
          what: `'${version}' is no version of '${campaignId}'`,
          remedy: "Write 'v3' or '3'",
        });
      }
      await this.campaign(campaignId);
      return this.options.registry.resolve(modelVersionId(campaignId, number));
    }
    const { live, failure } = await this.campaign(campaignId);
    if (live) return live;
    throw new TitrateError('unavailable', {
      what: failure
        ? `no version of '${campaignId}' is live: ${failure.version} could not be loaded (${failure.message})`
        : `no version of '${campaignId}' is live`,
      remedy: `Deploy one, or ask for a version by number`,
    });
  }

  /**
   * The version that the `model` of a prediction request names: `campaign`, `campaign/v3`, `campaign@alias`; left out, the only
   * live model.
   */
  async versionNamed(model: string | undefined): Promise<ModelVersion> {
    const { registry, live } = this.options;
    if (model === undefined) {
      const serving = live.all().flatMap((status) => (status.live ? [status.live] : []));
      if (serving.length === 1) return serving[0]!;
      if (!serving.length)
        throw new TitrateError('unavailable', { what: 'no model is live', remedy: 'Deploy one first' });
      const names = live.all().flatMap((status) => (status.live ? [status.campaignId] : []));
      throw unprocessable(
        `${names.length} models are live and the request names none`,
        'model',
        `Name one of: ${names.join(', ')}`,
      );
    }
    if (!/[/@]/.test(model)) return this.versionFor(model);
    const { campaignId } = parseModelName(model);
    await this.campaign(campaignId);
    return registry.resolve(model);
  }

  /** @throws TitrateError not-found with the names known and the nearest one. */
  async campaign(campaignId: string) {
    const { live, registry } = this.options;
    const status = live.status(campaignId);
    if (status) return status;
    const known = await registry.campaigns();
    // Registered since the last look at the pointers.
    if (known.includes(campaignId)) return live.refresh(campaignId);
    const near = nearestName(campaignId, known);
    throw new TitrateError('not-found', {
      what: `there is no model '${campaignId}' here`,
      remedy: known.length
        ? `${near ? `Did you mean '${near}'? ` : ''}Models here: ${known.slice(0, 50).join(', ')}`
        : 'No model is registered yet',
    });
  }

  /**
   * The molecules of a request, checked as far as that is the request's own matter.
   * @throws HttpProblem 413 for too many, 422 for none or for something that is not text
   */
  molecules(values: readonly unknown[], where: string): string[] {
    const { maxMolecules } = this.options;
    if (values.length > maxMolecules) {
      throw tooLarge(
        `${values.length} molecules in one request; at most ${maxMolecules} are taken`,
        where,
        'Send them in several requests',
      );
    }
    if (!values.length) throw unprocessable('no molecule given', where, 'Give at least one SMILES');
    const wrong = values.flatMap((value, index) => (typeof value === 'string' ? [] : [index]));
    if (wrong.length) {
      const more = wrong.length > 3 ? ` and ${wrong.length - 3} more` : '';
      throw unprocessable(
        `not text: element ${wrong.slice(0, 3).join(', ')}${more}`,
        where,
        'Give SMILES as JSON strings',
      );
    }
    return values as string[];
  }

  /** @throws HttpProblem 429 when too much is in work already; what loading and predicting throw; the reason of the signal */
  async predict(
    version: ModelVersion,
    smiles: readonly string[],
    { caller, signal }: Asking,
  ): Promise<NamedPredictions> {
    const { admission, rates } = this.options;
    admission.enter(smiles.length);
    try {
      await rates.molecules(caller, smiles.length);
      return await this.work(version, smiles, signal);
    } finally {
      admission.leave(smiles.length);
    }
  }

  /** For streams: waits its turn instead of being refused. @throws as predict, but for 429 */
  async predictInTurn(
    version: ModelVersion,
    smiles: readonly string[],
    { caller, signal }: Asking,
  ): Promise<NamedPredictions> {
    const { admission, rates } = this.options;
    await rates.moleculesInTurn(caller, smiles.length, signal);
    await admission.enterInTurn(smiles.length, signal);
    try {
      return await this.work(version, smiles, signal);
    } finally {
      admission.leave(smiles.length);
    }
  }

  private async work(
    version: ModelVersion,
    smiles: readonly string[],
    signal: CancelSignal,
  ): Promise<NamedPredictions> {
    const { batcher, metrics, log } = this.options;
    const started = performance.now();
    const labels = { model: versionParts(version.id).campaignId, version: versionLabel(version) };
    try {
      const answer = await batcher.predict(version, smiles, signal);
      metrics.modelRequests.inc({ ...labels, outcome: 'ok' });
      this.count(labels, answer);
      log?.offer(labels, answer);
      return answer;
    } catch (error) {
      const outcome = asTitrateError(error).status >= 500 && !signal.aborted ? 'error' : 'refused';
      metrics.modelRequests.inc({ ...labels, outcome });
      throw error;
    } finally {
      metrics.modelLatency.observe(labels, (performance.now() - started) / 1000);
    }
  }

  private count(labels: { model: string; version: string }, { predictions }: NamedPredictions): void {
    const { metrics } = this.options;
    let predicted = 0;
    for (const outcome of predictions) {
      if ('error' in outcome) continue;
      predicted += 1;
      metrics.predictionSum.add(labels, outcome.value);
      metrics.predictionSquares.add(labels, outcome.value ** 2);
    }
    metrics.predictions.inc(labels, predicted);
    metrics.molecules.inc({ ...labels, outcome: 'predicted' }, predicted);
    const rejected = predictions.length - predicted;
    if (rejected) metrics.molecules.inc({ ...labels, outcome: 'rejected' }, rejected);
  }
}
