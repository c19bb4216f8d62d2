import { modelVersionId, nearestName, TitrateError, type ModelVersion } from '../contracts';
import { parseModelName, parseVersionNumber } from '../tracking/model-name';
import type { ModelRegistry } from '../tracking/registry';
import type { LiveModels } from './live-models';
import type { ServingMetrics } from './metrics';
import type { ModelCache } from './model-cache';
import { predictWith, versionLabel, type NamedPredictions } from './predictor';
import { tooLarge, unprocessable } from './problems';

export interface InferenceOptions {
  readonly registry: ModelRegistry;
  readonly live: LiveModels;
  readonly cache: ModelCache;
  readonly metrics: ServingMetrics;
  /** Most molecules in one request. */
  readonly maxMolecules: number;
  /** Most molecules in work at once, over all requests. */
  readonly maxMoleculesInFlight: number;
}

/** What the routes share: which version a request means, and predicting within limits. */
export class Inference {
  private inFlight = 0;

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

  /** @throws TitrateError overloaded when too much is in work already, or what loading and predicting throw. */
  async predict(
    version: ModelVersion,
    smiles: readonly string[],
    signal: AbortSignal,
  ): Promise<NamedPredictions> {
    const { cache, metrics, maxMoleculesInFlight } = this.options;
    // A lone request always gets in, however the limits are set.
    if (this.inFlight > 0 && this.inFlight + smiles.length > maxMoleculesInFlight) {
      throw new TitrateError('overloaded', {
        what: `${this.inFlight} molecules are in work, and at most ${maxMoleculesInFlight} may be`,
        remedy: 'Try again in a moment',
      });
    }
    this.inFlight += smiles.length;
    metrics.moleculesInFlight.set(this.inFlight);
    try {
      const answer = await predictWith(cache, version, smiles, signal);
      const rejected = answer.predictions.filter((outcome) => 'error' in outcome).length;
      const labels = { model: answer.model, version: versionLabel(version) };
      metrics.molecules.inc({ ...labels, outcome: 'predicted' }, smiles.length - rejected);
      if (rejected) metrics.molecules.inc({ ...labels, outcome: 'rejected' }, rejected);
      return answer;
    } finally {
      this.inFlight -= smiles.length;
      metrics.moleculesInFlight.set(this.inFlight);
    }
  }
}
