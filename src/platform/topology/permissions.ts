import { PIPELINE_PERMISSIONS } from './pipeline-permissions';
import { SECRETS } from './names';
import type { IdentityName, Permission, Permissions, SecretName } from './types';

/** What a store that is written to asks of Cloud Storage: a put replaces, a landing is touched, copied and removed. */
const OBJECTS: Permission = {
  role: 'titrate.objects',
  on: 'bucket:objects',
  permissions: [
    'storage.objects.create',
    'storage.objects.delete',
    'storage.objects.get',
    'storage.objects.list',
    'storage.objects.update',
  ],
  why: 'Objects, records, pointers: stored, found again, touched, promoted and removed, each under preconditions. Nothing of the bucket itself.',
  codeRef: 'src/objects/gcs-client.ts',
};

const OBJECTS_READ: Permission = {
  role: 'titrate.objectsRead',
  on: 'bucket:objects',
  permissions: ['storage.objects.get', 'storage.objects.list'],
  why: 'Models, their cards and pointers are read; a server writes nothing.',
  codeRef: 'src/objects/gcs-client.ts',
};

const actAs = (name: IdentityName, why: string, codeRef: string): Permission => ({
  role: 'roles/iam.serviceAccountUser',
  on: `serviceAccount:${name}`,
  permissions: ['iam.serviceAccounts.actAs'],
  why,
  codeRef,
});

/** Where each secret comes into a process. */
const SECRET_READERS: Readonly<Record<SecretName, string>> = {
  'titrate-wandb-api-key': 'src/platform/composition.ts',
  'titrate-inference-keys': 'src/platform/inference-options.ts',
  'titrate-temporal-api-key': 'src/platform/temporal-connection.ts',
};

/** The secrets that an identity's process has: by the names of SECRETS, so that one list says it. */
const secretsOf = (name: IdentityName): Permission[] =>
  SECRETS.filter(({ readBy }) => readBy.some((component) => `titrate-${component}` === name)).map(
    (secret) => ({
      role: 'roles/secretmanager.secretAccessor',
      on: `secret:${secret.name}`,
      permissions: ['secretmanager.versions.access'],
      why: `The process has it as ${secret.variable}: ${secret.what}.`,
      codeRef: SECRET_READERS[secret.name],
    }),
  );

const FEATURIZATION: readonly Permission[] = [
  OBJECTS,
  {
    role: 'titrate.dataflow',
    on: 'project',
    permissions: [
      'dataflow.jobs.cancel',
      'dataflow.jobs.create',
      'dataflow.jobs.get',
      'dataflow.jobs.list',
      'dataflow.messages.list',
    ],
    why: 'Large sources are standardised by Dataflow: a job is launched from the template, found again by its name, watched, cancelled, and its errors are read. Jobs have no place narrower than the project.',
    codeRef: 'src/processing/dataflow/jobs.ts',
  },
  actAs('titrate-dataflow', 'Jobs run as that account, and as no other.', 'src/processing/dataflow/jobs.ts'),
];

const GPU: readonly Permission[] = [
  OBJECTS,
  {
    role: 'titrate.training',
    on: 'project',
    permissions: [
      'aiplatform.customJobs.cancel',
      'aiplatform.customJobs.create',
      'aiplatform.customJobs.get',
      'aiplatform.customJobs.list',
    ],
    why: 'Steps of large rounds are custom jobs of Vertex AI: made, found again by their labels, watched, cancelled. Jobs have no place narrower than the project.',
    codeRef: 'src/training/vertex/jobs.ts',
  },
  {
    role: 'titrate.tuning',
    on: 'project',
    permissions: [
      'aiplatform.operations.list',
      'aiplatform.studies.create',
      'aiplatform.studies.get',
      'aiplatform.studies.list',
      'aiplatform.trials.create',
      'aiplatform.trials.get',
      'aiplatform.trials.list',
      'aiplatform.trials.update',
    ],
    why: 'With training.tuner vizier: one study a campaign, its trials asked for, reported, stopped and completed. Studies have no place narrower than the project.',
    codeRef: 'src/training/vertex/vizier.ts',
  },
  actAs('titrate-training', 'Jobs run as that account, and as no other.', 'src/training/vertex/jobs.ts'),
];

const WAREHOUSE: readonly Permission[] = [
  OBJECTS,
  {
    role: 'titrate.queries',
    on: 'project',
    permissions: ['bigquery.jobs.create'],
    why: 'Queries and load jobs are billed to the project; what they may read and write is said on the dataset.',
    codeRef: 'src/warehouse/bigquery/jobs.ts',
  },
  {
    role: 'titrate.tables',
    on: 'dataset',
    permissions: [
      'bigquery.datasets.get',
      'bigquery.tables.create',
      'bigquery.tables.delete',
      'bigquery.tables.get',
      'bigquery.tables.getData',
      'bigquery.tables.update',
      'bigquery.tables.updateData',
    ],
    why: 'Migrations make tables and the view; staging tables are made, filled and deleted; rows are merged, read, and deleted when the index is built anew.',
    codeRef: 'src/warehouse/bigquery/schema.ts',
  },
  {
    role: 'titrate.requesterPays',
    on: 'project',
    permissions: ['serviceusage.services.use'],
    why: 'A source in gs:// is read with this project as the one that pays. Reading other buckets and tables is for their owners to grant.',
    codeRef: 'src/sources/transports/gcs.ts',
  },
];

const DEPLOY: readonly Permission[] = [
  OBJECTS,
  {
    role: 'titrate.modelUpload',
    on: 'project',
    permissions: ['aiplatform.models.get', 'aiplatform.models.upload', 'aiplatform.operations.list'],
    why: "With training.uploadModels: versions are entered into Vertex AI's model registry, once each. Models that do not exist yet have no place narrower than the project.",
    codeRef: 'src/training/vertex/model-upload.ts',
  },
  actAs(
    'titrate-training',
    'An uploaded model is served under that account.',
    'src/training/vertex/model-upload.ts',
  ),
];

const DATAFLOW: readonly Permission[] = [
  OBJECTS,
  {
    role: 'roles/dataflow.worker',
    on: 'project',
    permissions: [
      'dataflow.jobs.get',
      'dataflow.workItems.lease',
      'dataflow.workItems.sendMessage',
      'dataflow.workItems.update',
      'dataflow.shuffle.read',
      'dataflow.shuffle.write',
      'logging.logEntries.create',
      'monitoring.timeSeries.create',
    ],
    why: "Dataflow asks for this very role of the account of a job's workers.",
    codeRef: 'infra/dataflow/pipeline.py',
  },
  {
    role: 'titrate.dataflowLauncher',
    on: 'project',
    permissions: ['dataflow.jobs.create'],
    why: "A Flex Template's launcher is one of the job's machines: it submits the job that it was started for.",
    codeRef: 'infra/dataflow/pipeline.py',
  },
  actAs(
    'titrate-dataflow',
    'The launcher submits the job to run as its own account.',
    'infra/dataflow/pipeline.py',
  ),
  {
    role: 'roles/artifactregistry.reader',
    on: 'repository',
    permissions: ['artifactregistry.repositories.downloadArtifacts'],
    why: 'Launcher and workers fetch their image themselves.',
    codeRef: 'infra/dataflow/Dockerfile',
  },
];

/** What `titrate doctor --profile gcp` looks at; it changes nothing, and sees no row and no secret. */
const OPERATOR: readonly Permission[] = [
  {
    role: 'titrate.doctor',
    on: 'project',
    permissions: [
      'resourcemanager.projects.get',
      'resourcemanager.projects.getIamPolicy',
      'serviceusage.services.list',
      'serviceusage.quotas.get',
      'compute.regions.get',
      'aiplatform.customJobs.list',
    ],
    why: 'The project, who has which role on it, the APIs that are enabled, quotas, whether Vertex AI answers.',
    codeRef: 'src/cli/gcp/index.ts',
  },
  {
    role: 'titrate.doctorCluster',
    on: 'project',
    permissions: [
      'container.clusters.connect',
      'container.clusters.get',
      'container.customResourceDefinitions.get',
      'container.namespaces.get',
      'container.serviceAccounts.get',
    ],
    why: 'The cluster, its namespace and accounts, and whether KEDA is installed. GKE takes these for rights of Kubernetes.',
    codeRef: 'src/cli/gcp/cluster.ts',
  },
  {
    role: 'titrate.doctorBucket',
    on: 'bucket:objects',
    permissions: ['storage.buckets.get', 'storage.buckets.getIamPolicy', 'storage.objects.get'],
    why: "The bucket's rules and who has which role on it; that the Flex Template is there.",
    codeRef: 'src/cli/gcp/bucket.ts',
  },
  {
    role: 'titrate.doctorDataset',
    on: 'dataset',
    permissions: ['bigquery.datasets.get', 'bigquery.tables.get'],
    why: 'Place, tables and columns of the warehouse; no rows.',
    codeRef: 'src/cli/gcp/dataset.ts',
  },
  {
    role: 'roles/artifactregistry.reader',
    on: 'repository',
    permissions: ['artifactregistry.dockerimages.get'],
    why: 'Whether the images that the settings name by digest are there.',
    codeRef: 'src/cli/gcp/images.ts',
  },
  ...SECRETS.map(({ name }): Permission => ({
    role: 'titrate.doctorSecret',
    on: `secret:${name}`,
    permissions: ['secretmanager.versions.get'],
    why: 'Whether the secret has a version that is enabled; its value stays unread.',
    codeRef: 'src/cli/gcp/secrets.ts',
  })),
];

const OWN: Omit<Permissions, 'titrate-ci'> = {
  'titrate-orchestration': [],
  'titrate-featurization': FEATURIZATION,
  'titrate-gpu': GPU,
  'titrate-warehouse': WAREHOUSE,
  'titrate-deploy': DEPLOY,
  'titrate-inference': [OBJECTS_READ],
  'titrate-dataflow': DATAFLOW,
  'titrate-training': [
    {
      ...OBJECTS,
      why: 'A job reads its request and what it names, and stores its result; the server of an uploaded model reads the model.',
      codeRef: 'workers/training-job.ts',
    },
    {
      role: 'roles/monitoring.metricWriter',
      on: 'project',
      permissions: ['monitoring.timeSeries.create'],
      why: 'A job ends before anybody can read its metrics: it writes them at its end. Time series have no place narrower than the project.',
      codeRef: 'src/observability/cloud-monitoring/push.ts',
    },
  ],
  'titrate-operator': OPERATOR,
};

/**
 * Every right that an identity has on Google Cloud, and the code that needs it. Terraform binds these and no others; a test holds the list
 * to the calls that the code makes. Names of permissions are those of Google's IAM reference (docs.cloud.google.com/iam/docs/roles-permissions).
 */
export const PERMISSIONS: Permissions = Object.fromEntries(
  Object.entries({ ...OWN, 'titrate-ci': PIPELINE_PERMISSIONS }).map(([name, list]) => [
    name,
    [...list, ...secretsOf(name as IdentityName)],
  ]),
) as unknown as Permissions;
