import type { KubernetesObject } from '@kubernetes/client-node';
import { metadata, type Writing } from './manifests';
import { campaignKey, slotName, type Slot } from './names';
import { INFERENCE_PORT, type InferenceOptions } from './options';

/** Of the Gateway API; the client library has no type for it. */
export interface HttpRoute extends KubernetesObject {
  readonly spec: {
    readonly parentRefs: readonly { readonly name: string; readonly namespace: string }[];
    readonly hostnames: readonly string[];
    readonly rules: readonly HttpRouteRule[];
  };
}
interface HttpRouteRule {
  readonly backendRefs: readonly { readonly name: string; readonly port: number; readonly weight: number }[];
  readonly filters?: readonly {
    readonly type: 'RequestMirror';
    readonly requestMirror: {
      readonly backendRef: { readonly name: string; readonly port: number };
      readonly percent: number;
    };
  }[];
}

export const ROUTE_API = 'gateway.networking.k8s.io/v1';

/** @param trial what the candidate gets; null where there is none, or where it is not ready for requests yet */
export function httpRoute(
  writing: Writing,
  options: InferenceOptions,
  trial: { readonly mode: 'canary' | 'shadow'; readonly share: number } | null,
): HttpRoute {
  const { campaignId } = writing;
  const gateway = options.gateway!;
  const backend = (slot: Slot) => ({ name: slotName(campaignId, slot), port: INFERENCE_PORT });
  const share = trial ? Math.round(trial.share) : 0;
  const canary = trial?.mode === 'canary' && share > 0;
  return {
    apiVersion: ROUTE_API,
    kind: 'HTTPRoute',
    metadata: metadata(writing, campaignKey(campaignId), options.namespace),
    spec: {
      parentRefs: [{ name: gateway.name, namespace: gateway.namespace }],
      hostnames: [gatewayHostname(campaignId, options)],
      rules: [
        {
          backendRefs: canary
            ? [
                { ...backend('stable'), weight: 100 - share },
                { ...backend('candidate'), weight: share },
              ]
            : [{ ...backend('stable'), weight: 100 }],
          ...(trial?.mode === 'shadow' &&
            share > 0 && {
              filters: [
                {
                  type: 'RequestMirror' as const,
                  requestMirror: { backendRef: backend('candidate'), percent: share },
                },
              ],
            }),
        },
      ],
    },
  };
}

export const gatewayHostname = (campaignId: string, { gateway }: InferenceOptions) =>
  gateway!.hostname.replaceAll('{campaign}', campaignKey(campaignId));
