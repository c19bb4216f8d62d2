/** Step `terraform-plan`: what would change, as a file, in words, and judged: nothing that holds data goes without being asked for. */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { defineStep, root, StepFailure, WrongUse } = require('../lib/step.cjs');

/** Types whose deletion or replacement loses data, keys or the cluster. */
const HOLDS_DATA =
  /^google_(storage_bucket|bigquery_dataset|bigquery_table|sql_database.*|container_cluster|kms_.*|secret_manager_secret|artifact_registry_repository|project)$/;

const REMEDY = 'terraform 1.9 or later: https://developer.hashicorp.com/terraform/install';

function summarise({ resource_changes: changes = [] }) {
  const of = (...actions) =>
    changes.filter(({ change }) => change.actions.join() === actions.join()).map(({ address }) => address);
  const replaced = [...of('delete', 'create'), ...of('create', 'delete')];
  const gone = [...of('delete'), ...replaced];
  const type = (address) => changes.find((change) => change.address === address).type;
  return {
    create: of('create'),
    update: of('update'),
    replace: replaced,
    delete: of('delete'),
    dangerous: gone.filter((address) => HOLDS_DATA.test(type(address))),
  };
}

defineStep(module, {
  name: 'terraform-plan',
  what: 'plans the infrastructure of an environment and shows what would change',
  options: {
    environment: { type: 'string', value: 'NAME', default: 'dev', what: 'of infra/terraform/environments' },
    directory: { type: 'string', value: 'FOLDER', what: 'another root module' },
    'backend-config': {
      type: 'string',
      multiple: true,
      value: 'K=V',
      what: 'as terraform init takes it, e.g. bucket=…',
    },
    'var-file': { type: 'string', multiple: true, value: 'FILE', what: 'as terraform plan takes it' },
    'expect-none': {
      type: 'boolean',
      what: 'fail when anything would change: what was approved has been applied',
    },
    'allow-data-loss': {
      type: 'string',
      multiple: true,
      value: 'ADDRESS',
      what: 'a resource that holds data and may go',
    },
  },
  async run({ values, run, folder, dryRun, say }) {
    const directory = path.resolve(
      values.directory ?? path.join(root, 'infra/terraform/environments', values.environment),
    );
    if (!fs.existsSync(directory)) throw new WrongUse(`${directory} is not there`);
    const at = `-chdir=${directory}`;
    const env = { TF_IN_AUTOMATION: '1' };
    const plan = folder.at('terraform.tfplan');
    fs.mkdirSync(path.dirname(plan), { recursive: true });
    const backend = (values['backend-config'] ?? []).map((one) => `-backend-config=${one}`);
    const files = (values['var-file'] ?? []).map((one) => `-var-file=${path.resolve(one)}`);
    run('terraform', [at, 'init', '-input=false', '-no-color', ...backend], { env, remedy: REMEDY });
    run(
      'terraform',
      [at, 'plan', '-input=false', '-no-color', '-lock-timeout=120s', `-out=${plan}`, ...files],
      { env },
    );
    if (dryRun) return { directory };
    const shown = run('terraform', [at, 'show', '-no-color', plan], { env }).stdout;
    const summary = summarise(JSON.parse(run('terraform', [at, 'show', '-json', plan], { env }).stdout));
    process.stderr.write(`${shown}\n`);
    folder.write('plan.txt', shown);
    const sha256 = createHash('sha256').update(fs.readFileSync(plan)).digest('hex');
    // From the repository's root where it is in it: who applies may have another checkout.
    const within = path.relative(root, directory);
    const planned = { directory: within.startsWith('..') ? directory : within, sha256, ...summary };
    folder.write('plan.json', planned);
    for (const action of ['create', 'update', 'replace', 'delete'])
      say(`${action}: ${summary[action].length}`);
    const open = ['create', 'update', 'replace', 'delete'].flatMap((action) => summary[action]);
    if (values['expect-none'] && open.length)
      throw new StepFailure(
        `the infrastructure is not as it was planned: ${open.slice(0, 5).join(', ')} (${open.length} in all)`,
        'Who approves applies the plan first: the step terraform-apply, under an account of their own',
      );
    const unasked = summary.dangerous.filter(
      (address) => !(values['allow-data-loss'] ?? []).includes(address),
    );
    if (unasked.length)
      throw new StepFailure(
        `the plan deletes or replaces what holds data: ${unasked.join(', ')}`,
        'Name each by --allow-data-loss ADDRESS once its data are elsewhere, or mend the change',
      );
    return planned;
  },
});

module.exports.summarise = summarise;
