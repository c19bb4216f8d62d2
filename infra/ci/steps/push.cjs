/** Step `push`: puts the image into the registry, and takes down by which digest it is known from now on. */
const { crane } = require('../lib/crane.cjs');
const { defineStep, requireBuildId } = require('../lib/step.cjs');

/** What the Dockerfile says of the image, for one that was made without it. */
const CONFIG = [
  ...['--user', '1000', '--workdir', '/app', '--cmd', 'node,--enable-source-maps,dist/workers/all.js'],
  ...[
    '--env',
    'NODE_ENV=production',
    '--env',
    'TITRATE_HOME=/data',
    '--env',
    'TITRATE_WORKING_DIRECTORY=/work',
  ],
];

defineStep(module, {
  name: 'push',
  what: 'puts the image into the registry',
  options: {
    repository: {
      type: 'string',
      value: 'HOST/PATH',
      required: true,
      what: 'where images go; the name of the image is added',
    },
    build: {
      type: 'string',
      value: 'BUILD_ID',
      required: true,
      what: 'the tag, and the build id of the workers',
    },
  },
  async run({ values, run, folder, dryRun }) {
    const buildId = requireBuildId(values.build);
    const { image, engine, file, revision, dirty } =
      dryRun && !folder.has('build.json')
        ? { image: 'worker', engine: 'docker', file: folder.at('worker.tar') }
        : folder.read('build.json', 'build-image');
    const repository = `${values.repository}/${image}`;
    const tag = `${repository}:${buildId}`;
    crane(run, ['push', file, tag]);
    if (engine === 'layers')
      crane(run, [
        'mutate',
        tag,
        '--tag',
        tag,
        '--label',
        `org.opencontainers.image.revision=${revision}`,
        ...CONFIG,
      ]);
    const digest = crane(run, ['digest', tag]).stdout.trim();
    const pushed = {
      image,
      buildId,
      repository,
      digest,
      reference: `${repository}@${digest}`,
      revision,
      dirty,
    };
    if (!dryRun) folder.write('image.json', pushed);
    return pushed;
  },
});
