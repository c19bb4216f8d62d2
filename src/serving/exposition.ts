import { versionParts } from '../contracts';
import type { Admission } from './admission';
import type { Batcher } from './batcher';
import type { LiveModels } from './live-models';
import type { ServingMetrics } from './metrics';
import type { ModelCache } from './model-cache';
import { versionLabel } from './predictor';
import type { PreparedMolecules } from './prepared-molecules';

/** What has a state besides its counts. */
export interface Exposed {
  readonly metrics: ServingMetrics;
  readonly cache: ModelCache;
  readonly live: LiveModels;
  readonly admission: Admission;
  readonly batcher: Batcher;
  readonly prepared: PreparedMolecules;
  /** Text of what the process counts beside the server. */
  readonly process?: () => Promise<string>;
}

/** All metrics as Prometheus reads them, with the state of this moment. */
export async function expose({ metrics, cache, live, admission, batcher, prepared, process }: Exposed) {
  metrics.loadedModels.set(cache.loaded().length);
  metrics.moleculesInFlight.set(admission.molecules);
  metrics.queueLength.set(batcher.waiting);
  metrics.queueLimit.set(admission.limit);
  metrics.cacheBytes.set(prepared.bytes);
  metrics.liveModel.reset();
  metrics.loadFailing.reset();
  for (const { campaignId, live: version, failure } of live.all()) {
    if (version) metrics.liveModel.set({ model: campaignId, version: versionLabel(version) }, 1);
    const failing = failure && { version: versionParts(failure.version).version, code: failure.code };
    metrics.loadFailing.set({ model: campaignId, ...failing }, failing ? 1 : 0);
  }
  const own = await metrics.registry.metrics();
  const text = process ? `${own}\n${await process()}` : own;
  return { type: metrics.registry.contentType, text };
}
