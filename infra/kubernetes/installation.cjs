#!/usr/bin/env node
/**
 * Writes the overlay of one installation from what Terraform says of it: accounts by Workload Identity, settings, images by their digests,
 * the address of Temporal. Beside it the settings for people (titrate.yaml) and, with a Temporal server of one's own, its chart's values.
 *   terraform -chdir=infra/terraform/environments/prod output -json > outputs.json
 *   node infra/kubernetes/installation.cjs outputs.json [FOLDER]
 *   kubectl apply -k infra/kubernetes/installations/PROJECT
 * Its `component` goes with any overlay (kustomize `components`), so also with versions of the workers side by side.
 */
const fs = require('node:fs');
const path = require('node:path');

/** What the overlays dev and prod call the registry. */
const PLACEHOLDER = 'europe-west4-docker.pkg.dev/my-project/titrate';

function fail(message) {
  process.stderr.write(`installation: ${message}\nusage: installation.cjs OUTPUTS.json [FOLDER]\n`);
  process.exit(2);
}

/** `terraform output -json`: { name: { value } }. */
function readOutputs(file) {
  let outputs;
  try {
    outputs = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    fail(`${file} cannot be read: ${error.message}. Write it by: terraform output -json > ${file}`);
  }
  const value = (name) =>
    outputs[name] && 'value' in outputs[name]
      ? outputs[name].value
      : fail(`${file} has no output '${name}'. Apply this version of infra/terraform, then write it again`);
  return {
    kubernetes: value('kubernetes'),
    settings: value('settings'),
    database: value('temporal_database'),
  };
}

const patch = (kind, name, body) => ({
  target: { kind, ...(name && { name }) },
  patch: JSON.stringify(body),
});

/** What this installation has instead of what the overlays stand for it with; targets that are not there are passed over. */
function component({ variables, accounts, images, temporal }) {
  const settings = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'titrate-settings' },
    data: variables,
  };
  const identities = Object.entries(accounts).map(([name, account]) =>
    patch('ServiceAccount', name, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, annotations: { 'iam.gke.io/gcp-service-account': account } },
    }),
  );
  const scaler = ['endpoint', 'namespace'].map((key) => ({
    op: 'replace',
    path: `/spec/triggers/0/metadata/${key}`,
    value: temporal[key],
  }));
  // As the workers' manifests name them, and as the overlays dev and prod have renamed them.
  const byDigest = (name, image) => {
    const [newName, digest] = image.split('@');
    return { name, newName, digest };
  };
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    images: [
      byDigest('titrate', images.worker),
      byDigest('titrate-gpu', images.training ?? images.worker),
      ...Object.entries(images).map(([name, image]) => byDigest(`${PLACEHOLDER}/${name}`, image)),
    ],
    patches: [
      patch('ConfigMap', 'titrate-settings', settings),
      ...identities,
      patch('ScaledObject', null, scaler),
    ],
  };
}

/** Where Temporal's databases are. */
function temporalValues({ host }) {
  const sql = { sql: { connectAddr: `${host}:5432` } };
  return { server: { config: { persistence: { datastores: { default: sql, visibility: sql } } } } };
}

function main([file, folder]) {
  if (!file) fail('the outputs of Terraform are needed');
  const { kubernetes, settings, database } = readOutputs(file);
  const { project, environment, images, temporal, node_pools: pools } = kubernetes;
  if (!images.worker)
    fail('no image of the workers: build and push it, then apply with image_digests.worker');
  if (pools.gpu && !images.training)
    fail('there is a pool of GPUs and no image for it: apply with image_digests.training too');
  const target = path.resolve(folder ?? path.join(__dirname, 'installations', project));
  const at = (...parts) => path.relative(target, path.join(__dirname, ...parts));
  // JSON is YAML.
  const write = (name, value) => {
    const to = path.join(target, name);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(to, `${JSON.stringify(value, null, 2)}\n`);
  };
  write('component/kustomization.yaml', component(kubernetes));
  write('kustomization.yaml', {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [at('overlays', environment)],
    components: [...(temporal.cloud ? [at('components', 'temporal-cloud')] : []), 'component'],
  });
  write('titrate.yaml', settings);
  if (database) write('temporal-values.yaml', temporalValues(database));
  process.stdout.write(`${target}\n`);
}

main(process.argv.slice(2));
