/** Step `build-image`: an image as one file, not yet in any registry. */
const fs = require('node:fs');
const path = require('node:path');
const { crane } = require('../lib/crane.cjs');
const { defineStep, root, StepFailure, WrongUse } = require('../lib/step.cjs');

const DOCKERFILES = {
  worker: 'infra/docker/worker.Dockerfile',
  training: 'infra/docker/training.Dockerfile',
  dataflow: 'infra/dataflow/Dockerfile',
};

/** Whatever is built from one commit has one time. */
function sourceDate(run) {
  return run('git', ['log', '-1', '--format=%ct'], { always: true }).stdout.trim();
}

/** By the Dockerfile, with buildx. */
function byDocker({ run, image, target, revision, date }) {
  run(
    'docker',
    [
      ...['buildx', 'build', '--file', DOCKERFILES[image], '--platform', 'linux/amd64'],
      ...['--provenance=false', '--label', `org.opencontainers.image.revision=${revision}`],
      ...['--output', `type=docker,dest=${target},rewrite-timestamp=true`, '.'],
    ],
    {
      env: { SOURCE_DATE_EPOCH: date },
      remedy: 'Docker with buildx; or --engine layers, for trying a pipeline out',
    },
  );
}

/**
 * Without Docker and without a registry of base images: the program alone, as one layer on nothing. It shows what happens to an image
 * on its way; it does not run by itself, since Node and the packages are not in it.
 */
function byLayers({ run, image, target, date, folder }) {
  if (image !== 'worker') throw new WrongUse(`--engine layers makes the image 'worker' only`);
  if (!fs.existsSync(path.join(root, 'dist/.build.json')))
    throw new StepFailure('the program has not been built', 'Run: npm run build');
  const layer = folder.at('layer.tar');
  run('tar', [
    ...['--create', '--file', layer, '--directory', root, '--sort=name', `--mtime=@${date}`],
    ...[
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--transform=s,^,app/,',
      '--exclude=*.map',
      '--exclude=dist/tests',
    ],
    ...[
      'dist/src',
      'dist/workers',
      'dist/workflows',
      'dist/activities',
      'dist/scripts',
      'dist/workflow-bundle.js',
    ],
    ...['package.json', 'package-lock.json', 'scripts/temporal-cli.cjs'],
  ]);
  crane(run, [
    'append',
    '--oci-empty-base',
    '--new_layer',
    layer,
    '--new_tag',
    `titrate/${image}`,
    '--output',
    target,
  ]);
}

defineStep(module, {
  name: 'build-image',
  what: 'builds one image as a file',
  options: {
    image: { type: 'string', value: 'NAME', default: 'worker', what: Object.keys(DOCKERFILES).join(', ') },
    engine: {
      type: 'string',
      value: 'docker|layers',
      default: 'docker',
      what: 'docker: by the Dockerfile. layers: the program alone',
    },
  },
  async run({ values: { image, engine }, run, folder, dryRun, say }) {
    if (!DOCKERFILES[image])
      throw new WrongUse(`--image '${image}': there are ${Object.keys(DOCKERFILES).join(', ')}`);
    if (!['docker', 'layers'].includes(engine)) throw new WrongUse(`--engine '${engine}': docker or layers`);
    fs.mkdirSync(path.dirname(folder.at('x')), { recursive: true });
    const target = folder.at(`${image}.tar`);
    const revision = run('git', ['rev-parse', 'HEAD'], { always: true }).stdout.trim();
    const dirty = run('git', ['status', '--porcelain'], { always: true }).stdout.trim() !== '';
    if (dirty) say('there are changes that no commit has: provenance will say so');
    const parts = { run, image, target, revision, date: sourceDate(run), folder };
    if (engine === 'docker') byDocker(parts);
    else byLayers(parts);
    const built = { image, engine, revision, dirty, dockerfile: DOCKERFILES[image], file: target };
    if (!dryRun) folder.write('build.json', built);
    return built;
  },
});
