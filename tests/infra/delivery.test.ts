import { spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { describeWhere } from '../support/describe-where';
import { kubernetesLacks } from '../support/kubernetes';

const ci = path.join(packageRoot, 'infra/ci');
const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-supply-'));
const at = (...parts: string[]) => path.join(directory, ...parts);

/* eslint-disable @typescript-eslint/no-require-imports -- the pipeline is plain Node: it runs before anything is built. */
const { findCrane } = require('../../infra/ci/lib/crane.cjs') as { findCrane(): string | null };
const servers = require('../../infra/ci/lib/local-servers.cjs') as {
  startRegistry(): Promise<{ address: string; crane: string; close(): Promise<void> }>;
  startAdvisories(list: object[]): Promise<{ url: string; close(): Promise<void> }>;
};
const { openRepository } = require('../../infra/ci/lib/oci.cjs') as {
  openRepository(name: string): {
    write(tag: string, layers: object[]): Promise<void>;
    read(tag: string): Promise<{ bytes: Buffer }[]>;
  };
};
/* eslint-enable */

/** Go builds crane where it is not there. */
const registryLacks = () =>
  findCrane() !== null || spawnSync('go', ['version']).status === 0 ? null : 'neither crane nor Go here';
const programLacks = (program: string) =>
  spawnSync(program, ['version']).error ? `no ${program} here` : null;

async function node(script: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [path.join(ci, script), ...args], {
    env: { ...process.env, ...env },
  });
  let said = '';
  let out = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
  child.stdout.on('data', (data: Buffer) => (out += data.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, said, out };
}
const step = (name: string, args: readonly string[], env?: Record<string, string>) =>
  node(`steps/${name}.cjs`, ['--folder', at('one'), ...args], env);
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeWhere(registryLacks(), 'what is built, on its way to the registry', () => {
  let registry: Awaited<ReturnType<typeof servers.startRegistry>>;
  let env: Record<string, string>;

  beforeAll(async () => {
    registry = await servers.startRegistry();
    env = { CRANE: registry.crane };
    for (const name of ['ours', 'other']) {
      const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      writeFileSync(at(`${name}.pem`), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(at(`${name}.pub`), keys.publicKey.export({ type: 'spki', format: 'pem' }));
    }
  }, 300_000);
  afterAll(() => registry?.close());

  test('the same commit gives the same layer', async () => {
    const build = (folder: string) =>
      node('steps/build-image.cjs', ['--engine', 'layers', '--folder', at(folder)], env);
    expect(await build('one')).toMatchObject({ code: 0 });
    expect(await build('two')).toMatchObject({ code: 0 });
    expect(sha256(at('one', 'layer.tar'))).toBe(sha256(at('two', 'layer.tar')));
  });

  test('the list of packages has what is installed, and nothing of development', async () => {
    expect(await step('sbom', [])).toMatchObject({ code: 0 });
    const { bomFormat, components } = JSON.parse(readFileSync(at('one', 'sbom.cdx.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string; group?: string; hashes?: object[] }[];
    };
    const names = components.map(({ group, name }) => (group ? `${group}/${name}` : name));
    expect(bomFormat).toBe('CycloneDX');
    // @swc/core is ours in development, and of @temporalio/worker in the image.
    expect(names).toEqual(expect.arrayContaining(['@temporalio/worker', '@swc/core', 'zod']));
    expect(names).not.toContain('jest');
  });

  test('a weakness that is known stops it, unless somebody has looked at it; no answer is no pass', async () => {
    const advisory = (name: string, severity: string) => ({
      // npm keeps what it was told of an id.
      id: severity === 'critical' ? 1234 : 1235,
      name,
      severity,
      title: 'it does what it should not',
      vulnerable_versions: '*',
    });
    const scan = async (list: object[], more: string[] = []) => {
      const audit = await servers.startAdvisories(list);
      try {
        return await step('scan', ['--packages-only', ...more], {
          npm_config_registry: audit.url,
          npm_config_cache: at('npm'),
        });
      } finally {
        await audit.close();
      }
    };
    expect(await scan([])).toMatchObject({ code: 0 });
    expect(await scan([advisory('zod', 'low'), advisory('no-such-package', 'critical')])).toMatchObject({
      code: 0,
    });
    const bad = await scan([advisory('zod', 'critical')]);
    expect(bad).toMatchObject({
      code: 1,
      said: expect.stringMatching(/zod: GHSA-1234 \(critical\): it does what/),
    });
    const looked = (until: string) => {
      writeFileSync(
        at('accepted.json'),
        JSON.stringify([{ advisory: 'GHSA-1234', reason: 'never called', until }]),
      );
      return ['--accepted', at('accepted.json')];
    };
    expect(await scan([advisory('zod', 'critical')], looked('2999-01-01'))).toMatchObject({ code: 0 });
    expect(await scan([], looked('2020-01-01'))).toMatchObject({
      code: 1,
      said: expect.stringContaining('was accepted until 2020-01-01'),
    });
    expect(
      await step('scan', ['--packages-only'], {
        npm_config_registry: 'http://127.0.0.1:9/',
        npm_config_fetch_retries: '0',
      }),
    ).toMatchObject({
      code: 1,
      said: expect.stringContaining('a scan that was not made is no pass'),
    });
  }, 60_000);

  test('it is known by its digest, signed, and attested; anything else is refused', async () => {
    const repository = `${registry.address}/titrate`;
    const verify = (key = 'ours') =>
      step('sign', ['--engine', 'key', '--key', at(`${key}.pub`), '--verify'], env);
    expect(await step('push', ['--repository', repository, '--build', 'b-1'], env)).toMatchObject({
      code: 0,
    });
    expect(await verify()).toMatchObject({ code: 1, said: expect.stringContaining('is not signed') });
    expect(await step('provenance', [])).toMatchObject({ code: 0 });
    expect(await step('sign', ['--engine', 'key', '--key', at('ours.pem')], env)).toMatchObject({ code: 0 });
    expect(await verify()).toMatchObject({ code: 0 });
    expect(await verify('other')).toMatchObject({
      code: 1,
      said: expect.stringContaining('no signature of this key'),
    });

    const { digest } = JSON.parse(readFileSync(at('one', 'image.json'), 'utf8')) as { digest: string };
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const { config } = JSON.parse(
      spawnSync(registry.crane, ['config', `${repository}/worker@${digest}`], { encoding: 'utf8' }).stdout,
    ) as { config: { User: string; Labels: Record<string, string> } };
    expect(config).toMatchObject({ User: '1000' });
    const revision = spawnSync('git', ['rev-parse', 'HEAD'], {
      encoding: 'utf8',
      cwd: packageRoot,
    }).stdout.trim();
    expect(config.Labels['org.opencontainers.image.revision']).toBe(revision);

    if (programLacks('cosign') === null)
      for (const what of [
        ['verify'],
        ['verify-attestation', '--type', 'cyclonedx'],
        ['verify-attestation', '--type', 'slsaprovenance1'],
      ]) {
        const args = [
          ...what,
          '--key',
          at('ours.pub'),
          '--insecure-ignore-tlog',
          `${repository}/worker@${digest}`,
        ];
        const { status, stderr } = spawnSync('cosign', args, { encoding: 'utf8' });
        expect({ status, stderr }).toMatchObject({ status: 0 });
      }
    // An attestation that was taken from another image, signed though it is.
    const store = openRepository(`${repository}/worker`);
    const tag = `${digest.replace(':', '-')}.att`;
    const [taken] = await store.read(tag);
    const envelope = JSON.parse(taken!.bytes.toString('utf8')) as { payload: string };
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as {
      subject: unknown;
    };
    const altered = { ...statement, subject: [{ name: 'x', digest: { sha256: '0'.repeat(64) } }] };
    const bytes = Buffer.from(
      JSON.stringify({ ...envelope, payload: Buffer.from(JSON.stringify(altered)).toString('base64') }),
    );
    await store.write(tag, [{ ...taken, bytes }]);
    expect(await verify()).toMatchObject({ code: 1, said: expect.stringContaining('this key did not sign') });
  }, 60_000);
});

describeWhere(
  registryLacks() ?? kubernetesLacks() ?? programLacks('terraform'),
  'both pipelines on one machine, by one script',
  () => {
    interface Delivery {
      readonly kind: 'good' | 'broken' | 'model';
      readonly code: number;
      readonly verdict: Record<string, unknown>;
    }
    let said: string;
    let deliveries: Delivery[];

    beforeAll(async () => {
      const ran = await node('local.cjs', ['good', 'broken']);
      said = ran.said;
      if (ran.code !== 0) throw new Error(`${ran.said.slice(-4000)}\n${ran.out}`);
      deliveries = JSON.parse(ran.out) as Delivery[];
    }, 400_000);
    const of = (kind: Delivery['kind']) => deliveries.find((one) => one.kind === kind)!;

    test('a build is tested, signed, planned, applied, started, tried out, and current', () => {
      expect(of('good')).toMatchObject({ code: 0, verdict: { outcome: 'delivered', before: null } });
      const steps = [...said.matchAll(/^delivery: step (\S+)$/gm)].map(([, name]) => name);
      expect(steps.slice(0, 13)).toEqual([
        ...['build-image', 'sbom', 'scan', 'push', 'provenance', 'sign', 'terraform-plan', 'terraform-apply'],
        ...['prepare', 'verify', 'deploy-workers', 'ramp-workers', 'finish-workers'],
      ]);
    });

    test('a model goes through its gates by the rollout workflow, and the pipeline says what they said', () => {
      const { code, verdict } = of('model');
      expect(verdict).toMatchObject({
        status: 'deployed',
        gates: expect.arrayContaining([expect.objectContaining({ gate: 'skew', passed: true })]),
      });
      expect(code).toBe(0);
    });

    test('a failing smoke campaign takes the ramp back, and the pipeline fails with the reason', () => {
      expect(of('broken')).toMatchObject({
        code: 1,
        verdict: {
          outcome: 'rolled-back',
          before: 'local-1',
          reason: expect.stringMatching(/^smoke campaign at 10 %: .*pool\.csv: there is no such file/),
        },
      });
      expect(said).toContain('10 % of new workflows go to local-2');
      expect(said).toContain('ramp-workers: routing: current local-1');
      expect(said).toContain('finish-workers: removed local-2');
      expect(said).toContain('delivery: the program pipeline failed at ramp-workers');
    });
  },
);
