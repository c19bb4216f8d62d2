/** Step `ramp-workers`: smoke campaigns and growing shares of the new workflows; then the build is current, or everything is as before. */
const path = require('node:path');
const { defineStep, delivery, requireBuildId, root, WrongUse } = require('../lib/step.cjs');
const { shares, POOL_OPTIONS, poolOf } = require('../lib/smoke.cjs');

defineStep(module, {
  name: 'ramp-workers',
  what: 'brings a build of the workers to all new workflows by shares, or takes it back',
  options: {
    build: { type: 'string', value: 'BUILD_ID', required: true, what: 'whose workers run already' },
    ramp: {
      type: 'string',
      value: 'SHARES',
      default: '10,50,100',
      what: 'percent of new workflows, one after the other',
    },
    'smoke-at': {
      type: 'string',
      value: 'SHARES',
      default: '0,100',
      what: 'shares with a smoke campaign; 0: before anybody else',
    },
    'watch-seconds': { type: 'string', value: 'N', default: '300', what: 'at each share at least' },
    'workers-within-seconds': {
      type: 'string',
      value: 'N',
      default: '300',
      what: 'for workers of every queue to ask for work',
    },
    ...POOL_OPTIONS,
  },
  async run({ values, folder, dryRun, say, signal }) {
    const ramp = shares('--ramp', values.ramp, 1);
    const smokeAt = shares('--smoke-at', values['smoke-at'], 0);
    const never = smokeAt.find((share) => share !== 0 && !ramp.includes(share));
    if (never !== undefined) throw new WrongUse(`--smoke-at ${never}: the ramp is ${ramp.join(', ')}`);
    if (smokeAt.length === 0) throw new WrongUse('--smoke-at: at one share at least');
    const plan = {
      buildId: requireBuildId(values.build),
      ramp,
      smokeAt,
      watchSeconds: Number(values['watch-seconds']),
      workersWithinSeconds: Number(values['workers-within-seconds']),
      ...poolOf(values),
    };
    if (dryRun) {
      const { routing, versions } = await delivery().workerVersions({ say });
      say(
        `would ramp ${plan.buildId}: ${ramp.join(', ')} % of new workflows, with smoke campaigns at ${smokeAt.join(', ')} %`,
      );
      return { plan, routing, versions };
    }
    const verdict = await delivery().rampWorkers({ say, signal }, plan);
    folder.write('verdict.json', verdict);
    if (verdict.outcome === 'delivered') return verdict;
    say(`rolled back: ${verdict.reason}`);
    if (verdict.pinned.length)
      say(
        `these began on ${plan.buildId} and stay there until they end: ${verdict.pinned.join(', ')}; ${path.relative(root, path.join(root, 'docs/runbooks/delivery-failed.md'))}`,
      );
    return { ...verdict, failed: true };
  },
});
