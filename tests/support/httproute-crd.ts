/**
 * A definition of HTTPRoute with the group, version, kind and those fields of the Gateway API 1.3 that titrate writes. The API
 * server refuses what has another type; it is not the whole of the published definition.
 */
export function httpRouteDefinition({ mirrorPercent }: { mirrorPercent: boolean }): string {
  const text = { type: 'string' };
  const number = (maximum: number) => ({ type: 'integer', format: 'int32', minimum: 0, maximum });
  const object = (properties: object, required: string[] = []) => ({ type: 'object', properties, required });
  const array = (items: object) => ({ type: 'array', items });
  const backend = { name: text, namespace: text, port: number(65535) };
  const mirror = { backendRef: object(backend, ['name']), ...(mirrorPercent && { percent: number(100) }) };
  const filter = object(
    { type: { type: 'string', enum: ['RequestMirror'] }, requestMirror: object(mirror) },
    ['type'],
  );
  const rule = object({
    backendRefs: array(object({ ...backend, weight: number(1_000_000) }, ['name'])),
    filters: array(filter),
  });
  const spec = object({
    parentRefs: array(object({ name: text, namespace: text }, ['name'])),
    hostnames: array(text),
    rules: array(rule),
  });
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: 'httproutes.gateway.networking.k8s.io',
      // The API server keeps the group to itself unless it is told that this is reviewed.
      annotations: {
        'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/3328',
      },
    },
    spec: {
      group: 'gateway.networking.k8s.io',
      scope: 'Namespaced',
      names: { plural: 'httproutes', singular: 'httproute', kind: 'HTTPRoute', listKind: 'HTTPRouteList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: object({ spec }) } }],
    },
  });
}
