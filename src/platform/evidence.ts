import type { ObjectStore } from '../objects';
import {
  createCardSigner,
  createPrometheusEvidence,
  createScrapedEvidence,
  type CardSigner,
  type ServingEvidence,
} from '../rollout';
import { internalHeaders } from './internal-key';
import type { Settings } from './settings';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What candidates on trial are judged by: Prometheus where `TITRATE_PROMETHEUS` says where it is (with `TITRATE_PROMETHEUS_TOKEN` as
 * the bearer of every query), else the one inference server of this machine.
 */
export function openEvidence(
  settings: Pick<Settings, 'home' | 'inference'>,
  env: Environment,
): ServingEvidence {
  const { host, port } = settings.inference;
  const { TITRATE_PROMETHEUS: endpoint, TITRATE_PROMETHEUS_TOKEN: token } = env;
  if (!endpoint)
    return createScrapedEvidence({ endpoint: `http://${host}:${port}`, headers: internalHeaders(settings) });
  return createPrometheusEvidence({
    endpoint,
    headers: token ? async () => ({ authorization: `Bearer ${token}` }) : undefined,
  });
}

/** Signs model cards with the key in `TITRATE_SIGNING_KEY`; null where there is none. @throws TitrateError config-invalid */
export function openSigner(objects: ObjectStore, env: Environment): CardSigner | null {
  const { TITRATE_SIGNING_KEY: key } = env;
  return key ? createCardSigner(objects, key) : null;
}
