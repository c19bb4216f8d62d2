/** Step `terraform-apply`: applies the very plan that was shown and approved, and nothing else. */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { defineStep, root, StepFailure } = require('../lib/step.cjs');

defineStep(module, {
  name: 'terraform-apply',
  what: 'applies the plan that terraform-plan made and somebody approved',
  options: {
    approved: {
      type: 'string',
      value: 'SHA256',
      required: true,
      what: 'of the plan that was read, from plan.json',
    },
    by: { type: 'string', value: 'WHO', required: true, what: 'who approved it' },
  },
  async run({ values, run, folder, dryRun, say }) {
    const planned = folder.read('plan.json', 'terraform-plan');
    const plan = folder.at('terraform.tfplan');
    const sha256 = createHash('sha256').update(fs.readFileSync(plan)).digest('hex');
    if (sha256 !== planned.sha256)
      throw new StepFailure('the plan is not the one that was shown', 'Plan again');
    if (values.approved !== sha256)
      throw new StepFailure(
        `plan ${sha256} was not approved: ${values.approved} was`,
        `Read ${folder.at('plan.txt')} and approve what it says`,
      );
    run(
      'terraform',
      [
        `-chdir=${path.resolve(root, planned.directory)}`,
        'apply',
        '-input=false',
        '-no-color',
        '-lock-timeout=120s',
        plan,
      ],
      {
        env: { TF_IN_AUTOMATION: '1' },
        remedy: 'A plan that is older than the state is refused: plan again, show it again',
      },
    );
    const applied = { sha256, by: values.by, directory: planned.directory };
    if (!dryRun) folder.write('applied.json', applied);
    say(`applied, approved by ${values.by}`);
    return applied;
  },
});
