/** Step `smoke-campaign`: a small campaign with a laboratory that answers at once, alone. */
const { defineStep, delivery, requireBuildId } = require('../lib/step.cjs');
const { POOL_OPTIONS, poolOf } = require('../lib/smoke.cjs');

defineStep(module, {
  name: 'smoke-campaign',
  what: 'runs a small campaign and judges what came of it',
  options: {
    build: { type: 'string', value: 'BUILD_ID', what: 'run it there; default: wherever the server sends it' },
    ...POOL_OPTIONS,
  },
  async run({ values, dryRun, say, signal }) {
    const buildId = values.build && requireBuildId(values.build);
    if (dryRun) return void say(`would run a smoke campaign on ${buildId ?? 'the current workers'}`);
    const verdict = await delivery().smokeCampaign({ say, signal }, { ...poolOf(values), buildId });
    say(verdict.message);
    return verdict.passed ? verdict : { ...verdict, failed: true };
  },
});
