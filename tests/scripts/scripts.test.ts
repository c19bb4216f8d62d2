import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compiledEntry, packageRoot } from '../../src/foundation';
import { renderSchemas } from '../../scripts/schemas';
import { servedFrom } from '../../scripts/worker-health';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-scripts-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function node(cwd: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: directory, ...env },
  });
  return { status, stdout, stderr };
}

describe('the published schemas', () => {
  test('are those of the contracts', () => {
    for (const [name, text] of renderSchemas()) {
      expect({ name, text: readFileSync(path.join(packageRoot, 'docs/schemas', name), 'utf8') }).toEqual({
        name,
        text,
      });
    }
    expect(node(packageRoot, [compiledEntry('scripts/schemas'), '--check']).status).toBe(0);
  });

  test('say what matters: closed objects, defaults that are optional, no default that depends on the machine', () => {
    const schema = (name: string) => JSON.parse(renderSchemas().get(name)!);
    const campaign = schema('campaign-config.json');
    expect(campaign.additionalProperties).toBe(false);
    expect(campaign.required.sort()).toEqual(['objective', 'pool']);
    expect(campaign.properties.acquisition.properties.batchSize).toMatchObject({
      type: 'integer',
      default: 32,
      minimum: 1,
    });
    expect(schema('settings.json').properties.threads.properties.chemistry).not.toHaveProperty('default');
    expect(schema('lab-results.json').anyOf[0].properties.results.items.properties).toHaveProperty(
      'resultId',
    );
  });

  test("the example's files are valid", () => {
    const { campaignConfigSchema, labResultSchema } =
      jest.requireActual<typeof import('../../src/contracts')>('../../src/contracts');
    const json = (name: string) =>
      JSON.parse(readFileSync(path.join(packageRoot, 'examples/solubility', name), 'utf8'));
    const config = campaignConfigSchema.parse(json('campaign.json'));
    for (const { uri, valueColumn } of config.pool.sources!) {
      expect(existsSync(path.join(packageRoot, uri))).toBe(true);
      // The campaign must not see what the laboratory is to measure.
      expect(valueColumn).toBeUndefined();
    }
    for (const result of json('results.json').results) labResultSchema.parse(result);
  });
});

describe('the last line of continuous integration', () => {
  const { countLine } = jest.requireActual<{ countLine(text: string): string }>(
    '../../scripts/test-counts.cjs',
  );
  const suite = (status: string, tests: number) => ({
    status,
    assertionResults: Array.from({ length: tests }, () => ({})),
  });

  test('counts tests, and a suite that could not run as one failure', () => {
    const report = (numPassedTests: number, numFailedTests: number, testResults: object[]) =>
      JSON.stringify({ numPassedTests, numFailedTests, testResults });
    expect(countLine(report(12, 0, [suite('passed', 12)]))).toBe('12 passed, 0 failed');
    expect(countLine(report(3, 2, [suite('failed', 5)]))).toBe('3 passed, 2 failed');
    expect(countLine(report(3, 0, [suite('passed', 3), suite('failed', 0)]))).toBe('3 passed, 1 failed');
    expect(countLine('')).toBe('0 passed, 1 failed');
  });
});

describe('set-up', () => {
  /** A checkout with the scripts and a lock file of one package. */
  function checkout(name: string, installed: object | null): string {
    const at = path.join(directory, name);
    mkdirSync(path.join(at, 'node_modules'), { recursive: true });
    cpSync(path.join(packageRoot, 'scripts'), path.join(at, 'scripts'), { recursive: true });
    const packages = {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', optional: true },
    };
    writeFileSync(path.join(at, 'package-lock.json'), JSON.stringify({ packages }));
    if (installed)
      writeFileSync(
        path.join(at, 'node_modules/.package-lock.json'),
        JSON.stringify({ packages: installed }),
      );
    return at;
  }
  const missing = (at: string) =>
    node(at, ['-p', "String(require('./scripts/setup.cjs').packagesMissing())"]).stdout.trim();

  test('sees packages that are absent or of another version; an optional one may be absent', () => {
    expect(missing(checkout('fresh', null))).toBe('node_modules is not there');
    expect(missing(checkout('right', { 'node_modules/a': { version: '1.0.0' } }))).toBe('null');
    expect(missing(checkout('old', { 'node_modules/a': { version: '0.9.0' } }))).toMatch(
      /a is 0\.9\.0, package-lock\.json says 1\.0\.0/,
    );
    expect(
      missing(
        checkout('optional', {
          'node_modules/a': { version: '1.0.0' },
          'node_modules/b': { version: '1.0.0' },
        }),
      ),
    ).toMatch(/b is 1\.0\.0/);
  });

  test('finds the Temporal CLI by TEMPORAL_CLI before PATH, and does not pass over a wrong TEMPORAL_CLI', () => {
    const fake = (name: string, line: string) => {
      const file = path.join(directory, name, 'temporal');
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `#!/bin/sh\necho '${line}'\n`);
      chmodSync(file, 0o755);
      return file;
    };
    const onPath = fake('bin', 'temporal version 1.0.0');
    const wished = fake('wished', 'temporal version 2.0.0');
    const noCli = fake('other', 'something else');
    const at = checkout('cli', null);
    const find = (env: Record<string, string>) =>
      node(at, ['-p', "JSON.stringify(require('./scripts/temporal-cli.cjs').findTemporalCli())"], env);
    const PATH = `${path.dirname(noCli)}:${path.dirname(onPath)}:${process.env.PATH}`;
    expect(JSON.parse(find({ PATH }).stdout)).toMatchObject({ path: onPath, from: 'PATH' });
    expect(JSON.parse(find({ PATH, TEMPORAL_CLI: wished }).stdout)).toMatchObject({
      path: wished,
      from: 'TEMPORAL_CLI',
    });
    const wrong = find({ PATH, TEMPORAL_CLI: '/nowhere/temporal' });
    expect(wrong.status).not.toBe(0);
    expect(wrong.stderr).toMatch(/TEMPORAL_CLI is '\/nowhere\/temporal', which does not run/);
  });
});

test('the launcher finds its checkout through a symbolic link, from anywhere', () => {
  const link = path.join(directory, 'titrate');
  symlinkSync(path.join(packageRoot, 'scripts/titrate'), link);
  const { status, stdout } = node(os.tmpdir(), [link, '--version']);
  expect({ status, stdout: stdout.trim() }).toEqual({
    status: 0,
    stdout: (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
      .version,
  });
});

test("a worker's health check wants a poller of this very host, lately", () => {
  const now = 1_700_000_000_000;
  const poller = (identity: string, secondsAgo: number) => ({
    identity,
    lastAccessTime: { seconds: now / 1000 - secondsAgo },
  });
  expect(servedFrom([poller('12@here', 30)], 'here', now)).toBe(true);
  expect(servedFrom([poller('12@here', 300)], 'here', now)).toBe(false);
  expect(servedFrom([poller('12@there', 30)], 'here', now)).toBe(false);
  expect(servedFrom([], 'here', now)).toBe(false);
});
