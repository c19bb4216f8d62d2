/** Step `prepare`: namespace, retention and search attributes of Temporal, bucket and tables, as the settings name them. */
const path = require('node:path');
const { defineStep, root } = require('../lib/step.cjs');

defineStep(module, {
  name: 'prepare',
  what: 'makes or reconciles what the settings name: Temporal, bucket, tables',
  options: { part: { type: 'string', value: 'PART', what: 'temporal or storage; default: both' } },
  async run({ values, run, dryRun, say }) {
    const args = [
      path.join(root, 'scripts/titrate'),
      '--json',
      'prepare',
      ...(values.part ? [values.part] : []),
    ];
    const { stdout } = run(process.execPath, [...args, ...(dryRun ? ['--dry-run'] : [])], { always: true });
    const { changes } = JSON.parse(stdout);
    for (const { part, change } of changes) say(`${part}: ${change}`);
    if (changes.length === 0) say('everything was there');
    return { changes };
  },
});
