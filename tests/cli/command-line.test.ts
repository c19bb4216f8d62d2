import { rmSync } from 'node:fs';
import path from 'node:path';
import { titrate, titrateWith, workplace } from './support';

const campaign = {
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv' }] },
};
const directory = workplace({
  'pool.csv': 'smiles\nCCO\n',
  'good.json': JSON.stringify(campaign),
  'slip.json': JSON.stringify({ ...campaign, acquisition: { batchsize: 8 } }),
  'lost.yaml':
    'objective: { property: logS, direction: maximize }\npool:\n  sources:\n    - uri: absent.csv\n    - uri: pool.csv\n',
  'broken.json': '{ "objective": ',
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each([
  [['frobnicate'], /unknown command 'frobnicate'/],
  [['campaign', 'statsu', 'x'], /unknown command 'statsu'[\s\S]*Did you mean status/],
  [['campaign', 'list', '--jsno'], /unknown option '--jsno'[\s\S]*--json/],
  [['campaign', 'start'], /missing required argument 'file'/],
  [['up', '--temporal-port', 'seven'], /Expected a port/],
  [['campaign', 'list', '--temporal', 'nowhere'], /--temporal: 'nowhere' is no address/],
])('wrong use, %j, is exit code 2 with a hint and nothing on stdout', (args, message) => {
  const { code, stdout, stderr } = titrate(directory, ...args);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a misspelt key is named together with the nearest one', () => {
  const { code, stdout, stderr } = titrate(directory, 'campaign', 'start', 'slip.json', '--debug');
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/slip\.json: acquisition: unknown key 'batchsize'; did you mean 'batchSize'\?/);
  // --debug shows where it was thrown; without it a failure is a line or two.
  expect(stderr).toMatch(/\n\s+at /);
  expect(titrate(directory, 'campaign', 'start', 'slip.json').stderr.trim().split('\n')).toHaveLength(1);
});

test('a missing source is named before a server is asked for anything', () => {
  const { code, stderr } = titrate(directory, 'campaign', 'start', 'lost.yaml');
  expect(code).toBe(1);
  expect(stderr).toContain(path.join(directory, 'absent.csv'));
  expect(stderr).not.toContain(path.join(directory, 'pool.csv'));
  expect(stderr).not.toContain('Temporal server');
});

test('without a server the error says where it looked and what to do; --json puts it on stdout as one value', () => {
  const { code, stdout, stderr } = titrate(directory, 'campaign', 'start', 'good.json', '--json');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /127\.0\.0\.1:1: no Temporal server answers\. Start the local stack with 'titrate up'/,
  );
  expect(JSON.parse(stdout)).toEqual({
    error: { code: 'unavailable', message: expect.stringContaining('no Temporal server answers') },
  });
});

test('a dry run prints the full configuration and starts nothing', () => {
  const { code, stdout, stderr } = titrate(
    directory,
    'campaign',
    'start',
    'good.json',
    '--dry-run',
    '--json',
    '--id',
    'dry-1',
    '--seed',
    '9',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('nothing was started') });
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    campaignId: 'dry-1',
    config: { seed: 9, campaignId: 'dry-1', acquisition: { batchSize: 32 }, lab: { minimumReturned: 1 } },
  });
});

test('a file that is no JSON, and a campaign nobody knows', () => {
  expect(titrate(directory, 'campaign', 'start', 'broken.json').stderr).toMatch(/broken\.json: not JSON/);
  expect(titrate(directory, 'report', 'nobody').stderr).toMatch(/there is no campaign 'nobody' here/);
  expect(titrate(directory, 'models', 'list').stdout).toBe('no models\n');
});

test('doctor checks this machine, says how to mend what is missing, and prints one JSON value', () => {
  const { code, stdout } = titrate(directory, 'doctor', '--json');
  const { healthy, findings } = JSON.parse(stdout) as {
    healthy: boolean;
    findings: { check: string; verdict: string; found: string; remedy?: string }[];
  };
  const verdicts = Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
  expect(verdicts).toMatchObject({
    'home directory': 'ok',
    RDKit: 'ok',
    DuckDB: 'ok',
    'Temporal server': 'warn',
  });
  expect(Object.keys(verdicts)).toEqual(
    expect.arrayContaining(['Node', 'build', 'Temporal CLI', 'disk space', 'TensorFlow.js', 'ports']),
  );
  for (const finding of findings.filter(({ verdict }) => verdict !== 'ok'))
    expect(finding.remedy).toMatch(/\w/);
  expect(code).toBe(healthy ? 0 : 1);
  expect(healthy).toBe(findings.every(({ verdict }) => verdict !== 'fail'));
});

test('doctor fails where the home directory cannot be written', () => {
  const { code, stdout } = titrate(
    directory,
    'doctor',
    '--json',
    '--home',
    path.join(directory, 'pool.csv', 'inside'),
  );
  expect(code).toBe(1);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; verdict: string }[] };
  expect(findings.find(({ check }) => check === 'home directory')?.verdict).toBe('fail');
});

test.each([
  [[], {}, /traces: there are no spans of a campaign 'c-1'\. See 'titrate campaign list'/],
  [['--round', '2'], {}, /no spans of round 2 of 'c-1' \(trace [0-9a-f]{32}\)/],
  [['--round', '2'], { TITRATE_TRACING: 'off' }, /traces are off\. Set tracing\.mode: on/],
  [
    ['--round', '2'],
    { TITRATE_TRACING_ENDPOINT: 'http://collector:4318' },
    /with the collector at http:\/\/collector:4318\/v1\/traces\. Look for trace [0-9a-f]{32} there/,
  ],
])('a trace that is not here, %j with %j, is told where to look for', (options, env, message) => {
  const { code, stdout, stderr } = titrateWith(env, directory, 'trace', 'c-1', ...options);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});
