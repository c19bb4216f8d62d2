#!/usr/bin/env node
/**
 * Removes from node_modules what no image ever runs, and gives every file one time, so that the same sources make the same layer:
 *   node infra/docker/slim-modules.cjs FOLDER…
 * Gone are type declarations, source maps, bundles for browsers, and Temporal's core for other platforms. Licences stay.
 */
const fs = require('node:fs');
const path = require('node:path');

const NEVER_RUN = /(\.d\.[cm]?ts|\.map|\.tsbuildinfo|\.min\.js\.html)$/;
/** TensorFlow.js has everything five times more, for browsers; Node loads the file that `main` names. */
const FOR_BROWSERS =
  /^@tensorflow\/tfjs(-core|-layers|-converter|-data|-backend-(cpu|webgl|wasm))?\/dist\/(tf|tf-[a-z-]+)\.(es2017|fesm)(\.min)?\.js$/;
const CORE_RELEASE = /^@temporalio\/core-bridge\/releases\/[^/]+$/;

/** Rust's name of the platform that the image is for. */
function platform() {
  const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return `${arch}-unknown-linux-gnu`;
}

/** Whether an entry, by its path inside node_modules, is never run. */
function isSuperfluous(name, entry) {
  if (entry.isDirectory()) return CORE_RELEASE.test(name) && path.basename(name) !== platform();
  return NEVER_RUN.test(name) || FOR_BROWSERS.test(name);
}

function slim(folder, at = '') {
  let bytes = 0;
  for (const entry of fs.readdirSync(path.join(folder, at), { withFileTypes: true })) {
    const name = path.posix.join(at, entry.name);
    const full = path.join(folder, name);
    // A package inside a package is one as well.
    const inside = name.split('node_modules/').at(-1);
    if (isSuperfluous(inside, entry)) {
      bytes += sizeOf(full);
      fs.rmSync(full, { recursive: true });
    } else if (entry.isDirectory()) bytes += slim(folder, name);
  }
  return bytes;
}

function sizeOf(full) {
  const stat = fs.lstatSync(full);
  if (!stat.isDirectory()) return stat.size;
  return fs.readdirSync(full).reduce((sum, name) => sum + sizeOf(path.join(full, name)), 0);
}

/** One time for everything, seconds since 1970. */
function settleTimes(full, seconds) {
  if (fs.lstatSync(full).isDirectory())
    for (const name of fs.readdirSync(full)) settleTimes(path.join(full, name), seconds);
  fs.lutimesSync(full, seconds, seconds);
}

function main(folders) {
  if (folders.length === 0) {
    process.stderr.write('usage: slim-modules.cjs FOLDER…\n');
    return 2;
  }
  const seconds = Number(process.env.SOURCE_DATE_EPOCH || 0);
  for (const folder of folders) {
    if (path.basename(folder) === 'node_modules') {
      const megabytes = slim(folder) / 1e6;
      process.stdout.write(`slim-modules: ${folder}: ${megabytes.toFixed(0)} MB removed\n`);
    }
    settleTimes(folder, seconds);
  }
  return 0;
}

module.exports = { isSuperfluous, slim };
if (require.main === module) process.exitCode = main(process.argv.slice(2));
