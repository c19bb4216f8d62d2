/**
 * A process with the object store in a bucket: ingests a file, featurises every shard by the real activity, reads the features
 * back, and says how many molecules RDKit was asked for.
 * Arguments: folder of the build, endpoint, bucket, home directory, file.
 */
const { createHash } = require('node:crypto');
const path = require('node:path');
const { MockActivityEnvironment } = require('@temporalio/testing');

async function main([build, endpoint, bucket, home, file]) {
  const { createFeaturizationActivities } = require(path.join(build, 'activities/featurization'));
  const { featurizerSchema, moleculeCapsSchema, standardisationSchema } = require(
    path.join(build, 'src/contracts'),
  );
  const { openPorts } = require(path.join(build, 'src/platform/composition'));
  const { loadSettings } = require(path.join(build, 'src/platform/settings'));
  const { createInlineProcessor } = require(path.join(build, 'src/processing'));

  const settings = loadSettings(
    { home, objects: { store: 'gcs', bucket, endpoint }, threads: { chemistry: 1, learning: 1 } },
    {},
  );
  const ports = openPorts(settings);
  const asked = { standardised: 0, featurised: 0 };
  const rdkit = ports.chemistry();
  const chemistry = {
    version: () => rdkit.version(),
    standardise: (inputs, ...how) => (
      (asked.standardised += inputs.length),
      rdkit.standardise(inputs, ...how)
    ),
    featurise: (molecules, spec) => (
      (asked.featurised += molecules.length),
      rdkit.featurise(molecules, spec)
    ),
  };
  const { objects, steps, datasets } = ports;
  const processor = createInlineProcessor({ objects, steps, chemistry });
  const { featuriseShard } = createFeaturizationActivities({ ...ports, chemistry, processor });

  const landed = await ports.landing().land({ uri: file });
  const how = { caps: moleculeCapsSchema.parse({}), standardisation: standardisationSchema.parse({}) };
  const { value: source } = await processor.standardise({ landed, ...how });
  const by = { author: 'test', reason: 'test' };
  const { version } = await datasets.commit({ dataset: 'pool', sources: [source], onto: 'nothing', ...by });
  const shards = await objects.put(Buffer.from(JSON.stringify(version.shards)), 'application/json');
  const featurizer = featurizerSchema.parse({ kind: 'morgan', radius: 3, bits: 1024, counts: 'simulated' });
  const digest = createHash('sha256');
  for (let index = 0; index < version.shards.length; index++) {
    const { value } = await new MockActivityEnvironment().run(featuriseShard, { shards, index, featurizer });
    digest.update(await objects.get(value.features));
  }
  process.stdout.write(JSON.stringify({ ...asked, version: version.id, features: digest.digest('hex') }));
  await ports.close();
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error) => {
    process.stderr.write(String(error.stack));
    process.exit(1);
  },
);
