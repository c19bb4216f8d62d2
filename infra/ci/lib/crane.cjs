/** crane, Google's client of registries: CRANE names one, else the PATH, else .titrate/tools has one that `go install` built. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { root, StepFailure } = require('./step.cjs');

const VERSION = 'v0.22.1';
const MODULE = `github.com/google/go-containerregistry/cmd/crane@${VERSION}`;
const tools = path.join(root, '.titrate', 'tools', 'delivery');

const runs = (file) => spawnSync(file, ['version'], { encoding: 'utf8' }).status === 0;

/** @returns {string | null} */
function findCrane() {
  if (process.env.CRANE) return process.env.CRANE;
  const built = path.join(tools, 'crane');
  if (fs.existsSync(built)) return built;
  return runs('crane') ? 'crane' : null;
}

/** Builds it from the Go module of that version, whose hash Go checks. @throws StepFailure without Go */
function installCrane(say = () => {}) {
  const found = findCrane();
  if (found) return found;
  say(`building ${MODULE}`);
  const { status, stderr, error } = spawnSync('go', ['install', MODULE], {
    encoding: 'utf8',
    env: { ...process.env, GOBIN: tools, GOFLAGS: '' },
  });
  if (error || status !== 0)
    throw new StepFailure(
      `crane could not be built: ${error?.message ?? stderr.trim()}`,
      `Install crane ${VERSION}, or Go`,
    );
  return path.join(tools, 'crane');
}

/** Runs it as a step runs programs. */
function crane(run, args, options = {}) {
  const file = findCrane();
  if (!file) throw new StepFailure('there is no crane here', `go install ${MODULE}, or name one by CRANE`);
  return run(file, args, options);
}

module.exports = { crane, findCrane, installCrane };
if (require.main === module) {
  try {
    process.stdout.write(`${installCrane((line) => process.stderr.write(`${line}\n`))}\n`);
  } catch (error) {
    process.stderr.write(`crane: ${error.message}\n`);
    process.exit(1);
  }
}
