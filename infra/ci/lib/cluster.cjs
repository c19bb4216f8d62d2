/** What the steps ask of the cluster, by kubectl and whatever KUBECONFIG names. */
const NAMESPACE = 'titrate';
const LABEL = 'titrate.dev/build-id';

function kubectl(run, args, options = {}) {
  return run('kubectl', ['--namespace', NAMESPACE, ...args], {
    ...options,
    remedy:
      options.remedy ??
      'Is KUBECONFIG right, and was the shared part applied: kubectl apply -k infra/kubernetes/base ?',
  });
}

const list = (run, kind, selector) =>
  JSON.parse(kubectl(run, ['get', kind, '-l', selector, '-o', 'json'], { always: true }).stdout).items;

/** Deployments of a build. */
const deploymentsOf = (run, buildId) => list(run, 'deployments', `${LABEL}=${buildId}`);

/** Builds that have Deployments. */
const buildsDeployed = (run) =>
  [...new Set(list(run, 'deployments', LABEL).map(({ metadata }) => metadata.labels[LABEL]))].sort();

/** Why pods of these Deployments are not made or do not start, as the cluster says it; null where it says nothing. */
function troubleOf(run, buildId, deployments) {
  for (const { metadata, status = {} } of deployments) {
    const failure = (status.conditions ?? []).find(
      ({ type, status: is }) => type === 'ReplicaFailure' && is === 'True',
    );
    if (failure) return `${metadata.name}: ${failure.message}`;
  }
  for (const { metadata, status = {} } of list(run, 'pods', `${LABEL}=${buildId}`)) {
    const unplaced = (status.conditions ?? []).find(
      ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
    );
    if (unplaced) return `${metadata.name}: ${unplaced.message ?? unplaced.reason}`;
    for (const { state = {} } of status.containerStatuses ?? []) {
      const { reason, message } = state.waiting ?? {};
      if (reason && reason !== 'ContainerCreating')
        return `${metadata.name}: ${reason}${message ? `: ${message}` : ''}`;
    }
  }
  return null;
}

/** Deployments and scalers of a build; what several builds share stays. */
const deleteBuild = (run, buildId) =>
  kubectl(run, ['delete', 'scaledobjects.keda.sh,deployments', '-l', `${LABEL}=${buildId}`, '--wait=false']);

module.exports = { NAMESPACE, LABEL, kubectl, deploymentsOf, buildsDeployed, deleteBuild, troubleOf };
