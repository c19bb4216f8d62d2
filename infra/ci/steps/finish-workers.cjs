/**
 * Step `finish-workers`: after a delivery or a way back. Scalers may scale again; versions of which nothing runs any more are removed
 * from the cluster and forgotten. The current version, the one before it and whatever still has workflows stay.
 */
const { defineStep, delivery } = require('../lib/step.cjs');
const { LABEL, buildsDeployed, deleteBuild, deploymentsOf, kubectl } = require('../lib/cluster.cjs');

defineStep(module, {
  name: 'finish-workers',
  what: 'lets scalers scale again, and removes versions that are drained',
  options: {
    keep: {
      type: 'string',
      multiple: true,
      value: 'BUILD_ID',
      what: 'not to be removed, though drained; may be repeated',
    },
  },
  async run({ values, run, folder, dryRun, say }) {
    const { routing, versions } = await delivery().workerVersions({ say });
    const verdict = folder.has('verdict.json') ? folder.read('verdict.json', 'ramp-workers') : null;
    // The way back of the next failure is the version before this one.
    const keep = new Set([routing.current, routing.ramping, ...(values.keep ?? [])].filter(Boolean));
    if (verdict?.outcome === 'delivered' && verdict.before) keep.add(verdict.before);
    const known = new Map(versions.map((version) => [version.buildId, version]));
    const removed = [];
    const waiting = [];
    for (const buildId of buildsDeployed(run)) {
      kubectl(run, [
        'annotate',
        'scaledobjects.keda.sh',
        '-l',
        `${LABEL}=${buildId}`,
        'autoscaling.keda.sh/paused-replicas-',
      ]);
      if (keep.has(buildId)) continue;
      const running = known.get(buildId)?.running ?? 0;
      if (running > 0) {
        waiting.push({ buildId, running });
        say(`${buildId} stays: ${running} workflow${running === 1 ? '' : 's'} on it`);
        continue;
      }
      deleteBuild(run, buildId);
      removed.push(buildId);
      say(
        `${dryRun ? 'would remove' : 'removed'} ${buildId} (${deploymentsOf(run, buildId).length} Deployments left)`,
      );
    }
    return { current: routing.current, kept: [...keep], waiting, removed };
  },
});
