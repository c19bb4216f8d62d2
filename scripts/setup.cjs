#!/usr/bin/env node
/**
 * Makes a checkout ready to run: packages, the Temporal CLI, the build. Does only what is missing; a second run takes a second.
 * Plain Node without dependencies.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ensureTemporalCli } = require('./temporal-cli.cjs');

const root = path.resolve(__dirname, '..');
const OLDEST_NODE = [20, 20];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Error(
    `Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed. See https://nodejs.org/en/download`,
  );
}

/**
 * Why node_modules does not hold what package-lock.json says, or null. Compares contents, not file times, which a checkout or a
 * copied cache turns upside down. Optional packages may be absent: they do not exist for every platform.
 */
function packagesMissing() {
  let installed;
  try {
    installed = JSON.parse(
      fs.readFileSync(path.join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ).packages;
  } catch {
    return 'node_modules is not there';
  }
  const locked = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  for (const [place, wanted] of Object.entries(locked)) {
    if (place === '') continue;
    const found = installed[place];
    if (!found && (wanted.optional || wanted.devOptional || wanted.peer)) continue;
    if (found?.version !== wanted.version) {
      return `${place} is ${found ? found.version : 'absent'}, package-lock.json says ${wanted.version}`;
    }
  }
  return null;
}

function installPackages(say) {
  const reason = packagesMissing();
  if (!reason) return;
  say(`setup: npm ci (${reason})`);
  // npm prints what it did on stdout, which belongs to the results of the command that is being set up.
  const result = spawnSync('npm', ['ci', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0)
    throw new Error(
      `npm ci failed (exit ${result.status ?? result.error?.message}). Mend what it said above and try again.`,
    );
}

function hasNvidiaGpu() {
  return process.platform === 'linux' && spawnSync('nvidia-smi', ['-L'], { timeout: 20_000 }).status === 0;
}

/**
 * The GPU build of TensorFlow is a download of several hundred MB, so package.json denies its install script and it is
 * fetched here, only where there is a GPU to run it on. A failure costs speed, not the set-up.
 */
function installGpuBackend(say) {
  const folder = path.join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
  const marker = path.join(folder, '.titrate-tried');
  if (
    !fs.existsSync(folder) ||
    fs.existsSync(path.join(folder, 'deps', 'lib')) ||
    fs.existsSync(marker) ||
    !hasNvidiaGpu()
  )
    return;
  say('setup: fetching TensorFlow for the GPU');
  const { status } = spawnSync(process.execPath, ['scripts/install.js', 'gpu', 'download'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  fs.writeFileSync(marker, `${new Date().toISOString()} exit ${status}\n`);
  if (status !== 0)
    say(
      `setup: no GPU build of TensorFlow (exit ${status}); delete ${path.relative(root, marker)} to try again`,
    );
}

/** In a process of its own: the bundler's memory is given back before anything runs. */
function buildApart() {
  const { status } = spawnSync(process.execPath, [path.join(__dirname, 'build.cjs')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('The build failed. Mend what it said above and try again.');
}

/**
 * @param {{ say?: (line: string) => void, temporal?: boolean }} options `temporal: false` leaves the Temporal CLI out.
 * @returns {Promise<{ temporalCli: string | null }>}
 */
async function setup({ say = (line) => process.stderr.write(`${line}\n`), temporal = true } = {}) {
  checkNode();
  installPackages(say);
  installGpuBackend(say);
  const found = temporal ? ensureTemporalCli(say) : null;
  buildApart();
  return { temporalCli: found?.path ?? null };
}

module.exports = { setup, packagesMissing };
if (require.main === module) {
  setup()
    .then(({ temporalCli }) => process.stderr.write(`setup: ready (Temporal CLI: ${temporalCli})\n`))
    .catch((error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
}
