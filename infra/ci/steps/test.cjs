/** Step `test`: checks and tests, as `npm test` runs them. */
const { defineStep } = require('../lib/step.cjs');

defineStep(module, {
  name: 'test',
  what: 'runs the checks and the tests; nothing goes on when one fails',
  options: {
    pattern: {
      type: 'string',
      multiple: true,
      value: 'PATH',
      what: 'only the tests whose path has this; may be repeated',
    },
  },
  async run({ values, run, folder, dryRun }) {
    const patterns = values.pattern ?? [];
    const { stderr = '' } = run('npm', ['test', '--', ...patterns], { env: { CI: '1' } });
    const summary = stderr.match(/^Tests: .*$/m)?.[0] ?? 'not run';
    if (!dryRun) folder.write('test.json', { summary, patterns });
    return { summary };
  },
});
