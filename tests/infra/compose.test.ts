import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { TASK_QUEUES } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { SETTING_VARIABLES } from '../../src/platform/settings';

/** Compose's own loader and validator, as a program. */
const MODULE = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
const folder = path.join(packageRoot, '.titrate', 'tools', 'compose-go-2.16.2');
const validator = path.join(folder, 'cmd');

function prepareValidator(): string | null {
  if (existsSync(validator)) return null;
  if (spawnSync('go', ['version']).status !== 0)
    return 'no Go here to build the validator of Compose files with';
  const built = spawnSync('go', ['install', MODULE], {
    env: { ...process.env, GOBIN: folder },
    encoding: 'utf8',
    timeout: 280_000,
  });
  return built.status === 0 ? null : `go install ${MODULE} failed: ${built.stderr.trim().split('\n').at(-1)}`;
}

interface Service {
  readonly image: string;
  readonly command?: string[];
  readonly environment?: Record<string, string>;
  readonly healthcheck?: { readonly test: string[] };
  readonly restart?: string;
  readonly ports?: { readonly host_ip?: string; readonly target: number }[];
  readonly volumes?: {
    readonly type: string;
    readonly source: string;
    readonly target: string;
    readonly read_only?: boolean;
  }[];
}

function load(file: string) {
  return spawnSync(validator, ['-format', 'json', file], { cwd: packageRoot, encoding: 'utf8' });
}

let missing: string | null = null;
beforeAll(() => {
  missing = prepareValidator();
  if (missing && process.env.TITRATE_SKIP_NOTHING) throw new Error(missing);
  if (missing) process.stderr.write(`skipped: tests/infra/compose: ${missing}\n`);
}, 300_000);

/** A test that needs the validator; the line above has said why when it is passed over. */
const validated = (name: string, body: () => void) =>
  test(name, () => {
    if (!missing) body();
  });

validated("Compose's own library accepts docker-compose.yml, and every service is what it should be", () => {
  const { status, stdout, stderr } = load('docker-compose.yml');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { services, volumes } = JSON.parse(stdout) as { services: Record<string, Service>; volumes: object };
  expect(Object.keys(services).sort()).toEqual(
    ['cli', 'inference', 'temporal', 'temporal-setup', ...TASK_QUEUES].sort(),
  );
  for (const [name, service] of Object.entries(services)) {
    expect({ name, image: service.image }).toEqual({ name, image: expect.stringMatching(/:\d+\.\d+\.\d+$/) });
    const passing = ['cli', 'temporal-setup'].includes(name);
    expect({ name, checked: service.healthcheck !== undefined }).toEqual({ name, checked: !passing });
    // Nothing is offered to the network that the machine is in.
    for (const { host_ip } of service.ports ?? [])
      expect({ name, host_ip }).toEqual({ name, host_ip: '127.0.0.1' });
    for (const { type, source } of service.volumes ?? [])
      if (type === 'volume') expect(volumes).toHaveProperty(source);
    for (const variable of Object.keys(service.environment ?? {}))
      expect(Object.keys(SETTING_VARIABLES)).toContain(variable);
  }
  for (const queue of TASK_QUEUES) {
    expect(services[queue]!.command!.at(-1)).toBe(`dist/workers/${queue}.js`);
    expect(existsSync(path.join(packageRoot, 'workers', `${queue}.ts`))).toBe(true);
    expect(services[queue]!.healthcheck!.test).toEqual([
      'CMD',
      'node',
      'dist/scripts/worker-health.js',
      queue,
    ]);
  }
  // All of them see one home directory, and the sources of campaigns read-only.
  for (const name of [...TASK_QUEUES, 'inference', 'cli']) {
    const mounts = services[name]!.volumes!.map(({ type, target, read_only }) => [
      type,
      target,
      read_only ?? false,
    ]);
    expect({ name, mounts }).toEqual({
      name,
      mounts: [
        ['volume', '/data', false],
        ['bind', '/work', true],
      ],
    });
  }
});

validated('the validator refuses what is wrong', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-compose-'));
  const text = readFileSync(path.join(packageRoot, 'docker-compose.yml'), 'utf8');
  const file = path.join(directory, 'compose.yml');
  for (const [from, to] of [
    ['healthcheck:', 'healtcheck:'],
    ['condition: service_healthy', 'condition: service_fine'],
    ['PORT:-8090}:8090', 'PORT:-8090}:eight'],
  ] as const) {
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
    expect({ from, refused: load(file).status !== 0 }).toEqual({ from, refused: true });
  }
  rmSync(directory, { recursive: true, force: true });
});

test.each(['worker', 'training'])(
  'the %s image is built from what is there, and the ignore file lets just that in',
  (image) => {
    const file = path.join(packageRoot, `infra/docker/${image}.Dockerfile`);
    const dockerfile = readFileSync(file, 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
      names!.split(' '),
    );
    const allowed = readFileSync(`${file}.dockerignore`, 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied.length).toBeGreaterThan(5);
    expect([...copied].sort()).toEqual([...allowed].sort());
    for (const name of copied)
      expect({ name, there: existsSync(path.join(packageRoot, name)) }).toEqual({ name, there: true });
    // Nobody is root in it when it runs.
    expect(dockerfile).toMatch(/^USER 1000$/m);
  },
);

test('compose builds the worker image', () => {
  const compose = parse(readFileSync(path.join(packageRoot, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  }) as { services: { gpu: { build: { dockerfile: string } } } };
  expect(compose.services.gpu.build.dockerfile).toBe('infra/docker/worker.Dockerfile');
});
