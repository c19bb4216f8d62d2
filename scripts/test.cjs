#!/usr/bin/env node
/**
 * `npm test`: set-up, the Python the tests compare with, the checks, the tests. Arguments go to jest (`npm test -- tests/cli`).
 * Exit code 0 only if every step went well; a failed check does not keep the tests from running.
 */
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { setup } = require('./setup.cjs');

const root = path.resolve(__dirname, '..');
const say = (line) => process.stderr.write(`${line}\n`);

/** Python environments under .titrate/, each with the packages of one requirements file, and the variable that names another one. */
const PYTHONS = [
  {
    folder: 'python',
    file: 'requirements.txt',
    variable: 'TITRATE_TEST_PYTHON',
    what: 'the packages that tests compare with',
  },
  {
    folder: 'cloud',
    file: 'requirements-cloud.txt',
    variable: 'TITRATE_TEST_CLOUD_PYTHON',
    what: 'the servers that stand in for Google Cloud',
  },
  {
    folder: 'beam',
    file: 'requirements-beam.txt',
    variable: 'TITRATE_TEST_BEAM_PYTHON',
    what: 'Apache Beam',
  },
  {
    folder: 'wandb',
    file: 'requirements-wandb.txt',
    variable: 'TITRATE_TEST_WANDB_PYTHON',
    what: "W&B's Python client",
  },
  {
    folder: 'serving',
    file: 'requirements-serving.txt',
    variable: 'TITRATE_TEST_SERVING_PYTHON',
    what: 'a client of the Open Inference Protocol',
  },
  {
    folder: 'kubernetes',
    file: 'requirements-kubernetes.txt',
    variable: 'TITRATE_TEST_KUBERNETES_PYTHON',
    what: "Kubernetes' schemas",
  },
  {
    folder: 'infrastructure',
    file: 'requirements-infrastructure.txt',
    variable: 'TITRATE_TEST_INFRASTRUCTURE_PYTHON',
    what: "checkov, which reads Terraform's files",
  },
];

/**
 * Made once for each content of the requirements file. Where there is no Python the tests that need it are skipped, each with
 * one line; with TITRATE_SKIP_NOTHING that is an error.
 */
function preparePython({ folder: name, file, variable, what }) {
  const give = (reason) => {
    if (process.env.TITRATE_SKIP_NOTHING) throw new Error(`test: ${reason}, and TITRATE_SKIP_NOTHING is set`);
    say(`test: ${reason}: tests that need ${what} will be skipped`);
  };
  if (process.env[variable]) return;
  const requirements = path.join(root, 'tests', 'support', file);
  const folder = path.join(root, '.titrate', name);
  const python = path.join(folder, 'bin', 'python');
  const stamp = path.join(folder, '.requirements.sha256');
  const wanted = createHash('sha256').update(fs.readFileSync(requirements)).digest('hex');
  if (fs.existsSync(python) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return;
  if (spawnSync('python3', ['--version']).status !== 0) return give('no python3 here');
  const run = (command, args) => spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status === 0;
  say(`test: preparing .titrate/${name} with ${what}`);
  if (!fs.existsSync(python) && !run('python3', ['-m', 'venv', folder]))
    return give('python3 -m venv failed');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  if (!run(python, pip)) return give(`pip install of tests/support/${file} failed`);
  fs.writeFileSync(stamp, wanted);
}

/**
 * .titrate/native with a native TensorFlow, for the test that trains on it: where npm's own install step could not fetch one,
 * TITRATE_TFJS_NODE_BUILD names a program that builds it (called with the project's folder and the package's name).
 */
function nativeTensorFlow() {
  const builder = process.env.TITRATE_TFJS_NODE_BUILD;
  const folder = path.join(root, '.titrate', 'native');
  if (!builder || fs.existsSync(path.join(folder, 'node_modules/@tensorflow/tfjs-node/lib'))) return;
  say('test: building a native TensorFlow for the tests');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "name": "native-tensorflow", "private": true }\n');
  const { status } = spawnSync('bash', [builder, folder, 'tfjs-node'], { stdio: ['ignore', 2, 2] });
  if (status !== 0)
    throw new Error(`test: ${builder} failed (exit ${status}); mend it or unset TITRATE_TFJS_NODE_BUILD`);
}

function runJest(args) {
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const result = spawnSync(process.execPath, [jest, ...args], { cwd: root, stdio: 'inherit' });
  return result.status ?? 1;
}

async function main() {
  const args = process.argv.slice(2);
  await setup({ say });
  PYTHONS.forEach(preparePython);
  nativeTensorFlow();
  const failed = await require('./check.cjs').check();
  const status = runJest(args);
  if (failed.length) say(`test: FAILED checks: ${failed.join(', ')}`);
  process.exit(status !== 0 ? status : failed.length ? 1 : 0);
}

main().catch((error) => {
  say(error.message);
  process.exit(1);
});
