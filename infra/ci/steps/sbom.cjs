/** Step `sbom`: what the image is made of, as CycloneDX: its npm packages from the lock file, or everything in it as trivy finds it. */
const fs = require('node:fs');
const path = require('node:path');
const { defineStep, root, StepFailure, WrongUse } = require('../lib/step.cjs');

/** Packages of the lock file that are installed without development: what the Dockerfile's `npm ci --omit=dev` installs. */
function lockedPackages() {
  const { packages } = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([at, entry]) => at !== '' && !entry.dev && !entry.link)
    .map(([at, { name, version }]) => `${name ?? at.slice(at.lastIndexOf('node_modules/') + 13)}@${version}`);
}

/** @throws StepFailure when a package that is installed would not be listed */
function ofLockFile(run) {
  // `--omit dev` would leave out what is a development package of ours and, through another one, a package of the image.
  const { stdout } = run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
    always: true,
    remedy: 'npm 10.2 or later has it',
  });
  const bom = JSON.parse(stdout);
  const installed = new Set(lockedPackages());
  const named = ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`;
  const components = bom.components.filter((one) => installed.has(named(one)));
  const listed = new Set(components.map(named));
  const missing = [...installed].filter((name) => !listed.has(name));
  if (missing.length)
    throw new StepFailure(`the list lacks ${missing.slice(0, 5).join(', ')} (${missing.length} in all)`);
  const refs = new Set([bom.metadata.component?.['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  return { ...bom, components, dependencies };
}

function ofImage(run, folder, dryRun) {
  const { file } = dryRun ? { file: folder.at('worker.tar') } : folder.read('build.json', 'build-image');
  const { stdout } = run('trivy', ['image', '--input', file, '--format', 'cyclonedx', '--quiet'], {
    remedy: 'https://trivy.dev',
  });
  return JSON.parse(stdout || '{}');
}

defineStep(module, {
  name: 'sbom',
  what: 'lists what the image is made of (CycloneDX)',
  options: {
    engine: {
      type: 'string',
      value: 'lock|trivy',
      default: 'lock',
      what: 'lock: npm packages. trivy: also those of the system and of Python',
    },
  },
  async run({ values: { engine }, run, folder, dryRun }) {
    if (!['lock', 'trivy'].includes(engine)) throw new WrongUse(`--engine '${engine}': lock or trivy`);
    const bom = engine === 'lock' ? ofLockFile(run) : ofImage(run, folder, dryRun);
    folder.write('sbom.cdx.json', bom);
    return { file: folder.at('sbom.cdx.json'), engine, components: bom.components?.length ?? 0 };
  },
});
