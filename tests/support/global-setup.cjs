const { build } = require('../../scripts/build.cjs');

/** Worker threads and child processes run compiled code, so a test run starts from a fresh build. */
module.exports = async () => {
  await build({ quiet: true });
};
