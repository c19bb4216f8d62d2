import { TASK_QUEUES } from '../src/contracts';
import {
  BUCKET_SUFFIXES,
  COMPONENTS,
  DATASET,
  DEPLOYMENT_NAME,
  IDENTITIES,
  IMAGES,
  INFERENCE_PORT,
  NAMESPACE,
  PERMISSIONS,
  PLATFORM_SCALERS,
  REGION,
  REPOSITORY,
  SECRETS,
  TEMPORAL_PORTS,
  WORKER_METRICS_PORT,
  type IdentityName,
  type Permission,
  type Scaling,
} from '../src/platform/topology';

const byName = <T extends { readonly name: string }>(list: readonly T[]) =>
  Object.fromEntries(list.map(({ name, ...rest }) => [name, rest]));

interface Binding {
  readonly identity: IdentityName;
  readonly role: string;
  readonly on: string;
}

/** One binding for each identity, role and place, by a key that Terraform can use in for_each. */
function bindings(): Record<string, Binding> {
  const entries = Object.entries(PERMISSIONS).flatMap(([identity, list]) =>
    list.map(({ role, on }): [string, Binding] => [
      `${identity} ${role} ${on}`,
      { identity: identity as IdentityName, role, on },
    ]),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The roles of our own (`titrate.…`), each with the permissions of all entries that name it. */
export function customRoles(): Record<string, readonly string[]> {
  const roles: Record<string, string[]> = {};
  for (const { role, permissions } of Object.values(PERMISSIONS).flat() as Permission[])
    if (role.startsWith('titrate.')) (roles[role] ??= []).push(...permissions);
  return Object.fromEntries(
    Object.keys(roles)
      .sort()
      .map((role) => [role, [...new Set(roles[role])].sort()]),
  );
}

/** What Terraform reads: jsondecode(file("topology.json")). Maps are by name, for for_each. */
export function topologyDocument() {
  return {
    namespace: NAMESPACE,
    region: REGION,
    repository: REPOSITORY,
    dataset: DATASET,
    deploymentName: DEPLOYMENT_NAME,
    bucketSuffixes: BUCKET_SUFFIXES,
    queues: TASK_QUEUES,
    ports: { inference: INFERENCE_PORT, workerMetrics: WORKER_METRICS_PORT, temporal: TEMPORAL_PORTS },
    images: IMAGES,
    components: byName(Object.values(COMPONENTS)),
    scalers: byName(PLATFORM_SCALERS),
    identities: byName(IDENTITIES),
    secrets: byName(SECRETS),
    customRoles: customRoles(),
    bindings: bindings(),
  };
}

const cell = (text: string) => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const range = ({ min, max }: { min: number; max: number }) => (min === max ? `${min}` : `${min} to ${max}`);

function scalingRow(name: string, { by, signal, target, unit, bounds, why }: Scaling): string[] {
  return [`\`${name}\``, by, signal, target ?? '', unit, range(bounds.dev), range(bounds.prod), why];
}

const SCALING_HEAD = ['what', 'by', 'signal', 'for each', 'unit', 'dev', 'prod', 'why'];

/** Every scaler: signal, minimum, maximum, reason. */
export function scalingTable(): string {
  const components = Object.values(COMPONENTS).map(({ name, scaling }) => scalingRow(name, scaling));
  const platform = PLATFORM_SCALERS.map((scaler) => {
    const { machineType, accelerator, spot } = scaler;
    const machine = [machineType, accelerator && `${accelerator.count} ${accelerator.type}`, spot && 'spot'];
    const [first, ...rest] = scalingRow(scaler.name, scaler);
    return [first!, machine.filter(Boolean).join(', '), ...rest];
  });
  return [
    '### Pods',
    table(SCALING_HEAD, components),
    '### Nodes and jobs',
    table(['what', 'machine', ...SCALING_HEAD.slice(1)], platform),
  ].join('\n\n');
}

/** Every identity, what it may do, where, and why. */
export function permissionsTable(): string {
  const sections = IDENTITIES.map(({ name, what }) => {
    const rows = PERMISSIONS[name].map(({ role, on, permissions, why, codeRef }) => [
      `\`${role}\``,
      on,
      permissions.map((permission) => `\`${permission}\``).join(', '),
      why,
      `\`${codeRef}\``,
    ]);
    const body = rows.length
      ? table(['role', 'on', 'permissions used', 'why', 'asked by'], rows)
      : 'Nothing of Google Cloud.';
    return `### ${name}\n\n${what.charAt(0).toUpperCase()}${what.slice(1)}.\n\n${body}`;
  });
  const roles = Object.entries(customRoles()).map(([role, permissions]) => [
    `\`${role}\``,
    permissions.map((permission) => `\`${permission}\``).join(', '),
  ]);
  return [
    ...sections,
    ...(roles.length ? ['### Roles of our own', table(['role', 'permissions'], roles)] : []),
  ].join('\n\n');
}
