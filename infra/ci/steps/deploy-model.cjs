/** Step `deploy-model`: gate, canary, promotion of one model version, by the rollout workflow; reports its verdict. */
const path = require('node:path');
const { defineStep, root, StepFailure } = require('../lib/step.cjs');

defineStep(module, {
  name: 'deploy-model',
  what: 'rolls a model version out by the rollout workflow, and waits for its verdict',
  options: {
    model: {
      type: 'string',
      value: 'MODEL',
      required: true,
      what: "'solubility-42/v3', or 'solubility-42@candidate'",
    },
    canary: {
      type: 'string',
      value: 'SHARES',
      what: 'percent of the requests, one step each; default: as the campaign says',
    },
    shadow: { type: 'boolean', what: 'begin with a copy of every request' },
    steps: { type: 'string', value: 'STEPS', what: "as titrate deploy takes it; 'none': on the gates alone" },
    watch: { type: 'string', value: 'DURATION', what: 'at each step at least' },
    approval: { type: 'string', value: 'HOW', what: "'manual' waits for titrate deploy approve" },
    by: { type: 'string', value: 'WHO', default: 'delivery pipeline', what: 'for the audit log' },
  },
  async run({ values, run, folder, dryRun, say }) {
    const { model, shadow, by } = values;
    const valued = ['canary', 'steps', 'watch', 'approval'].filter((key) => values[key] !== undefined);
    const args = [
      ...[path.join(root, 'scripts/titrate'), '--json', 'deploy', model, dryRun ? '--dry-run' : '--wait'],
      ...valued.flatMap((key) => [`--${key}`, values[key]]),
      ...(shadow ? ['--shadow'] : []),
      ...['--by', by, '--reason', 'model pipeline'],
    ];
    const { status, stdout, stderr } = run(process.execPath, args, { always: true, accept: [0, 1] });
    const outcome = stdout.trim() ? JSON.parse(stdout) : null;
    if (!outcome || outcome.error)
      throw new StepFailure(stderr.trim() || outcome?.error?.message || 'titrate deploy said nothing');
    if (!dryRun) folder.write('model-verdict.json', outcome);
    if (outcome.message) say(`${outcome.version}: ${outcome.status}: ${outcome.message}`);
    for (const { gate, passed, evidence, message } of outcome.gates ?? [])
      say(`gate ${gate}: ${passed ? 'passed' : 'FAILED'} ${evidence ?? message ?? ''}`);
    return status === 0 ? outcome : { ...outcome, failed: true };
  },
});
