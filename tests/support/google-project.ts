import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { COMPONENTS, IDENTITIES, PERMISSIONS, SECRETS, type IdentityName } from '../../src/platform/topology';
import { warehouseTables } from '../../src/warehouse/bigquery/migrated-tables';

type Json = Record<string, unknown>;
interface Binding {
  role: string;
  members: string[];
}

export const PROJECT = 'titrate-test';
export const BUCKET = `${PROJECT}-titrate`;
export const REGION = 'europe-west4';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
export const imageOf = (name: string, digest = DIGEST) =>
  `${REGION}-docker.pkg.dev/${PROJECT}/titrate/${name}@${digest}`;
const emailOf = (name: IdentityName) => `${name}@${PROJECT}.iam.gserviceaccount.com`;
const permissionsOn = (name: IdentityName, place: string) =>
  PERMISSIONS[name].filter(({ on }) => on === place).flatMap(({ permissions }) => permissions);

/** What stands in the project, as the services' own words have it. A sound one; a test changes what it breaks. */
export async function soundProject() {
  const bindings: Binding[] = [];
  for (const { name } of IDENTITIES)
    for (const { role, on } of PERMISSIONS[name])
      if (on === 'project')
        bindings.push({
          role: role.startsWith('roles/') ? role : `projects/${PROJECT}/roles/${role}`,
          members: [`serviceAccount:${emailOf(name)}`],
        });
  const tables = Object.entries(await warehouseTables()).map(([name, { schema }]): [string, string[]] => [
    name,
    schema.map((column) => column.name),
  ]);
  const labels = { annotations: {} };
  return {
    /** Added to the server's clock, ms. */
    clockMs: 0,
    credentials: true,
    disabled: new Set<string>(),
    projects: { [PROJECT]: { projectId: PROJECT, state: 'ACTIVE' } } as Record<string, Json>,
    apis: new Set(
      [
        ...['cloudresourcemanager', 'iam', 'serviceusage', 'storage', 'bigquery', 'dataflow', 'compute'],
        ...['aiplatform', 'container', 'artifactregistry', 'secretmanager'],
      ].map((name) => `${name}.googleapis.com`),
    ),
    projectPermissions: new Set(permissionsOn('titrate-operator', 'project')),
    bucketPermissions: new Set(permissionsOn('titrate-operator', 'bucket:objects')),
    bindings,
    buckets: {
      [BUCKET]: {
        location: REGION.toUpperCase(),
        versioning: { enabled: true },
        iamConfiguration: {
          publicAccessPrevention: 'enforced',
          uniformBucketLevelAccess: { enabled: true },
        },
        lifecycle: {
          rule: [
            {
              action: { type: 'Delete' },
              condition: { daysSinceCustomTime: 30, matchesPrefix: ['landing/'] },
            },
            { action: { type: 'Delete' }, condition: { daysSinceNoncurrentTime: 90 } },
          ],
        },
      },
    } as Record<string, Json>,
    bucketBindings: [] as Binding[],
    objects: new Set([`${BUCKET}/templates/standardiser.json`]),
    dataset: { location: REGION } as Json | null,
    tables: new Map(tables),
    computeQuotas: [{ metric: 'NVIDIA_T4_GPUS', limit: 8, usage: 0 }],
    vertexLimits: [
      { effectiveLimit: '0' },
      { effectiveLimit: '8', dimensions: { region: REGION } },
    ] as Json[],
    images: new Set(
      [imageOf('worker'), imageOf('training'), imageOf('dataflow')].map((image) => image.split('/').at(-1)!),
    ),
    secrets: Object.fromEntries(SECRETS.map(({ name }) => [name, 'ENABLED'])) as Record<
      string,
      string | undefined
    >,
    namespaces: new Set(['titrate']),
    definitions: new Set(['scaledobjects.keda.sh']),
    accounts: Object.fromEntries(
      Object.values(COMPONENTS).flatMap(({ serviceAccount: name }) =>
        name ? [[name, { ...labels, annotations: { 'iam.gke.io/gcp-service-account': emailOf(name) } }]] : [],
      ),
    ) as Record<string, { annotations: Record<string, string> } | undefined>,
    wandbKeys: new Set(['k'.repeat(40)]),
  };
}
export type GoogleProject = Awaited<ReturnType<typeof soundProject>>;

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly reason?: string,
  ) {
    super(message);
  }
}
const missing = (what: string): never => {
  throw new Refusal(404, `${what} was not found`);
};

type Route = [
  pattern: RegExp,
  answer: (match: string[], project: GoogleProject, body: Json, url: URL) => Json,
];

/**
 * The reads that the doctor makes, in the shapes of Google's published discovery descriptions (cloudresourcemanager v3, serviceusage v1
 * and v1beta1, storage v1, bigquery v2, compute v1, artifactregistry v1, secretmanager v1, sts v1, iamcredentials v1), of
 * Kubernetes' API and of W&B's GraphQL schema. Google's behaviour beyond these shapes is not checked by it.
 */
const ROUTES: readonly Route[] = [
  [
    /^POST \/sts\/v1\/token$/,
    (_, { credentials }) => {
      if (!credentials) throw new Refusal(400, 'the token is of somebody else', 'invalid_grant');
      return {
        access_token: 'federated',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      };
    },
  ],
  [
    /^POST \/iamcredentials\/v1\/projects\/-\/serviceAccounts\/([^:]+):generateAccessToken$/,
    () => ({ accessToken: 'token', expireTime: new Date(Date.now() + 3600_000).toISOString() }),
  ],
  [
    /^GET \/cloudresourcemanager\/v3\/projects\/([^/:]+)$/,
    ([name], { projects }) => {
      const found = projects[name!];
      if (!found) throw new Refusal(403, 'The caller does not have permission', 'IAM_PERMISSION_DENIED');
      return found;
    },
  ],
  [
    /^POST \/cloudresourcemanager\/v3\/projects\/[^/:]+:testIamPermissions$/,
    (_, { projectPermissions }, { permissions }) => ({
      permissions: (permissions as string[]).filter((permission) => projectPermissions.has(permission)),
    }),
  ],
  [
    /^POST \/cloudresourcemanager\/v3\/projects\/[^/:]+:getIamPolicy$/,
    (_, { bindings }) => ({ version: 1, bindings }),
  ],
  [
    /^GET \/serviceusage\/v1\/projects\/([^/]+)\/services$/,
    ([name], { apis }, _, url) => {
      // Two to a page, as the service may choose to.
      const all = [...apis];
      const from = Number(url.searchParams.get('pageToken') ?? 0);
      const services = all
        .slice(from, from + 6)
        .map((api) => ({ name: `projects/${name}/services/${api}`, state: 'ENABLED' }));
      return { services, ...(from + 6 < all.length && { nextPageToken: String(from + 6) }) };
    },
  ],
  [
    /^GET \/serviceusage\/v1beta1\/projects\/[^/]+\/services\/[^/]+\/consumerQuotaMetrics\/(.+)$/,
    ([metric], { vertexLimits }) => ({
      metric,
      consumerQuotaLimits: [{ unit: '1/{project}/{region}', quotaBuckets: vertexLimits }],
    }),
  ],
  [
    /^GET \/storage\/storage\/v1\/b\/([^/]+)$/,
    ([name], { buckets }) => buckets[name!] ?? missing('The specified bucket'),
  ],
  [
    /^GET \/storage\/storage\/v1\/b\/([^/]+)\/iam$/,
    (_, { bucketBindings }) => ({ kind: 'storage#policy', bindings: bucketBindings }),
  ],
  [
    /^GET \/storage\/storage\/v1\/b\/([^/]+)\/iam\/testPermissions$/,
    ([name], { buckets, bucketPermissions }, _, url) => {
      if (!buckets[name!]) missing('The specified bucket');
      const asked = url.searchParams.getAll('permissions');
      return { permissions: asked.filter((permission) => bucketPermissions.has(permission)) };
    },
  ],
  [
    /^GET \/storage\/storage\/v1\/b\/([^/]+)\/o\/(.+)$/,
    ([bucket, name], { objects }) =>
      objects.has(`${bucket}/${name}`) ? { bucket, name } : missing(`No such object: ${bucket}/${name}`),
  ],
  [
    /^GET \/bigquery\/bigquery\/v2\/projects\/[^/]+\/datasets\/([^/]+)$/,
    (_, { dataset }) => dataset ?? missing('Not found: Dataset'),
  ],
  [
    /^GET \/bigquery\/bigquery\/v2\/projects\/[^/]+\/datasets\/[^/]+\/tables\/([^/]+)$/,
    ([name], { tables }) => {
      const columns = tables.get(name!) ?? missing('Not found: Table');
      return { schema: { fields: columns.map((column) => ({ name: column, type: 'STRING' })) } };
    },
  ],
  [
    /^GET \/compute\/compute\/v1\/projects\/[^/]+\/regions\/([^/]+)$/,
    ([name], { computeQuotas }) => (name === REGION ? { name, quotas: computeQuotas } : missing('region')),
  ],
  [
    /^GET \/artifactregistry\/v1\/projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+\/dockerImages\/(.+)$/,
    ([name], { images }) => (images.has(name!) ? { name } : missing('Requested entity')),
  ],
  [
    /^GET \/secretmanager\/v1\/projects\/[^/]+\/secrets\/([^/]+)\/versions\/latest$/,
    ([name], { secrets }) => {
      const state = secrets[name!] ?? missing(`Secret [${name}]`);
      return { name: `${name}/versions/1`, state };
    },
  ],
  [/^GET \/k8s\/api\/v1$/, () => resources('v1', { Namespace: false, ServiceAccount: true })],
  [
    /^GET \/k8s\/apis\/apiextensions.k8s.io\/v1$/,
    () => resources('apiextensions.k8s.io/v1', { CustomResourceDefinition: false }),
  ],
  [
    /^GET \/k8s\/api\/v1\/namespaces\/([^/]+)$/,
    ([name], { namespaces }) =>
      namespaces.has(name!)
        ? { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
        : missing(`namespaces "${name}"`),
  ],
  [
    /^GET \/k8s\/apis\/apiextensions.k8s.io\/v1\/customresourcedefinitions\/([^/]+)$/,
    ([name], { definitions }) =>
      definitions.has(name!)
        ? { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name } }
        : missing(`customresourcedefinitions "${name}"`),
  ],
  [
    /^GET \/k8s\/api\/v1\/namespaces\/[^/]+\/serviceaccounts\/([^/]+)$/,
    ([name], { accounts }) => {
      const account = accounts[name!] ?? missing(`serviceaccounts "${name}"`);
      return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, ...account } };
    },
  ],
];

const resources = (groupVersion: string, kinds: Record<string, boolean>): Json => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: Object.entries(kinds).map(([kind, namespaced]) => ({
    name: `${kind.toLowerCase()}s`,
    kind,
    namespaced,
    verbs: ['get'],
  })),
});

export interface GoogleServer {
  /** `http://127.0.0.1:<port>`: google.endpoint, and before /k8s and /wandb the others'. */
  readonly endpoint: string;
  /** Looked at anew for every request. */
  project: GoogleProject;
  /** `METHOD path` of every request, in order. */
  readonly requests: string[];
  /** A federated account that acts as titrate-operator: for GOOGLE_APPLICATION_CREDENTIALS. */
  readonly credentialsFile: string;
  readonly kubeconfig: string;
  close(): Promise<void>;
}

export async function startGoogleServer(): Promise<GoogleServer> {
  const requests: string[] = [];
  const state = { project: await soundProject() };
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('end', () => {
      const { project } = state;
      const url = new URL(incoming.url ?? '/', 'http://server');
      const what = `${incoming.method} ${decodeURIComponent(url.pathname)}`;
      requests.push(what);
      const date = new Date(Date.now() + project.clockMs).toUTCString();
      const answer = (status: number, value: unknown) => {
        outgoing.writeHead(status, { 'content-type': 'application/json', date });
        outgoing.end(JSON.stringify(value));
      };
      const text = Buffer.concat(chunks).toString();
      try {
        if (what === 'POST /wandb/graphql') {
          const key = Buffer.from(incoming.headers.authorization!.split(' ')[1]!, 'base64').toString();
          if (!project.wandbKeys.has(key.replace(/^api:/, ''))) return answer(401, { error: 'no such key' });
          return answer(200, { data: { viewer: { username: 'somebody' } } });
        }
        const service = url.pathname.split('/')[1]!;
        if (project.disabled.has(service))
          throw new Refusal(403, `${service} API has not been used`, 'SERVICE_DISABLED');
        for (const [pattern, route] of ROUTES) {
          const match = pattern.exec(what);
          if (!match) continue;
          const body = text.startsWith('{') ? (JSON.parse(text) as Json) : {};
          return answer(200, route(match.slice(1), project, body, url));
        }
        throw new Refusal(404, `no route ${what}`);
      } catch (error) {
        const { status = 500, message, reason } = error as Refusal;
        // Kubernetes tells the same in a Status.
        const kubernetes = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status };
        const google = { error: { code: status, message, ...(reason && { details: [{ reason }] }) } };
        const oauth = { error: reason, error_description: message };
        answer(status, what.includes(' /k8s/') ? kubernetes : what.includes(' /sts/') ? oauth : google);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-google-'));
  const file = (name: string, content: string) => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  const credentials = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/test/providers/test',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${endpoint}/sts/v1/token`,
    service_account_impersonation_url: `${endpoint}/iamcredentials/v1/projects/-/serviceAccounts/${emailOf('titrate-operator')}:generateAccessToken`,
    credential_source: { file: file('subject-token', 'header.payload.signature') },
  };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: `${endpoint}/k8s`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'test' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  return {
    endpoint,
    requests,
    get project() {
      return state.project;
    },
    set project(project) {
      state.project = project;
    },
    credentialsFile: file('credentials.json', JSON.stringify(credentials)),
    kubeconfig: file('kubeconfig.json', JSON.stringify(kubeconfig)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
