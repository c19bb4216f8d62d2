import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { goModule } from './go-module';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'object', additionalProperties: text };
const list = (items: Schema): Schema => ({ type: 'array', items });
const record = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length && { required }),
});

function definition(group: string, version: string, kind: string, spec: Schema): string {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith('s') ? singular : `${singular}s`;
  const root = record({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec }, ['spec']);
  return stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular, kind },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: root } }],
    },
  });
}

const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';

/** KEDA's own definitions; without Go ones that take anything, so that the API server knows the kinds. */
export function kedaDefinitions(): string {
  const folder = goModule(KEDA);
  return ['ScaledObject', 'TriggerAuthentication']
    .map((kind) =>
      folder
        ? readFileSync(path.join(folder, `config/crd/bases/keda.sh_${kind.toLowerCase()}s.yaml`), 'utf8')
        : definition('keda.sh', 'v1alpha1', kind, anything),
    )
    .join('---\n');
}

const relabelling = record({ from: text, to: text }, ['from']);
const duration: Schema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d))+$' };

/**
 * Managed Prometheus' kinds with the fields that titrate writes and no other, after github.com/GoogleCloudPlatform/prometheus-engine,
 * doc/api.md; that module is too large to be fetched for its definitions.
 */
export const managedPrometheusDefinitions = (): string =>
  [
    definition(
      'monitoring.googleapis.com',
      'v1',
      'PodMonitoring',
      record(
        {
          selector: record({ matchLabels: texts }),
          endpoints: list(record({ port: text, path: text, interval: duration }, ['port'])),
          targetLabels: record({ metadata: list(text), fromPod: list(relabelling) }),
        },
        ['endpoints', 'selector'],
      ),
    ),
    definition(
      'monitoring.googleapis.com',
      'v1',
      'Rules',
      record(
        {
          groups: list(
            record(
              {
                name: text,
                interval: duration,
                rules: list(
                  record(
                    {
                      ...{ record: text, alert: text, expr: text, for: duration },
                      ...{ labels: texts, annotations: texts },
                    },
                    ['expr'],
                  ),
                ),
              },
              ['name', 'rules'],
            ),
          ),
        },
        ['groups'],
      ),
    ),
  ].join('---\n');
