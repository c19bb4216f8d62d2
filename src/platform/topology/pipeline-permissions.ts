import type { Permission } from './types';

/** A look at one kind of resource that Terraform keeps: what a plan reads of it. */
const plan = (module: string, permissions: readonly string[], what: string): Permission => ({
  role: 'titrate.plan',
  on: 'project',
  permissions,
  why: `terraform plan reads ${what}.`,
  codeRef: `infra/terraform/modules/${module}/main.tf`,
});

/**
 * What the delivery pipeline may do: push images, put the Flex Template there, show what Terraform would change, and reach the cluster, where
 * Kubernetes' own rules say what it may do. It cannot apply: whoever may bind roles may take every one of them, so that is left to
 * the person who approves, under an account of their own.
 */
export const PIPELINE_PERMISSIONS: readonly Permission[] = [
  {
    role: 'roles/artifactregistry.writer',
    on: 'repository',
    permissions: [
      'artifactregistry.repositories.downloadArtifacts',
      'artifactregistry.repositories.uploadArtifacts',
      'artifactregistry.tags.create',
      'artifactregistry.tags.update',
    ],
    why: 'Images, their signatures and lists of parts are pushed, and pulled again where they are deployed by digest. Nothing can be deleted.',
    codeRef: 'infra/docker/worker.Dockerfile',
  },
  {
    role: 'titrate.publish',
    on: 'bucket:objects',
    permissions: ['storage.objects.create', 'storage.objects.get'],
    why: "The Flex Template's specification, under a new name for each version: without the right to delete, none is replaced.",
    codeRef: 'infra/dataflow/metadata.json',
  },
  {
    role: 'titrate.reachCluster',
    on: 'project',
    permissions: ['container.clusters.connect', 'container.clusters.get'],
    why: "The cluster's address and certificate; a Kubernetes role binding says what may be done there.",
    codeRef: 'infra/kubernetes/worker-version.cjs',
  },
  {
    role: 'titrate.state',
    on: 'bucket:tfstate',
    permissions: [
      'storage.objects.create',
      'storage.objects.delete',
      'storage.objects.get',
      'storage.objects.list',
    ],
    why: "Terraform's state is read for a plan, and locked meanwhile: the lock is an object that is made and deleted.",
    codeRef: 'infra/terraform/modules/storage/main.tf',
  },
  plan(
    'services',
    ['resourcemanager.projects.get', 'serviceusage.services.get', 'serviceusage.services.list'],
    'the project and its APIs',
  ),
  plan(
    'network',
    [
      'compute.firewalls.get',
      'compute.globalAddresses.get',
      'compute.networks.get',
      'compute.routers.get',
      'compute.subnetworks.get',
      'servicenetworking.services.get',
    ],
    'the network',
  ),
  plan('cluster', ['container.clusters.get'], 'the cluster and its node pools'),
  plan(
    'registry',
    ['artifactregistry.repositories.get', 'artifactregistry.repositories.getIamPolicy'],
    'the registry',
  ),
  plan('storage', ['storage.buckets.get', 'storage.buckets.getIamPolicy'], 'the buckets'),
  plan(
    'warehouse',
    ['bigquery.datasets.get', 'bigquery.datasets.getIamPolicy', 'bigquery.tables.get'],
    'the dataset and its tables; no rows',
  ),
  plan('secrets', ['secretmanager.secrets.get', 'secretmanager.secrets.getIamPolicy'], 'secrets; no values'),
  plan(
    'identities',
    [
      'iam.roles.get',
      'iam.serviceAccounts.get',
      'iam.serviceAccounts.getIamPolicy',
      'resourcemanager.projects.getIamPolicy',
    ],
    'accounts, roles and bindings',
  ),
  plan(
    'encryption',
    ['cloudkms.cryptoKeys.get', 'cloudkms.cryptoKeys.getIamPolicy', 'cloudkms.keyRings.get'],
    'keys, where there are any; nothing can be encrypted or decrypted',
  ),
  plan(
    'monitoring',
    [
      'monitoring.alertPolicies.get',
      'monitoring.dashboards.get',
      'monitoring.notificationChannels.get',
      'monitoring.uptimeCheckConfigs.get',
    ],
    'alerts, dashboards and uptime checks',
  ),
  plan(
    'temporal',
    ['cloudsql.databases.get', 'cloudsql.instances.get', 'cloudsql.users.list'],
    'the database of a self-hosted Temporal',
  ),
  {
    role: 'roles/iam.workloadIdentityPoolViewer',
    on: 'project',
    permissions: [
      'iam.googleapis.com/workloadIdentityPools.get',
      'iam.googleapis.com/workloadIdentityPoolProviders.get',
    ],
    why: 'terraform plan reads the federation by which the pipeline itself comes in.',
    codeRef: 'infra/terraform/modules/federation/main.tf',
  },
];
