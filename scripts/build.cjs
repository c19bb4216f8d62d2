#!/usr/bin/env node
/**
 * Compiles every TypeScript source to dist/ (CommonJS, one file a source) and bundles the workflows.
 * Nothing is rebuilt when nothing changed: dist/.build.json holds the hash of the sources it was made from.
 */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const dist = path.join(root, 'dist');
const sourceFolders = ['src', 'workflows', 'activities', 'workers', 'scripts', 'tests/support'];
const workflowFolders = ['workflows/', 'src/contracts/', 'src/campaign/'];

function sources(folder) {
  const at = path.join(root, folder);
  if (!fs.existsSync(at)) return [];
  return fs
    .readdirSync(at, { withFileTypes: true })
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return sources(name);
      return name.endsWith('.ts') && !name.endsWith('.d.ts') ? [name] : [];
    })
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'scripts/build.cjs', ...files]) {
    hash
      .update(file)
      .update('\0')
      .update(fs.readFileSync(path.join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** What was compiled from a source that is no more must not be found by anybody. */
function removeOrphans(files) {
  const wanted = new Set(files.map((file) => file.replace(/\.ts$/, '.js')));
  for (const folder of sourceFolders) {
    const at = path.join(dist, folder);
    if (!fs.existsSync(at)) continue;
    for (const name of fs.readdirSync(at, { recursive: true })) {
      const compiled = path.posix.join(folder, name.split(path.sep).join('/'));
      if (!compiled.endsWith('.js') || wanted.has(compiled)) continue;
      fs.rmSync(path.join(dist, compiled), { force: true });
      fs.rmSync(path.join(dist, `${compiled}.map`), { force: true });
    }
  }
}

async function build({ quiet = false } = {}) {
  const files = sourceFolders.flatMap(sources);
  const isWorkflow = (file) => workflowFolders.some((folder) => file.startsWith(folder));
  const wanted = { sources: hashOf(files), workflows: hashOf(files.filter(isWorkflow)) };
  const stampFile = path.join(dist, '.build.json');
  let stamp = {};
  try {
    stamp = JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    // no build yet
  }
  if (stamp.sources === wanted.sources && stamp.workflows === wanted.workflows) return;
  const say = (text) => quiet || process.stderr.write(`${text}\n`);

  if (stamp.sources !== wanted.sources) {
    say(`build: compiling ${files.length} files`);
    const esbuild = require('esbuild');
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: files,
      outbase: '.',
      outdir: 'dist',
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      // `await import()` of our own folders resolves as require does, which is what the compiled files are.
      supported: { 'dynamic-import': false },
      sourcemap: true,
      logLevel: 'warning',
    });
    await esbuild.stop();
    removeOrphans(files);
  }
  if (stamp.workflows !== wanted.workflows && fs.existsSync(path.join(root, 'workflows/index.ts'))) {
    say('build: bundling the workflows');
    const { bundleWorkflowCode } = require('@temporalio/worker');
    const logger = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(root, 'workflows/index.ts'),
      workflowInterceptorModules: [path.join(root, 'workflows/interceptors.ts')],
      logger,
    });
    // In one step: a worker may be reading the file of an earlier build.
    const target = path.join(dist, 'workflow-bundle.js');
    fs.writeFileSync(`${target}.new`, code);
    fs.renameSync(`${target}.new`, target);
  }
  fs.writeFileSync(stampFile, JSON.stringify(wanted));
}

module.exports = { build };
if (require.main === module) {
  build().catch((error) => {
    process.stderr.write(`build failed: ${error.message}\n`);
    process.exit(1);
  });
}
