import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { TASK_QUEUES } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { loadSettings, SETTING_VARIABLES } from '../../src/platform/settings';

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

const MONITORING = ['prometheus', 'alertmanager', 'grafana'];
/** Of the profile cloud. */
const CLOUD = ['objects', 'warehouse-server', 'cloud-setup'];

interface Service {
  readonly image: string;
  readonly command?: string[];
  readonly environment?: Record<string, string>;
  readonly healthcheck?: { readonly test: string[] };
  readonly restart?: string;
  readonly profiles?: string[];
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

/** The services as they are with these variables: the validator itself puts in the defaults alone. */
function servicesWith(env: Readonly<Record<string, string>>): Record<string, Service> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-compose-'));
  const text = readFileSync(path.join(packageRoot, 'docker-compose.yml'), 'utf8');
  const file = path.join(directory, 'compose.yml');
  writeFileSync(
    file,
    text.replace(
      /\$\{(\w+):-([^}]*)\}/g,
      (_, name: string, otherwise: string) => env[name] || otherwise || "''",
    ),
  );
  const { services } = JSON.parse(load(file).stdout) as { services: Record<string, Service> };
  rmSync(directory, { recursive: true, force: true });
  return services;
}

/** Variables of a file for `--env-file`. */
const environmentFile = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(path.join(packageRoot, file), 'utf8')
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );

/** What a service's container is given, without what is empty: that is unset. */
const given = (service: Service): Record<string, string> =>
  Object.fromEntries(Object.entries(service.environment ?? {}).filter(([, value]) => value !== ''));

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
    ['cli', 'inference', 'temporal', 'temporal-setup', ...MONITORING, ...CLOUD, ...TASK_QUEUES].sort(),
  );
  for (const [name, service] of Object.entries(services)) {
    expect({ name, image: service.image }).toEqual({
      name,
      image: expect.stringMatching(/:v?\d+\.\d+\.\d+$/),
    });
    const passing = ['cli', 'temporal-setup', 'cloud-setup'].includes(name);
    expect({ name, checked: service.healthcheck !== undefined }).toEqual({ name, checked: !passing });
    // Nothing is offered to the network that the machine is in.
    for (const { host_ip } of service.ports ?? [])
      expect({ name, host_ip }).toEqual({ name, host_ip: '127.0.0.1' });
    for (const { type, source, read_only } of service.volumes ?? []) {
      if (type === 'volume') expect(volumes).toHaveProperty(source);
      // Of this machine's files nothing is written, and what is named is there.
      else
        expect({ name, source, read_only, there: existsSync(source) }).toMatchObject({
          read_only: true,
          there: true,
        });
    }
    if (MONITORING.includes(name)) continue;
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
  for (const name of [...TASK_QUEUES, 'inference', 'cli', 'cloud-setup']) {
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

validated('by default every process works on files; with infra/compose/cloud.env on the stand-ins', () => {
  const settingsOf = (env: Record<string, string>) => {
    const services = servicesWith(env);
    return [...TASK_QUEUES, 'inference', 'cli', 'cloud-setup'].map((name) =>
      loadSettings({}, given(services[name]!)),
    );
  };
  for (const { objects, warehouse, metrics } of settingsOf({})) {
    expect([objects.store, warehouse.engine]).toEqual(['files', 'duckdb']);
    expect(metrics).toMatchObject({ host: '0.0.0.0', port: 9464 });
  }
  for (const { objects, warehouse, processing, training } of settingsOf(
    environmentFile('infra/compose/cloud.env'),
  )) {
    expect(objects).toMatchObject({ store: 'gcs', endpoint: 'http://objects:4443' });
    expect(warehouse).toMatchObject({ engine: 'bigquery', endpoint: 'http://warehouse-server:9050' });
    expect([processing.engine, training.engine]).toEqual(['inline', 'local']);
  }
  const services = servicesWith({});
  for (const name of CLOUD) expect(services[name]!.profiles).toEqual(['cloud']);
});

test("the stand-ins are the tests' own, in the same versions", () => {
  const packages = (file: string) =>
    readFileSync(path.join(packageRoot, file), 'utf8')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .sort();
  expect(packages('infra/compose/stand-ins/requirements.txt')).toEqual(
    packages('tests/support/requirements-cloud.txt'),
  );
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
    expect(dockerfile).toMatch(/org\.opencontainers\.image\.revision="\$\{REVISION\}"/);
    // Same sources, same layers.
    expect(dockerfile).toMatch(/node infra\/docker\/slim-modules\.cjs node_modules dist/);
  },
);

describe('slim-modules', () => {
  const slim = createRequire(path.join(packageRoot, 'package.json'))('./infra/docker/slim-modules.cjs') as {
    isSuperfluous(name: string, entry: { isDirectory(): boolean }): boolean;
  };
  test.each([
    ['zod/index.d.ts', false, true],
    ['zod/index.js.map', false, true],
    ['zod/index.js', false, false],
    ['zod/LICENSE', false, false],
    ['@tensorflow/tfjs/dist/tf.es2017.js', false, true],
    ['@tensorflow/tfjs/dist/tf.node.js', false, false],
    ['@temporalio/core-bridge/releases/aarch64-apple-darwin', true, true],
    [
      `@temporalio/core-bridge/releases/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`,
      true,
      false,
    ],
  ] as const)('%s', (name, directory, gone) => {
    expect(slim.isSuperfluous(name, { isDirectory: () => directory })).toBe(gone);
  });
});

test('compose builds the worker image', () => {
  const compose = parse(readFileSync(path.join(packageRoot, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  }) as { services: { gpu: { build: { dockerfile: string } } } };
  expect(compose.services.gpu.build.dockerfile).toBe('infra/docker/worker.Dockerfile');
});
