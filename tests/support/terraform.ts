import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';

/** Folders under infra/terraform from which Terraform is run. */
export const TERRAFORM_ROOTS = ['bootstrap', 'environments/dev', 'environments/prod', 'platform'] as const;
export type TerraformRoot = (typeof TERRAFORM_ROOTS)[number];

/** A value that a plan knows, whatever it is. */
export type Planned = null | boolean | number | string | Planned[] | { [key: string]: Planned };

export interface PlannedResource {
  readonly address: string;
  readonly mode: 'managed' | 'data';
  readonly type: string;
  readonly name: string;
  readonly index?: string | number;
  readonly change: { readonly after: { readonly [key: string]: Planned } };
}

export interface Plan {
  readonly outputs: Readonly<Record<string, Planned>>;
  readonly resources: readonly PlannedResource[];
}

export interface Workplace {
  /** What is not there, in words; then everything below fails with it. */
  readonly lacks: string | null;
  /** Runs terraform in one of the roots. */
  run(root: TerraformRoot | '.', ...args: string[]): Promise<{ code: number; output: string }>;
  /** Runs the tests of a root; of an environment the plan comes with them. */
  test(root: TerraformRoot): Promise<{ code: number; output: string; plan: Plan | null }>;
  close(): void;
}

function workplaceWithout(lacks: string): Workplace {
  const fail = () => Promise.reject(new Error(lacks));
  return { lacks, run: fail, test: fail, close: () => undefined };
}

/**
 * A copy of what Terraform reads, so that nothing is left beside the sources. Providers come from where TITRATE_TERRAFORM_PROVIDERS says: a
 * program that is called with a folder, puts them there, and prints the path of Terraform's CLI configuration; else from the registry.
 */
export function openWorkplace(): Workplace {
  if (spawnSync('terraform', ['version']).status !== 0) return workplaceWithout('no terraform on PATH');
  const folder = mkdtempSync(path.join(packageRoot, '.titrate', 'terraform-'));
  for (const name of ['terraform', 'dataflow', 'monitoring'])
    cpSync(path.join(packageRoot, 'infra', name), path.join(folder, 'infra', name), {
      recursive: true,
      filter: (file) => !/\.terraform(\.lock\.hcl)?$/.test(file),
    });
  const close = () => rmSync(folder, { recursive: true, force: true });
  const giveUp = (lacks: string) => {
    close();
    return workplaceWithout(lacks);
  };
  const env: NodeJS.ProcessEnv = { ...process.env, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' };
  const providers = process.env.TITRATE_TERRAFORM_PROVIDERS;
  if (providers) {
    const made = spawnSync('bash', [providers, path.join(folder, 'providers')], { encoding: 'utf8' });
    if (made.status !== 0) return giveUp(`${providers} failed: ${made.stderr}`);
    env.TF_CLI_CONFIG_FILE = made.stdout.trim().split('\n').at(-1)!;
  }
  const at = (root: string) => path.join(folder, 'infra', 'terraform', root);
  const init = ['init', '-backend=false', '-input=false', '-no-color'];
  const tried = spawnSync('terraform', init, { cwd: at('bootstrap'), env, encoding: 'utf8' });
  if (tried.status !== 0)
    return giveUp(`terraform init: ${/Error: .*/.exec(tried.stderr)?.[0] ?? tried.stderr.trim()}`);

  const run: Workplace['run'] = (root, ...args) =>
    new Promise((resolve, reject) => {
      const child = spawn('terraform', args, { cwd: at(root), env });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, output }));
    });
  return {
    lacks: null,
    run,
    close,
    async test(root) {
      // A plan comes with the provider's whole schema: only where it is looked at.
      const verbose = root.startsWith('environments/') ? ['-verbose'] : [];
      const { code, output } = await run(root, 'test', '-json', ...verbose);
      const lines = output.split('\n').filter((line) => line.startsWith('{'));
      const messages = lines.map((line) => JSON.parse(line) as Message);
      const said = messages.filter((message) => message.type === 'diagnostic' || message.type === 'test_run');
      const made = messages.find((message) => message.test_plan)?.test_plan;
      return {
        code,
        output: said
          .map((message) => `${message['@message']} ${JSON.stringify(message.diagnostic ?? '')}`)
          .join('\n'),
        plan: made ? planOf(made) : null,
      };
    },
  };
}

interface Message {
  readonly '@message': string;
  readonly type: string;
  readonly diagnostic?: unknown;
  readonly test_plan?: TestPlan;
}
interface TestPlan {
  readonly output_changes: Readonly<Record<string, { after: Planned }>>;
  readonly resource_changes: readonly PlannedResource[];
}

const planOf = ({ output_changes: outputs, resource_changes: resources }: TestPlan): Plan => ({
  outputs: Object.fromEntries(Object.entries(outputs).map(([name, { after }]) => [name, after])),
  resources: resources.filter(({ mode }) => mode === 'managed'),
});
