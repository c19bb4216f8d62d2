/** Step `deploy-workers`: starts the workers of a build beside those that run. No work is routed to them yet. */
const fs = require('node:fs');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseAllDocuments } = require('yaml');
const { defineStep, requireBuildId, root, StepFailure } = require('../lib/step.cjs');
const { LABEL, deploymentsOf, kubectl, troubleOf } = require('../lib/cluster.cjs');

/** KEDA runs one pod of each queue while it is there, also where nothing waits: a version is known by the queues its workers asked. */
const PAUSED = 'autoscaling.keda.sh/paused-replicas=1';
/** A controller that could not make a pod for so long says why, and will say it again. */
const HOPELESS_MS = 30_000;
const LOOK_EVERY_MS = 1500;

/**
 * An installation's component names its own images; a version has others. Both are brought in, and what comes out is looked at.
 * @param {string} overlay folder that worker-version.cjs wrote
 */
function withInstallation(overlay, installation, references) {
  const file = path.join(overlay, 'kustomization.yaml');
  const kustomization = JSON.parse(fs.readFileSync(file, 'utf8'));
  kustomization.components = [
    ...(kustomization.components ?? []),
    path.relative(overlay, path.join(installation, 'component')),
  ];
  for (const reference of references) {
    const [name, digest] = reference.split('@');
    if (!kustomization.images.some((image) => image.name === name))
      kustomization.images.push({ name, digest });
  }
  fs.writeFileSync(file, `${JSON.stringify(kustomization, null, 2)}\n`);
}

/** @throws StepFailure naming a Deployment that would run another image */
function requireImages(run, overlay, references) {
  const { stdout } = run('kubectl', ['kustomize', overlay], { always: true });
  for (const document of parseAllDocuments(stdout)) {
    const { kind, metadata, spec } = document.toJS();
    if (kind !== 'Deployment') continue;
    const { image } = spec.template.spec.containers[0];
    if (!references.includes(image))
      throw new StepFailure(
        `${metadata.name} would run ${image}, not ${references.join(' or ')}`,
        'Give --gpu-image as well',
      );
  }
}

/** Waits until each Deployment has a pod that is ready. */
async function untilStarted({ run, buildId, withinSeconds, say, signal }) {
  const begun = performance.now();
  for (;;) {
    const deployments = deploymentsOf(run, buildId);
    const waiting = deployments.filter(({ status = {} }) => !(status.availableReplicas >= 1));
    if (deployments.length > 0 && waiting.length === 0)
      return deployments.map(({ metadata }) => metadata.name);
    const passed = performance.now() - begun;
    const trouble = troubleOf(run, buildId, waiting);
    if ((trouble && passed > HOPELESS_MS) || passed > withinSeconds * 1000 || signal.aborted)
      throw new StepFailure(
        `${waiting.map(({ metadata }) => metadata.name).join(', ') || buildId} did not start in ${Math.round(passed / 1000)} s${trouble ? `: ${trouble}` : ''}`,
        'No work was routed to them; what was current still is',
      );
    if (trouble) say(trouble);
    await sleep(LOOK_EVERY_MS);
  }
}

defineStep(module, {
  name: 'deploy-workers',
  what: 'starts the workers of a build beside those that run',
  options: {
    build: { type: 'string', value: 'BUILD_ID', required: true, what: 'as it was pushed' },
    image: { type: 'string', value: 'REFERENCE', what: 'default: the one that the step push wrote' },
    'gpu-image': {
      type: 'string',
      value: 'REFERENCE',
      what: 'of the gpu workers; default: the same image, which trains on the CPU',
    },
    installation: { type: 'string', value: 'FOLDER', what: 'that infra/kubernetes/installation.cjs wrote' },
    'temporal-cloud': { type: 'boolean', what: 'the server is Temporal Cloud' },
    'within-seconds': { type: 'string', value: 'N', default: '600', what: 'for the pods to start' },
  },
  async run({ values, run, folder, dryRun, say, signal }) {
    const buildId = requireBuildId(values.build);
    const pushed = values.image ? null : folder.read('image.json', 'push');
    if (pushed && pushed.buildId !== buildId)
      throw new StepFailure(
        `build ${pushed.buildId} was pushed, not ${buildId}`,
        'Give the same --build to every step',
      );
    const reference = values.image ?? pushed.reference;
    const references = [reference, values['gpu-image']].filter(Boolean);
    const tagged = references.find((one) => !one.includes('@sha256:'));
    if (tagged) throw new StepFailure(`${tagged} names no digest`, 'A tag can be moved: NAME@sha256:…');
    const overlay = folder.at(`overlay-${buildId}`);
    const options = [
      ...(values['gpu-image'] ? ['--gpu-image', values['gpu-image']] : []),
      ...(values['temporal-cloud'] ? ['--temporal-cloud'] : []),
    ];
    const generator = path.join(root, 'infra/kubernetes/worker-version.cjs');
    run(process.execPath, [generator, buildId, reference, overlay, ...options], { always: true });
    if (values.installation) withInstallation(overlay, path.resolve(values.installation), references);
    requireImages(run, overlay, references);
    kubectl(run, ['apply', '--server-side', '--field-manager=titrate-delivery', '-k', overlay]);
    kubectl(run, ['annotate', 'scaledobjects.keda.sh', '-l', `${LABEL}=${buildId}`, '--overwrite', PAUSED]);
    if (dryRun) return { buildId, references, overlay };
    const deployments = await untilStarted({
      run,
      buildId,
      withinSeconds: Number(values['within-seconds']),
      say,
      signal,
    });
    say(`${deployments.length} Deployments of ${buildId} have started`);
    const deployed = { buildId, references, deployments };
    folder.write('workers.json', deployed);
    return deployed;
  },
});
