#!/usr/bin/env node
/**
 * Writes the overlay of one version of the workers, which runs beside the others: a Deployment a task queue with the build id in its
 * name, its labels, its environment and its scaler.
 *   node infra/kubernetes/worker-version.cjs BUILD_ID IMAGE [FOLDER] [--gpu-image IMAGE] [--temporal-cloud]
 *   kubectl apply -k infra/kubernetes/overlays/versions/BUILD_ID
 */
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const DEPLOYMENT_NAME = 'titrate';

function fail(message) {
  process.stderr.write(
    `worker-version: ${message}\nusage: worker-version.cjs BUILD_ID IMAGE [FOLDER] [--gpu-image IMAGE] [--temporal-cloud]\n`,
  );
  process.exit(2);
}

/** `name:tag` or `name@sha256:…` as kustomize takes them; a registry may have a port. */
function imageParts(image) {
  const [name, digest] = image.split('@');
  if (digest) return { newName: name, digest };
  const colon = name.lastIndexOf(':');
  if (colon > name.lastIndexOf('/')) return { newName: name.slice(0, colon), newTag: name.slice(colon + 1) };
  return null;
}

function overlay(buildId, { image, gpuImage }, workers) {
  const json = (value) => JSON.stringify(value);
  const parts = (name) => imageParts(name) ?? fail(`'${name}' names neither a tag nor a digest`);
  const environment = [
    { name: 'TEMPORAL_DEPLOYMENT_NAME', value: DEPLOYMENT_NAME },
    { name: 'TEMPORAL_WORKER_BUILD_ID', value: buildId },
  ];
  // A container may have variables of its own already: JSON patches tell a list that is there from one that is not.
  const withEnvironment = (names, operations) => ({
    target: { kind: 'Deployment', name: names },
    patch: json(operations),
  });
  const containers = '/spec/template/spec/containers/0/env';
  const scaler = [
    ['workerDeploymentName', DEPLOYMENT_NAME],
    ['workerDeploymentBuildId', buildId],
  ].map(([key, value]) => ({ op: 'add', path: `/spec/triggers/0/metadata/${key}`, value }));
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: 'titrate',
    nameSuffix: `-${buildId}`,
    resources: [workers],
    labels: [{ pairs: { 'titrate.dev/build-id': buildId }, includeSelectors: true, includeTemplates: true }],
    images: [
      { name: 'titrate', ...parts(image) },
      { name: 'titrate-gpu', ...parts(gpuImage) },
    ],
    patches: [
      withEnvironment(
        'titrate-featurization',
        environment.map((value) => ({ op: 'add', path: `${containers}/-`, value })),
      ),
      withEnvironment('titrate-(orchestration|gpu|warehouse|deploy)', [
        { op: 'add', path: containers, value: environment },
      ]),
      { target: { kind: 'ScaledObject' }, patch: json(scaler) },
    ],
  };
}

function read(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { 'gpu-image': { type: 'string' }, 'temporal-cloud': { type: 'boolean' } },
    });
  } catch (error) {
    return fail(error.message);
  }
}

function main(args) {
  const { values, positionals } = read(args);
  const [buildId, image, folder] = positionals;
  // Without an image of its own the gpu worker trains on the CPU.
  const gpuImage = values['gpu-image'] ?? image;
  if (!buildId || !image) fail('a build id and an image are needed');
  // It becomes part of a name, `titrate-orchestration-…`, which has 63 characters.
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(buildId))
    fail(`'${buildId}' is no build id: a-z, 0-9 and -, at most 40`);
  const target = path.resolve(folder ?? path.join(__dirname, 'overlays', 'versions', buildId));
  const part = (...names) => path.relative(target, path.join(__dirname, ...names));
  const made = {
    ...overlay(buildId, { image, gpuImage }, part('workers')),
    ...(values['temporal-cloud'] && { components: [part('components', 'temporal-cloud')] }),
  };
  fs.mkdirSync(target, { recursive: true });
  // JSON is YAML.
  fs.writeFileSync(path.join(target, 'kustomization.yaml'), `${JSON.stringify(made, null, 2)}\n`);
  process.stdout.write(`${target}\n`);
}

main(process.argv.slice(2));
