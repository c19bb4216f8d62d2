import path from 'node:path';
import type { InferenceServerOptions } from '../serving';
import { chooseAuthenticator } from '../serving/access';
import type { Settings } from './settings';

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;

/** How much the server of a model takes at once, wherever it runs. */
export function servingLimits({ inference }: Pick<Settings, 'inference'>) {
  const { limits, batchMolecules, cacheMegabytes } = inference;
  return {
    maxMoleculesPerRequest: limits.moleculesPerRequest,
    maxMoleculesInFlight: limits.moleculesInFlight,
    maxWaitMs: 1000 * limits.waitSeconds,
    timeoutMs: 1000 * limits.timeoutSeconds,
    maxBatch: batchMolecules,
    cacheBytes: Math.round(cacheMegabytes * MIB),
  } satisfies Partial<InferenceServerOptions>;
}

/** What the inference server is opened with. @throws TitrateError config-invalid, source-missing */
export function inferenceOptions(settings: Pick<Settings, 'inference' | 'home'>) {
  const { host, port, auth, limits, log } = settings.inference;
  const { requestsPerMinute, moleculesPerMinute } = limits;
  const authenticator = chooseAuthenticator(host, auth);
  return {
    ...servingLimits(settings),
    host,
    port,
    access: {
      authenticator,
      limits: { requestsPerMinute, moleculesPerMinute },
    },
    metricsScope: auth.metrics,
    ...(log.share > 0 && {
      predictionLog: {
        directory: path.resolve(settings.home, log.directory ?? 'predictions'),
        share: log.share,
        maxRecords: log.records,
        segmentMs: 60_000 * log.minutes,
        moleculeIds: log.moleculeIds,
        smiles: log.smiles,
        retainMs: DAY_MS * log.days,
        maxBytes: Math.round(log.megabytes * MIB),
      },
    }),
  } satisfies Partial<InferenceServerOptions>;
}
