import type { KubernetesObject } from '@kubernetes/client-node';
import { asTitrateError } from '../../contracts';
import { COMPONENTS } from '../../platform/topology';
import { openCluster, type Cluster } from '../../rollout/kubernetes';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import { emailOf } from './permissions';
import type { Examination } from './project';

const KEDA = 'scaledobjects.keda.sh';
const RETRY_MS = 3000;
const ANNOTATION = 'iam.gke.io/gcp-service-account';
/** Writes the overlay of this installation from Terraform's outputs, and applies it. */
const applyOf = (project: string) =>
  `node infra/kubernetes/installation.cjs outputs.json && kubectl apply -k infra/kubernetes/installations/${project}`;

async function accounts(cluster: Cluster, project: string): Promise<Finding> {
  const { ok, fail } = findings('Kubernetes accounts');
  const names = Object.values(COMPONENTS).flatMap(({ serviceAccount }) => serviceAccount ?? []);
  const found = await Promise.all(
    names.map(async (name) => ({
      name,
      account: await cluster.read<KubernetesObject>({ apiVersion: 'v1', kind: 'ServiceAccount', name }),
    })),
  );
  const missing = found.filter(({ account }) => !account).map(({ name }) => name);
  if (missing.length > 0) return fail(`not there: ${missing.join(', ')}`, `Run: ${applyOf(project)}`);
  const unbound = found.filter(
    ({ name, account }) => account?.metadata?.annotations?.[ANNOTATION] !== emailOf(name, project),
  );
  if (unbound.length === 0) return ok(`${names.length}, each bound to its Google account`);
  const [{ name } = { name: names[0]! }] = unbound;
  return fail(
    `not bound to their Google accounts: ${unbound.map((one) => one.name).join(', ')}`,
    `Run: ${applyOf(project)}, or: kubectl annotate --overwrite serviceaccount ${name} -n ${cluster.namespace} ${ANNOTATION}=${emailOf(name, project)}`,
  );
}

/** The cluster answers; namespace, KEDA and the accounts of the processes are there. */
export async function checkCluster({ settings, project }: Examination): Promise<Finding[]> {
  const { ok, fail } = findings('Kubernetes');
  const { namespace, kubeconfig, context } = settings.kubernetes;
  const cluster = openCluster({ namespace, kubeconfig, context, retryMs: RETRY_MS });
  try {
    const there = await cluster.read({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
    if (!there) return [fail(`there is no namespace '${namespace}'`, `Run: ${applyOf(project)}`)];
    const keda = await cluster.read({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: KEDA,
    });
    return [
      ok(`namespace ${namespace}`),
      keda
        ? findings('KEDA').ok(`${KEDA} is known`)
        : findings('KEDA').fail(
            `${KEDA} is not known: workers will not be scaled`,
            'Run: helm repo add kedacore https://kedacore.github.io/charts && helm install keda kedacore/keda --namespace keda --create-namespace',
          ),
      await accounts(cluster, project),
    ];
  } catch (error) {
    const { what } = asTitrateError(error).parts;
    return [
      fail(
        `the cluster does not answer as it should: ${what}`,
        `Run: gcloud container clusters get-credentials CLUSTER --region ${settings.google.region} --project ${project}, and name the context in kubernetes.context`,
      ),
    ];
  }
}
