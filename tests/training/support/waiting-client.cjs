/** A process that waits for a training job, to be killed: `node waiting-client.cjs STORE OPTIONS WORK`. Runs the build in dist/. */
const { createFileObjectStore, createStepCache } = require('../../../dist/src/objects');
const { createVertexTraining } = require('../../../dist/src/training');

const [, , store, options, work] = process.argv;
const objects = createFileObjectStore(store);
const training = createVertexTraining({ ...JSON.parse(options), objects, steps: createStepCache(objects) });
training
  .run({ ...JSON.parse(work), onProgress: ({ state }) => process.stdout.write(`${state}\n`) })
  .then(() => training.close());
