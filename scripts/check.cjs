#!/usr/bin/env node
/** `npm run check`: format, lint, types, boundaries, published schemas. Runs all of them and fails if one fails. */
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { build } = require('./build.cjs');

const root = path.resolve(__dirname, '..');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

const CHECKS = [
  { name: 'format', command: bin('prettier'), args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'lint', command: bin('eslint'), args: ['.', '--max-warnings', '0'] },
  { name: 'types', command: bin('tsc'), args: ['--noEmit', '-p', '.'] },
  {
    name: 'boundaries',
    command: bin('depcruise'),
    args: ['src', 'activities', 'workflows', 'workers', 'scripts', '--config', '.dependency-cruiser.cjs'],
  },
  { name: 'schemas', command: process.execPath, args: ['dist/scripts/schemas.js', '--check'] },
  { name: 'topology', command: process.execPath, args: ['dist/scripts/topology.js', '--check'] },
  { name: 'dashboards', command: process.execPath, args: ['dist/scripts/dashboards.js', '--check'] },
  { name: 'tables', command: process.execPath, args: ['dist/scripts/warehouse-tables.js', '--check'] },
];

/** @returns {Promise<string[]>} names of the checks that failed. */
async function check() {
  await build({ quiet: true });
  const failed = [];
  for (const { name, command, args } of CHECKS) {
    const started = process.hrtime.bigint();
    const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const ok = status === 0;
    process.stderr.write(
      `check: ${name} ${ok ? 'ok' : `FAILED${error ? ` (${error.message})` : ''}`} (${seconds.toFixed(1)} s)\n`,
    );
    if (!ok) failed.push(name);
  }
  return failed;
}

module.exports = { check };
if (require.main === module) {
  check()
    .then((failed) => process.exit(failed.length ? 1 : 0))
    .catch((error) => {
      process.stderr.write(`check: ${error.message}\n`);
      process.exit(1);
    });
}
