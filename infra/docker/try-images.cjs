#!/usr/bin/env node
/**
 * Builds the images without a GPU where no registry of images can be reached, by their own Dockerfiles, and starts what is in them:
 *   npm run images:try -- [worker] [dataflow] [stand-ins] [--keep FOLDER] [--reuse]
 * --keep leaves what is built in a folder; with --reuse an image that is there is not built again.
 * The bases are made here under the names that the Dockerfiles give: Debian's packages by mmdebstrap, Node and npm from npm, Beam from
 * PyPI. buildah runs every step of the Dockerfile. Then each process runs from the image as user 1000 on a read-only file
 * system, the workers with a Temporal server beside them, until its health check says that it is well; and ends on SIGTERM.
 * Needs Linux, root, buildah and mmdebstrap (Debian has both), and the registries of Debian, npm and PyPI.
 */
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Store, basesOf, makeBase, run, say } = require('./image-bases.cjs');
const { start, stop, untilWell } = require('./image-process.cjs');

const root = path.resolve(__dirname, '..', '..');
const QUEUES = ['orchestration', 'featurization', 'gpu', 'warehouse', 'deploy'];
/** High ones where they can be chosen: other programs may be at the usual ones. */
const PORTS = { temporal: 27233, metrics: 29464, inference: 28090, objects: 4443, warehouse: 9050 };

const IMAGES = {
  worker: { dockerfile: 'infra/docker/worker.Dockerfile', tryOut: tryWorkers },
  dataflow: { dockerfile: 'infra/dataflow/Dockerfile', tryOut: tryDataflow },
  'stand-ins': { dockerfile: 'infra/compose/stand-ins/Dockerfile', tryOut: tryStandIns },
};

/** What this machine lacks for it; null when it has all. */
function lacks() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return 'Linux and root are needed';
  const missing = ['buildah', 'mmdebstrap', 'unshare', 'chroot'].filter(
    (program) => spawnSync('which', [program]).status !== 0,
  );
  return missing.length ? `not installed: ${missing.join(', ')}` : null;
}

function build(store, name, tag, reuse) {
  const dockerfile = path.join(root, IMAGES[name].dockerfile);
  const started = Date.now();
  if (!reuse || !store.has(tag.split('/').at(-1))) {
    for (const base of basesOf(dockerfile)) makeBase(store, base);
    say(`building ${name} by ${IMAGES[name].dockerfile}`);
    const how = ['--pull-never', '--no-cache', '--timestamp', '0'];
    const what = ['--ignorefile', `${dockerfile}.dockerignore`, '-f', dockerfile, '-t', tag, root];
    store.buildah(['build', ...how, ...what], { stdio: ['ignore', 'pipe', 'pipe'] });
  }
  const { config } = JSON.parse(store.buildah(['inspect', '--type', 'image', tag])).OCIv1;
  return { seconds: Math.round((Date.now() - started) / 1000), config };
}

const answers = (url) => fetch(url).then((response) => response.ok);

async function ends(image, command, env) {
  const process = start(image, command, env);
  return { code: await process.ended, said: process.said() };
}

async function tryWorkers(image) {
  const { ensureTemporalCli } = require(path.join(root, 'scripts', 'temporal-cli.cjs'));
  const cli = await ensureTemporalCli({ say });
  const serve = [
    'server',
    'start-dev',
    '--headless',
    '--port',
    String(PORTS.temporal),
    '--log-level',
    'never',
  ];
  const server = spawn(cli.path, serve, { stdio: 'ignore' });
  const env = {
    TITRATE_TEMPORAL_HOST: '127.0.0.1',
    TITRATE_TEMPORAL_PORT: String(PORTS.temporal),
    TITRATE_INFERENCE_PORT: String(PORTS.inference),
  };
  const node = (entry, more) => start(image, ['node', '--enable-source-maps', entry], { ...env, ...more });
  const running = [];
  try {
    for (const [nth, name] of QUEUES.entries()) {
      const port = PORTS.metrics + nth;
      const worker = node(`dist/workers/${name}.js`, { TITRATE_METRICS_PORT: String(port) });
      const health = ['node', 'dist/scripts/worker-health.js', name];
      const well = async () =>
        (await ends(image, health, env)).code === 0 && answers(`http://127.0.0.1:${port}/metrics`);
      running.push({ name, well, ...worker });
    }
    const ready = `http://127.0.0.1:${PORTS.inference}/v2/health/ready`;
    running.push({ name: 'inference', well: () => answers(ready), ...node('dist/workers/inference.js') });
    for (const { name, well, said } of running) {
      await untilWell(name, well, said);
      say(`${name} is well`);
    }
    const { said } = await ends(image, ['sh', '-c', 'id -u; touch /app/x 2>&1 || true']);
    if (!/^1000\n.*Read-only file system/.test(said)) throw new Error(`not as it should be: ${said}`);
    for (const process of running) {
      const code = await stop(process);
      if (code !== 0)
        throw new Error(`${process.name} ended with ${code} on SIGTERM\n${process.said().slice(-2000)}`);
    }
    say('all ended with 0 on SIGTERM');
  } finally {
    for (const { child } of running) child.kill('SIGKILL');
    server.kill('SIGKILL');
  }
}

async function tryStandIns(image) {
  const [objects, warehouse] = ['objects', 'warehouse'].map((name) =>
    start(image, [...image.config.Entrypoint, name]),
  );
  try {
    const at = (port, place) => () => answers(`http://127.0.0.1:${port}${place}`);
    await untilWell('objects', at(PORTS.objects, '/_internal/healthcheck'), objects.said);
    await untilWell('warehouse', at(PORTS.warehouse, '/bigquery/v2/projects'), warehouse.said);
    say('objects and warehouse are well');
  } finally {
    for (const { child } of [objects, warehouse]) child.kill('SIGKILL');
  }
}

/** The pipeline can be loaded, and the standardiser that its workers start ends by itself when there is nothing to do. */
async function tryDataflow(image) {
  const standardiser = ['node', 'dist/src/processing/standardiser-process.js', '--store', 'file:/data'];
  for (const command of [['python', 'dataflow/pipeline.py', '--help'], standardiser, ['pip', 'check']]) {
    const { code, said } = await ends(image, command);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${said.slice(-2000)}`);
    say(`${command.slice(0, 2).join(' ')} is well`);
  }
}

async function tryOne(store, name, reuse) {
  if (!IMAGES[name])
    throw new Error(`no image is called '${name}'; there are ${Object.keys(IMAGES).join(', ')}`);
  const tag = `localhost/titrate-${name}:try`;
  const { seconds, config } = build(store, name, tag, reuse);
  const container = store.buildah(['from', '--pull-never', tag]);
  try {
    const rootfs = store.buildah(['mount', container]);
    const megabytes = (...at) => Number(run('du', ['-sm', path.join(rootfs, ...at)]).split('\t')[0]);
    const ours = ['app', 'opt/titrate', 'opt/stand-ins'].find((at) => fs.existsSync(path.join(rootfs, at)));
    const sizes = `${megabytes()} MB with its base, /${ours} ${megabytes(ours)} MB`;
    say(`${name}: built in ${seconds} s, ${sizes}, user ${config.User || 'root'}`);
    await IMAGES[name].tryOut({ rootfs, config });
    store.buildah(['umount', container]);
  } finally {
    store.buildah(['rm', container]);
  }
}

async function main(args) {
  const missing = lacks();
  if (missing) throw new Error(missing);
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { keep: { type: 'string' }, reuse: { type: 'boolean' } },
  });
  const folder = values.keep
    ? path.resolve(values.keep)
    : fs.mkdtempSync(path.join(os.tmpdir(), 'titrate-images-'));
  fs.mkdirSync(folder, { recursive: true });
  const store = new Store(folder);
  try {
    for (const name of positionals.length ? positionals : Object.keys(IMAGES))
      await tryOne(store, name, values.reuse ?? false);
  } finally {
    if (!values.keep) fs.rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).catch((error) => {
  say(error.message);
  process.exit(1);
});
