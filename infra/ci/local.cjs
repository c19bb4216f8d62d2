#!/usr/bin/env node
/**
 * Both pipelines, end to end on one machine: every step that .github/workflows runs, with servers of this machine in place of the
 * cloud's. One delivery for each argument: `good`, or `broken`, a build whose workers do not find their sources.
 *   node infra/ci/local.cjs [good|broken ...]      default: good broken
 * Prints what came of each as JSON; exit code 0 when good ones were delivered and broken ones taken back.
 * What is not as in the cloud: docs/delivery.md#on-one-machine.
 */
const { execFileSync, spawn } = require('node:child_process');
const { generateKeyPairSync } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const YAML = require('yaml');
const {
  freePort,
  pipelineKubeconfig,
  startAdvisories,
  startCluster,
  startInference,
  startNodes,
  startRegistry,
  startTemporal,
} = require('./lib/local-servers.cjs');

const root = path.resolve(__dirname, '../..');
const POOL = path.join(root, 'infra/ci/smoke/pool.csv');

/** Infrastructure of no cloud: it is planned, shown, approved and applied, and its state kept. */
const TERRAFORM = `
variable "image" { type = string }
resource "terraform_data" "workers" { input = var.image }
output "image" { value = terraform_data.workers.output }
`;

async function startLocalDelivery({
  advisories = [],
  say = (line) => process.stderr.write(`local: ${line}\n`),
} = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'titrate-delivery-'));
  const at = (...parts) => path.join(directory, ...parts);
  const closing = [];
  const close = async () => {
    for (const one of closing.reverse()) await one();
    fs.rmSync(directory, { recursive: true, force: true });
  };
  const broken = new Set();
  try {
    say('starting a registry, npm advisories, Kubernetes and Temporal');
    const registry = await startRegistry(say);
    closing.push(registry.close);
    const audit = await startAdvisories(advisories);
    closing.push(audit.close);
    const temporal = await startTemporal();
    closing.push(temporal.close);
    const cluster = await startCluster();
    closing.push(() => cluster.close());

    const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    fs.writeFileSync(at('key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    fs.writeFileSync(at('key.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
    fs.mkdirSync(at('infrastructure'));
    fs.writeFileSync(at('infrastructure/main.tf'), TERRAFORM);
    fs.mkdirSync(at('sources'));
    fs.copyFileSync(POOL, at('sources/pool.csv'));
    const inferencePort = await freePort();
    const environment = {
      TITRATE_INFERENCE_PORT: inferencePort,
      TITRATE_TEMPORAL_HOST: temporal.host,
      TITRATE_TEMPORAL_PORT: temporal.port,
      TITRATE_HOME: at('home'),
    };
    const nodes = startNodes(cluster, {
      logs: at('logs'),
      environment: (buildId) => ({
        ...environment,
        TITRATE_HOME: at('homes', buildId),
        TITRATE_WORKING_DIRECTORY: at('sources'),
        TITRATE_THREADS_CHEMISTRY: '1',
        TITRATE_THREADS_LEARNING: '1',
      }),
      variationOf: (buildId) =>
        broken.has(buildId) ? { TITRATE_WORKING_DIRECTORY: at('nothing-mounted-here') } : {},
    });
    closing.push(nodes.close);

    const settings = {
      environment: {
        ...environment,
        KUBECONFIG: pipelineKubeconfig(cluster, at('kubeconfig')),
        CRANE: registry.crane,
        npm_config_registry: audit.url,
      },
      'build-image': { engine: 'layers' },
      scan: { 'packages-only': true },
      sign: { engine: 'key', key: at('key.pem') },
      verify: { engine: 'key', key: at('key.pub') },
      'terraform-plan': { directory: at('infrastructure'), 'var-file': at('image.tfvars') },
      prepare: { part: 'temporal' },
      'ramp-workers': {
        'watch-seconds': 1,
        'workers-within-seconds': 120,
        'smoke-uri': 'pool.csv',
        'smoke-within-seconds': 240,
      },
    };

    /** @returns {Promise<{buildId: string, code: number, verdict: object | null, image: object | null, said: string}>} */
    async function deliver(
      buildId,
      { isBroken = false, smokeAt = '0', skip = ['test'], more = {}, args = [] } = {},
    ) {
      if (isBroken) broken.add(buildId);
      const folder = at('deliveries', buildId);
      fs.writeFileSync(at('image.tfvars'), `image = "${buildId}"\n`);
      const whole = {
        ...settings,
        ...more,
        'ramp-workers': { ...settings['ramp-workers'], 'smoke-at': smokeAt },
      };
      fs.writeFileSync(at('settings.yaml'), YAML.stringify(whole));
      const child = spawn(
        process.execPath,
        [
          ...[
            path.join(__dirname, 'run.cjs'),
            'program',
            '--build',
            buildId,
            '--repository',
            `${registry.address}/titrate`,
          ],
          ...['--settings', at('settings.yaml'), '--folder', folder, '--approve', os.userInfo().username],
          ...skip.flatMap((step) => ['--skip', step]),
          ...args,
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let said = '';
      child.stderr.on('data', (data) => {
        said += data;
        process.stderr.write(data);
      });
      const [code] = await once(child, 'close');
      const read = (name) =>
        fs.existsSync(path.join(folder, name))
          ? JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'))
          : null;
      return {
        buildId,
        code,
        verdict: read('verdict.json'),
        image: read('image.json'),
        plan: read('plan.json'),
        folder,
        said,
      };
    }

    /** The model pipeline, on the gates alone: the first model of a campaign has nothing to be compared with. */
    async function deliverModel(model, buildId) {
      const folder = at('deliveries', model.replace('/', '-'));
      const whole = {
        environment: { ...settings.environment, TITRATE_HOME: at('homes', buildId) },
        'deploy-model': { model, steps: 'none', by: 'local pipeline' },
      };
      fs.writeFileSync(at('model.yaml'), YAML.stringify(whole));
      const runner = path.join(__dirname, 'run.cjs');
      const args = [runner, 'model', '--settings', at('model.yaml'), '--folder', folder];
      closing.push(await startInference({ ...process.env, ...whole.environment }, at('logs')));
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = await once(child, 'close');
      const file = path.join(folder, 'model-verdict.json');
      return { model, code, verdict: fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null };
    }
    return { deliver, deliverModel, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function main(kinds) {
  const wrong = kinds.find((kind) => !['good', 'broken'].includes(kind));
  if (wrong) {
    process.stderr.write(
      `local: '${wrong}': good or broken\nusage: node infra/ci/local.cjs [good|broken ...]\n`,
    );
    return 2;
  }
  execFileSync(process.execPath, [path.join(root, 'scripts/build.cjs')], { stdio: ['ignore', 2, 2] });
  const local = await startLocalDelivery();
  try {
    const deliveries = [];
    for (const [i, kind] of kinds.entries()) {
      // A broken one is let through the first smoke campaign, so that there is a ramp to take back.
      const smokeAt = kind === 'broken' && i > 0 ? '10' : '0';
      const { buildId, code, verdict } = await local.deliver(`local-${i + 1}`, {
        isBroken: kind === 'broken',
        smokeAt,
      });
      deliveries.push({ kind, buildId, code, verdict, asExpected: (code === 0) === (kind === 'good') });
      // The model that the first smoke campaign trained: whatever its gates say, the pipeline passes it on.
      const model = verdict?.steps[0]?.smoke?.match(/\S+$/)?.[0];
      if (kind === 'good' && i === 0 && model) {
        const rollout = await local.deliverModel(model, buildId);
        const deployed = rollout.verdict?.status === 'deployed';
        deliveries.push({
          kind: 'model',
          ...rollout,
          asExpected: rollout.verdict !== null && (rollout.code === 0) === deployed,
        });
      }
    }
    process.stdout.write(`${JSON.stringify(deliveries, null, 2)}\n`);
    return deliveries.every(({ asExpected }) => asExpected) ? 0 : 1;
  } finally {
    await local.close();
  }
}

module.exports = { startLocalDelivery };
if (require.main === module) {
  const kinds = process.argv.slice(2);
  main(kinds.length ? kinds : ['good', 'broken']).then(
    (code) => process.exit(code),
    (error) => {
      process.stderr.write(`local: ${error.message}\n`);
      process.exit(1);
    },
  );
}
