import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../src/foundation';
import { describeWhere } from '../support/describe-where';

const ci = path.join(packageRoot, 'infra/ci');
const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-steps-'));
const at = (...parts: string[]) => path.join(directory, ...parts);
const STEPS = readdirSync(path.join(ci, 'steps')).map((file) => file.replace('.cjs', ''));

interface Ran {
  readonly code: number | null;
  readonly said: string;
  readonly result: unknown;
}
/** A step as a pipeline runs it; servers of the test answer meanwhile. */
function step(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const file = path.join(ci, 'steps', `${name}.cjs`);
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, ...env } });
  let said = '';
  let out = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
  child.stdout.on('data', (data: Buffer) => (out += data.toString('utf8')));
  return new Promise((resolve) =>
    child.on('close', (code) => {
      const result: unknown = out.startsWith('{') ? JSON.parse(out) : out;
      resolve({ code, said, result });
    }),
  );
}
const lack = (program: string) => (spawnSync(program, ['version']).error ? `no ${program} here` : null);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('every step', () => {
  test.each(STEPS)('%s says what it is for, and knows no option that it does not say', async (name) => {
    const help = await step(name, ['--help']);
    expect(help).toMatchObject({ code: 0, said: '' });
    expect(help.result).toContain(`usage: node infra/ci/steps/${name}.cjs`);
    const wrong = await step(name, ['--no-such-option']);
    expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining('no-such-option') });
  });

  test('what an earlier step should have left is named, with the step that makes it', async () => {
    const empty = ['--folder', at('empty')];
    for (const [name, args, madeBy] of [
      ['push', ['--repository', 'r/t', '--build', 'b-1'], 'build-image'],
      ['sign', ['--engine', 'key', '--key', 'k'], 'push'],
      ['deploy-workers', ['--build', 'b-1'], 'push'],
      ['terraform-apply', ['--approved', 'x', '--by', 'ada'], 'terraform-plan'],
    ] as const)
      expect(await step(name, [...empty, ...args])).toMatchObject({
        code: 1,
        said: expect.stringContaining(`Run the step ${madeBy} first`),
      });
  });

  test('wrong use says what is right', async () => {
    const ramp = (...args: string[]) => step('ramp-workers', ['--build', 'b-1', ...args]);
    expect(await ramp('--ramp', '50,10')).toMatchObject({
      code: 2,
      said: expect.stringContaining('more than the one before'),
    });
    expect(await ramp('--smoke-at', '20')).toMatchObject({
      code: 2,
      said: expect.stringContaining('the ramp is 10, 50, 100'),
    });
    expect(await step('ramp-workers', [])).toMatchObject({
      code: 2,
      said: expect.stringContaining('--build is needed'),
    });
    expect(await step('build-image', ['--image', 'x'])).toMatchObject({ code: 2 });
    const tagged = await step('deploy-workers', ['--build', 'b-1', '--image', 'r/titrate/worker:latest']);
    expect(tagged).toMatchObject({ code: 1, said: expect.stringContaining('names no digest') });
  });
});

describe('the runner', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(ci, 'run.cjs'), ...args], { encoding: 'utf8' });

  test('says pipelines, refuses what is none, and steps that are none', () => {
    expect(run('--help').stdout).toMatch(
      /program: test, build-image, .*ramp-workers, finish-workers\nmodel: deploy-model/,
    );
    expect(run('nothing').status).toBe(2);
    const named = ['program', '--build', 'b-1', '--repository', 'r/t'];
    expect(run(...named, '--from', 'nowhere')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there are test,'),
    });
    writeFileSync(at('settings.yaml'), 'rampworkers: {}\n');
    expect(run(...named, '--settings', at('settings.yaml')).stderr).toMatch(/'rampworkers' is no step/);
  });

  test('nothing is applied that nobody approved', () => {
    mkdirSync(at('unapproved'), { recursive: true });
    const stopped = run(
      ...['program', '--build', 'b-1', '--repository', 'r/t', '--folder', at('unapproved')],
      ...['--from', 'terraform-apply', '--to', 'terraform-apply'],
    );
    expect(stopped).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/waits for approval.*--approve WHO/),
    });
  });
});

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<
    string,
    { permissions?: Record<string, string>; steps: { uses?: string; run?: string; env?: object }[] }
  >;
}
describe.each(readdirSync(path.join(packageRoot, '.github/workflows')))('the workflow %s', (file) => {
  const text = readFileSync(path.join(packageRoot, '.github/workflows', file), 'utf8');
  const workflow = parse(text) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test('has no rights but to read, and to say who it is; no key is kept', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { permissions = {} } of Object.values(workflow.jobs))
      expect(['contents: read', 'id-token: write']).toEqual(
        expect.arrayContaining(Object.entries(permissions).map(([what, how]) => `${what}: ${how}`)),
      );
    expect(text).not.toMatch(/credentials_json|service_account_key/);
  });

  test('actions are pinned to a version, and input of people reaches a shell by the environment alone', () => {
    for (const { uses, run } of steps) {
      if (uses) expect(uses).toMatch(/^[\w.-]+\/[\w.-]+@v\d+\.\d+(\.\d+)?$/);
      expect(run ?? '').not.toMatch(/\$\{\{\s*(inputs|github\.event)/);
    }
  });

  test('calls scripts that are there, with options that they have', () => {
    const calls = steps.flatMap(({ run = '' }) => [
      ...run.replace(/\\\n/g, ' ').matchAll(/node (infra\/\S+\.cjs)([^\n&|]*)/g),
    ]);
    expect(calls.length).toBeGreaterThan(0);
    for (const [, script, rest] of calls) {
      const { stdout, status } = spawnSync(process.execPath, [path.join(packageRoot, script!), '--help'], {
        encoding: 'utf8',
      });
      if (!script!.includes('/steps/')) continue;
      expect(status).toBe(0);
      for (const [, option] of rest!.matchAll(/ (--[a-z-]+)/g)) expect(stdout).toContain(`${option} `);
    }
  });
});

describeWhere(lack('terraform'), 'terraform', () => {
  const plan = (name: string, more: string[] = []) =>
    step('terraform-plan', ['--directory', at(name), '--folder', at(name, 'out'), ...more]);
  function root(name: string, content: string): void {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(at(name, 'main.tf'), content);
  }

  test('a plan is shown, applied as it was shown, and then nothing is left to do', async () => {
    root('plain', 'resource "terraform_data" "a" { input = "one" }\n');
    const planned = await plan('plain');
    expect(planned).toMatchObject({ code: 0, result: { create: ['terraform_data.a'], delete: [] } });
    expect(planned.said).toContain('terraform_data.a will be created');
    expect(await plan('plain', ['--expect-none'])).toMatchObject({
      code: 1,
      said: expect.stringMatching(/not as it was planned: terraform_data.a/),
    });
    const apply = (sha256: string) =>
      step('terraform-apply', ['--folder', at('plain', 'out'), '--approved', sha256, '--by', 'ada']);
    expect(await apply('0'.repeat(64))).toMatchObject({
      code: 1,
      said: expect.stringContaining('was not approved'),
    });
    const { sha256 } = JSON.parse(readFileSync(at('plain', 'out', 'plan.json'), 'utf8')) as {
      sha256: string;
    };
    expect(await apply(sha256)).toMatchObject({ code: 0, result: { by: 'ada' } });
    expect(await plan('plain', ['--expect-none'])).toMatchObject({ code: 0 });
    // The very file that was shown, and no other one.
    writeFileSync(at('plain', 'out', 'terraform.tfplan'), 'something else');
    expect(await apply(sha256)).toMatchObject({ code: 1, said: expect.stringContaining('Plan again') });
  }, 60_000);

  test('what holds data does not go unasked', () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the pipeline is plain Node
    const { summarise } = require('../../infra/ci/steps/terraform-plan.cjs') as {
      summarise(plan: object): { dangerous: string[]; replace: string[] };
    };
    const change = (address: string, ...actions: string[]) => ({
      address,
      type: address.split('.').at(-2),
      change: { actions },
    });
    const resource_changes = [
      change('module.storage.google_storage_bucket.objects', 'delete', 'create'),
      change('google_bigquery_table.results', 'delete'),
      change('google_compute_router.nat', 'delete'),
      change('google_container_cluster.titrate', 'update'),
    ];
    expect(summarise({ resource_changes })).toMatchObject({
      dangerous: ['google_bigquery_table.results', 'module.storage.google_storage_bucket.objects'],
      replace: ['module.storage.google_storage_bucket.objects'],
    });
  });
});
