/** Servers of this machine that answer what the pipeline asks of a cloud: a registry, npm's advisories, Kubernetes, Temporal. */
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { gunzipSync } = require('node:zlib');
const { installCrane } = require('./crane.cjs');
const { LABEL, NAMESPACE } = require('./cluster.cjs');
const { root, StepFailure } = require('./step.cjs');

const QUEUES = ['orchestration', 'featurization', 'gpu', 'warehouse', 'deploy'];

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** A registry in memory, as crane has one. */
async function startRegistry(say) {
  const crane = installCrane(say);
  const child = spawn(crane, ['registry', 'serve', '--address', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const port = await new Promise((resolve, reject) => {
    const look = (data) => {
      said += data;
      const found = said.match(/serving on port (\d+)/);
      if (found) resolve(found[1]);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new StepFailure(`the registry did not start: ${said}`)));
  });
  return { address: `127.0.0.1:${port}`, crane, close: () => end(child) };
}

/**
 * npm's endpoint for advisories, over a list of them: `npm audit` itself asks and judges.
 * @param {{id: number, name: string, title: string, severity: string, vulnerable_versions: string}[]} advisories
 */
async function startAdvisories(advisories) {
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (request.method !== 'POST' || !request.url.endsWith('/-/npm/v1/security/advisories/bulk')) {
        response.writeHead(404).end('{}');
        return;
      }
      const body = Buffer.concat(parts);
      const asked = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      const found = {};
      for (const { name, id, ...rest } of advisories) {
        if (!asked[name]) continue;
        const url = `https://github.com/advisories/GHSA-${id}`;
        (found[name] ??= []).push({ id, url, cwe: [], cvss: { score: 0, vectorString: null }, ...rest });
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

/** KEDA's objects are taken as they are: there is no KEDA in this control plane. */
const SCALED_OBJECTS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'scaledobjects.keda.sh' },
  spec: {
    group: 'keda.sh',
    names: { kind: 'ScaledObject', plural: 'scaledobjects', singular: 'scaledobject' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** A Kubernetes control plane without nodes; pods are reported as started by a stand-in. */
async function startCluster() {
  const { startControlPlane } = require(path.join(root, 'dist/tests/support/kubernetes.js'));
  const cluster = await startControlPlane();
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify(SCALED_OBJECTS));
  cluster.kubectl(['wait', '--for=condition=Established', 'crd/scaledobjects.keda.sh', '--timeout=30s']);
  cluster.kubectl(['apply', '-k', path.join(root, 'infra/kubernetes/base')]);
  const rights = fs.readFileSync(path.join(root, 'infra/ci/kubernetes/pipeline-rbac.yaml'), 'utf8');
  cluster.kubectl(['apply', '-f', '-'], rights);
  return cluster;
}

/**
 * What nodes would do with the Deployments of a build: one process with every queue, once all five are there and ask for a pod; ended when
 * one is gone. Its environment is what the Deployment says of versions, and this machine's instead of the cloud's.
 */
function startNodes(cluster, { environment, logs, variationOf = () => ({}) }) {
  const running = new Map();
  let stopped = false;
  function look() {
    const { items } = JSON.parse(
      cluster.kubectl(['-n', NAMESPACE, 'get', 'deployments', '-l', LABEL, '-o', 'json']),
    );
    const wanted = new Map();
    for (const { metadata, spec } of items) {
      if (spec.replicas === 0) continue;
      const buildId = metadata.labels[LABEL];
      const versioned = (spec.template.spec.containers[0].env ?? []).filter(({ name }) =>
        name.startsWith('TEMPORAL_'),
      );
      const entry = wanted.get(buildId) ?? { queues: [], env: {} };
      entry.queues.push(metadata.labels['titrate.dev/queue']);
      for (const { name, value } of versioned) entry.env[name] = value;
      wanted.set(buildId, entry);
    }
    for (const [buildId, { queues, env }] of wanted) {
      if (running.has(buildId) || !QUEUES.every((queue) => queues.includes(queue))) continue;
      fs.mkdirSync(logs, { recursive: true });
      const log = fs.openSync(path.join(logs, `workers-${buildId}.log`), 'a');
      const child = spawn(process.execPath, [path.join(root, 'dist/workers/all.js')], {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...environment(buildId), ...env, ...variationOf(buildId) },
      });
      fs.closeSync(log);
      running.set(buildId, child);
    }
    for (const [buildId, child] of running) {
      if (wanted.has(buildId)) continue;
      running.delete(buildId);
      void end(child);
    }
  }
  const timer = setInterval(() => {
    if (stopped) return;
    try {
      look();
    } catch (error) {
      process.stderr.write(`nodes: ${error.message}\n`);
    }
  }, 700);
  return {
    builds: () => [...running.keys()],
    async close() {
      stopped = true;
      clearInterval(timer);
      await Promise.all([...running.values()].map(end));
    },
  };
}

/** The cluster as the pipeline sees it: under its own name, with no rights but its own. */
function pipelineKubeconfig(cluster, file) {
  const config = JSON.parse(fs.readFileSync(cluster.kubeconfig, 'utf8'));
  config.users[0].user.as = 'titrate-ci@my-project.iam.gserviceaccount.com';
  fs.writeFileSync(file, JSON.stringify(config));
  return file;
}

async function freePort() {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

/** The inference server, as a pod of it would run. @returns what ends it */
async function startInference(env, logs) {
  fs.mkdirSync(logs, { recursive: true });
  const log = fs.openSync(path.join(logs, 'inference.log'), 'a');
  const file = path.join(root, 'dist/workers/inference.js');
  const child = spawn(process.execPath, [file], { stdio: ['ignore', log, log], env });
  fs.closeSync(log);
  const url = `http://127.0.0.1:${env.TITRATE_INFERENCE_PORT}/v2/health/live`;
  for (let tries = 0; child.exitCode === null && tries < 300; tries += 1) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return () => end(child);
    await sleep(200);
  }
  await end(child);
  throw new StepFailure(
    `the inference server did not start: ${fs.readFileSync(path.join(logs, 'inference.log'), 'utf8').slice(-500)}`,
  );
}

/** Temporal's development server, in memory, with nothing prepared. */
async function startTemporal() {
  const { findTemporalCli } = require(path.join(root, 'dist/src/platform/local-stack/index.js'));
  const cli = findTemporalCli().path;
  const port = await freePort();
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    port,
    '--headless',
    '--log-level',
    'never',
  ];
  const child = spawn(cli, args, { stdio: 'ignore' });
  for (let tries = 0; child.exitCode === null && tries < 150; tries += 1) {
    const health = ['operator', 'cluster', 'health', '--address', `127.0.0.1:${port}`];
    if (spawnSync(cli, health, { stdio: 'ignore' }).status === 0)
      return { host: '127.0.0.1', port, close: () => end(child) };
    await sleep(200);
  }
  await end(child);
  throw new StepFailure('the Temporal server did not start', `Try: ${cli} ${args.join(' ')}`);
}

module.exports = {
  freePort,
  startInference,
  pipelineKubeconfig,
  startRegistry,
  startAdvisories,
  startCluster,
  startNodes,
  startTemporal,
};
