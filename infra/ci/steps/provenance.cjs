/** Step `provenance`: from what, by what and where the image was built (SLSA 1.0). */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { defineStep, root } = require('../lib/step.cjs');

const sha256 = (file) =>
  createHash('sha256')
    .update(fs.readFileSync(path.join(root, file)))
    .digest('hex');

/** https://slsa.dev/spec/v1.0/provenance */
function predicate(build, env) {
  const {
    GITHUB_SERVER_URL: server,
    GITHUB_REPOSITORY: repository,
    GITHUB_RUN_ID: runId,
    GITHUB_WORKFLOW_REF: workflow,
  } = env;
  const source = repository ? `git+${server}/${repository}` : 'git+file:///';
  return {
    buildDefinition: {
      buildType: 'https://titrate.dev/delivery/v1',
      externalParameters: {
        image: build.image,
        dockerfile: build.dockerfile,
        engine: build.engine,
        uncommittedChanges: build.dirty,
      },
      resolvedDependencies: [
        { uri: source, digest: { gitCommit: build.revision } },
        { uri: 'package-lock.json', digest: { sha256: sha256('package-lock.json') } },
        { uri: build.dockerfile, digest: { sha256: sha256(build.dockerfile) } },
      ],
    },
    runDetails: {
      builder: { id: workflow ? `${server}/${workflow}` : 'https://titrate.dev/delivery/local' },
      metadata: {
        invocationId: runId ? `${server}/${repository}/actions/runs/${runId}` : `local/${build.revision}`,
      },
    },
  };
}

defineStep(module, {
  name: 'provenance',
  what: 'says from what and by what the image was built (SLSA 1.0)',
  options: {},
  async run({ folder }) {
    const build = folder.read('build.json', 'build-image');
    folder.write('provenance.json', predicate(build, process.env));
    return { file: folder.at('provenance.json'), revision: build.revision };
  },
});
