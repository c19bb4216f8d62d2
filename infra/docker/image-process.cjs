/** Processes of an image, run as an orchestrator runs them, for try-images.cjs. */
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');

const WELL_WITHIN_MS = 90_000;
const ENDED_WITHIN_MS = 30_000;

/** The mounts of a pod with a read-only file system, then the process as user 1000. $1: the image's files; $2: its folder; then the command. */
const SCRIPT = `
set -e
cd "$1"
mkdir -p tmp data proc dev
mount --bind . .
cd "$1"
mount -o remount,ro,bind .
mount -t tmpfs -o mode=1777 none tmp
mount -t tmpfs -o mode=1777 none data
mount -t proc none proc
mount --bind /dev dev
shift
exec chroot --userspec=1000:1000 "$PWD" /bin/sh -c 'cd "$1"; shift; exec "$@"' sh "$@"
`;

/** Starts a command in an image: as user 1000, with /tmp and /data as the only places it can write to. */
function start({ rootfs, config }, command, env = {}) {
  const image = Object.fromEntries(config.Env.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  const args = ['--mount', '--fork', '--kill-child', 'sh', '-c', SCRIPT, 'sh'];
  const child = spawn('unshare', [...args, rootfs, config.WorkingDir || '/', ...command], {
    env: { ...image, HOME: '/tmp', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  child.stdin.on('error', () => {});
  child.stdin.end();
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  return { child, said: () => said, ended };
}

/** Waits until `look` says that it is well. @throws Error with what the process has said */
async function untilWell(name, look, said) {
  for (const deadline = Date.now() + WELL_WITHIN_MS; ; await sleep(500)) {
    if (await look().catch(() => false)) return;
    if (Date.now() > deadline)
      throw new Error(`${name} is not well after ${WELL_WITHIN_MS / 1000} s\n${said().slice(-2000)}`);
  }
}

/** Ends a process as an orchestrator does. @returns its exit code */
async function stop({ child, ended }) {
  // unshare's child is the process itself: sh and chroot have become it.
  const pid = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  process.kill(Number(pid), 'SIGTERM');
  const late = `not ended after ${ENDED_WITHIN_MS / 1000} s`;
  return Promise.race([ended, sleep(ENDED_WITHIN_MS, late, { ref: false })]);
}

module.exports = { start, stop, untilWell };
