import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { protos } from '@google-cloud/dataflow';
import { parse, parseAllDocuments } from 'yaml';
import { isAlert, ruleGroups } from '../../scripts/monitoring-rules';
import { packageRoot } from '../../src/foundation';
import { loadSettings, SETTING_VARIABLES, type SettingsInput } from '../../src/platform/settings';
import { COMPONENTS, IDENTITIES, PERMISSIONS, PLATFORM_SCALERS, SECRETS } from '../../src/platform/topology';
import { warehouseTables } from '../../src/warehouse/bigquery/migrated-tables';
import { describeWhere } from '../support/describe-where';
import { kubectlLacks } from '../support/kubernetes';
import { describeWithPython, pythonOf } from '../support/python';
import { openWorkplace, TERRAFORM_ROOTS, type Plan } from '../support/terraform';

const workplace = openWorkplace();
const PROJECT = 'acme-titrate-42';
const directory = path.join(packageRoot, '.titrate', `installation-${process.pid}`);
const readText = (file: string) => readFileSync(file, 'utf8');
afterAll(() => {
  workplace.close();
  rmSync(directory, { recursive: true, force: true });
});

describeWhere(workplace.lacks, 'infra/terraform', () => {
  const { run, test: tests } = workplace;
  beforeAll(() => void mkdirSync(directory, { recursive: true }));
  const plans: Partial<Record<'dev' | 'prod', Plan>> = {};
  const planned = (environment: 'dev' | 'prod') => plans[environment]!;
  const ofType = (environment: 'dev' | 'prod', type: string) =>
    planned(environment).resources.filter((resource) => resource.type === type);

  test('is formatted', async () => {
    expect(await run('.', 'fmt', '-check', '-recursive', '-diff', '-no-color')).toEqual({
      code: 0,
      output: '',
    });
  });

  test.each(TERRAFORM_ROOTS)(
    '%s: init, validate, test',
    async (root) => {
      const begun = await run(root, 'init', '-backend=false', '-input=false', '-no-color');
      expect(begun).toMatchObject({ code: 0 });
      const valid = await run(root, 'validate', '-no-color');
      expect(valid).toMatchObject({ code: 0 });
      const { code, output, plan } = await tests(root);
      expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
      if (root === 'environments/dev') plans.dev = plan!;
      if (root === 'environments/prod') plans.prod = plan!;
    },
    120_000,
  );

  describe.each(['dev', 'prod'] as const)('%s', (environment) => {
    test('nothing is public', () => {
      const { resources } = planned(environment);
      const all = JSON.stringify(resources.map(({ change }) => change.after));
      expect(all).not.toMatch(/"all(Authenticated)?Users"/);
      expect(all).not.toContain('"access_config":[{');
      expect(all).not.toContain('"ipv4_enabled":true');
      for (const { change } of ofType(environment, 'google_storage_bucket'))
        expect(change.after).toMatchObject({
          public_access_prevention: 'enforced',
          uniform_bucket_level_access: true,
        });
      for (const { change } of ofType(environment, 'google_compute_firewall'))
        if (JSON.stringify(change.after.source_ranges).includes('0.0.0.0/0'))
          expect(change.after.allow).toEqual([]);
    });

    test("leaves what others have bound, makes no keys and keeps no secret's value", () => {
      const types = new Set(planned(environment).resources.map(({ type }) => type));
      expect([...types].filter((type) => /_iam_(policy|binding)$/.test(type))).toEqual([]);
      expect(types).not.toContain('google_service_account_key');
      expect(types).not.toContain('google_secret_manager_secret_version');
    });

    test('binds what the code says, and beside it only what nodes, Workload Identity, the pipeline and people need', () => {
      const cloud = environment === 'prod';
      const wanted = Object.entries(PERMISSIONS).flatMap(([identity, list]) =>
        list
          .filter(({ on }) => cloud || on !== 'secret:titrate-temporal-api-key')
          .map(({ role, on }) => {
            const name = role.startsWith('roles/') ? role : `projects/${PROJECT}/roles/${role}`;
            return `serviceAccount:${identity}@${PROJECT}.iam.gserviceaccount.com ${name} ${on}`;
          }),
      );
      const bound = planned(environment).outputs.bindings as Record<string, Record<string, string>>;
      const lines = Object.values(bound).map(({ member, role, on }) => `${member} ${role} ${on}`);
      expect(lines.sort()).toEqual([...new Set(wanted)].sort());

      const members = planned(environment).resources.filter(({ type }) => /_iam_member$/.test(type));
      const rest = members
        .filter(({ index }) => !bound[String(index)])
        .map(({ change }) => change.after.role);
      expect([...new Set(rest)].sort()).toEqual(
        [
          'roles/artifactregistry.reader',
          'roles/container.defaultNodeServiceAccount',
          'roles/iam.workloadIdentityUser',
          ...(cloud
            ? ['roles/cloudkms.cryptoKeyEncrypterDecrypter', 'roles/iam.serviceAccountTokenCreator']
            : []),
        ].sort(),
      );
      for (const { change } of members)
        expect(change.after.role).not.toMatch(/^roles\/(owner|editor|viewer|browser)$|[aA]dmin$/);
    });

    test('has an account for each identity, and for each pod the Kubernetes account of its name', () => {
      const accounts = ofType(environment, 'google_service_account').map(
        ({ change }) => change.after.account_id,
      );
      expect(accounts.sort()).toEqual([...IDENTITIES.map(({ name }) => name), 'titrate-nodes'].sort());
      const pods = ofType(environment, 'google_service_account_iam_member')
        .filter(({ name }) => name === 'pods')
        .map(({ change }) => change.after.member);
      expect(pods.sort()).toEqual(
        IDENTITIES.filter(({ by }) => by === 'pod')
          .map(({ name }) => `serviceAccount:${PROJECT}.svc.id.goog[titrate/${name}]`)
          .sort(),
      );
    });

    test('has the node pools and the bounds of the topology', () => {
      const pools = PLATFORM_SCALERS.filter(
        ({ by, bounds }) => by === 'node-pool' && bounds[environment].max > 0,
      );
      expect((planned(environment).outputs.kubernetes as { node_pools: unknown }).node_pools).toEqual(
        Object.fromEntries(pools.map(({ name, bounds }) => [name, bounds[environment]])),
      );
      const machines = ofType(environment, 'google_container_node_pool').map(({ index, change }) => {
        const [config] = change.after.node_config as { machine_type: string; spot: boolean }[];
        return [index, config!.machine_type, config!.spot];
      });
      expect(machines.sort()).toEqual(
        pools.map(({ name, machineType, spot }) => [name, machineType, spot]).sort(),
      );
    });

    test("makes the tables that the warehouse's migrations make", async () => {
      const wanted = await warehouseTables();
      const tables = ofType(environment, 'google_bigquery_table').map(({ index, change }) => {
        const { schema, clustering, time_partitioning: partitions, description } = change.after;
        return [
          index,
          {
            description,
            schema: JSON.parse(schema as string) as unknown,
            ...((partitions as { field: string }[]).length > 0 && {
              partition: (partitions as { field: string }[])[0]!.field,
            }),
            ...(clustering && { cluster: clustering }),
          },
        ];
      });
      expect(Object.fromEntries(tables)).toEqual(wanted);
    });

    test('settings and variables say the same, and the program starts with them', () => {
      const { settings, environment: variables } = planned(environment).outputs;
      const elsewhere = { TITRATE_CONFIG: path.join(directory, 'none.yaml') };
      writeFileSync(elsewhere.TITRATE_CONFIG, '{}');
      const byFile = loadSettings(settings as SettingsInput, elsewhere);
      const byVariables = loadSettings({}, { ...(variables as Record<string, string>), ...elsewhere });
      // What has no variable is the default there.
      const { labels } = byFile.google;
      expect({ ...byVariables, google: { ...byVariables.google, labels } }).toEqual({
        ...byFile,
        processing: { ...byFile.processing, workerImage: byVariables.processing.workerImage },
      });
      expect(byFile.kubernetes).toMatchObject({
        minReplicas: COMPONENTS.inference.scaling.bounds[environment].min,
        maxReplicas: COMPONENTS.inference.scaling.bounds[environment].max,
      });
      for (const name of Object.keys(variables as object)) expect(SETTING_VARIABLES).toHaveProperty(name);
    });

    test('every rule of Prometheus is an alert policy', () => {
      const groups = [...ruleGroups().values()].flat();
      const rules = groups.flatMap((group) => group.rules.filter(isAlert));
      const policies = ofType(environment, 'google_monitoring_alert_policy').filter(
        ({ name }) => name === 'rules',
      );
      expect(policies.map(({ index }) => index).sort()).toEqual(rules.map(({ alert }) => alert).sort());
      const durations = policies.map(({ index, change }) => {
        const [condition] = change.after.conditions as {
          condition_prometheus_query_language: { duration: string }[];
        }[];
        return [index, condition!.condition_prometheus_query_language[0]!.duration];
      });
      const seconds = (text = '0s') =>
        parseInt(text, 10) * { s: 1, m: 60, h: 3600 }[text.at(-1) as 's' | 'm' | 'h'];
      expect(Object.fromEntries(durations)).toEqual(
        Object.fromEntries(rules.map((rule) => [rule.alert, `${seconds(rule.for)}s`])),
      );
      expect(JSON.stringify(policies.map(({ change }) => change.after.documentation))).not.toContain('{{');
    });
  });

  test('prod loses nothing: what holds data is protected, the secrets are those of the code', () => {
    const protections = planned('prod').resources.flatMap(({ address, change }) => {
      const {
        deletion_protection: safe,
        force_destroy: forced,
        delete_contents_on_destroy: emptied,
      } = change.after;
      return [
        ...(safe !== undefined ? [[address, safe]] : []),
        ...(forced !== undefined ? [[address, !forced]] : []),
        ...(emptied !== undefined ? [[address, !emptied]] : []),
      ];
    });
    expect(protections.length).toBeGreaterThan(10);
    expect(protections.filter(([, safe]) => safe !== true)).toEqual([]);
    const secrets = ofType('prod', 'google_secret_manager_secret').map(
      ({ change }) => change.after.secret_id,
    );
    expect(secrets.sort()).toEqual(SECRETS.map(({ name }) => name).sort());
  });

  test("the Flex Template is one by Dataflow's published schema, and its machines have private addresses", () => {
    const template = JSON.parse(planned('prod').outputs.dataflow_template as string) as object;
    const { ContainerSpec, WorkerIPAddressConfiguration } = protos.google.dataflow.v1beta3;
    // Names of the schema: what it does not know would be lost.
    expect(ContainerSpec.toObject(ContainerSpec.fromObject(template), { enums: String })).toMatchObject({
      image: expect.stringMatching(/dataflow@sha256:3{64}$/) as string,
      sdkInfo: { language: 'PYTHON' },
      defaultEnvironment: { maxWorkers: 20, ipConfiguration: 'WORKER_IP_PRIVATE' },
    });
    expect(WorkerIPAddressConfiguration).toHaveProperty('WORKER_IP_PRIVATE');
    expect(planned('dev').outputs.dataflow_template).toBeNull();
  });

  describeWhere(kubectlLacks(), 'infra/kubernetes/installation.cjs', () => {
    const install = (outputs: Plan['outputs'], folder: string) => {
      const file = path.join(directory, 'outputs.json');
      const wrapped = Object.entries(outputs).map(([name, value]) => [name, { value, sensitive: false }]);
      writeFileSync(file, JSON.stringify(Object.fromEntries(wrapped)));
      const script = path.join(packageRoot, 'infra/kubernetes/installation.cjs');
      return spawnSync(process.execPath, [script, file, path.join(directory, folder)], { encoding: 'utf8' });
    };

    test('prod: accounts, settings, images and scalers are those that Terraform made', () => {
      const { outputs } = planned('prod');
      expect(install(outputs, 'prod')).toMatchObject({ status: 0, stderr: '' });
      const built = spawnSync('kubectl', ['kustomize', path.join(directory, 'prod')], { encoding: 'utf8' });
      expect(built).toMatchObject({ status: 0 });
      expect(built.stdout).not.toContain('my-project');
      const objects = parseAllDocuments(built.stdout).map((document) => document.toJS() as KubernetesObject);
      const of = (kind: string) => objects.filter((object) => object.kind === kind);

      const { variables, images, accounts } = outputs.kubernetes as unknown as InstallationOutputs;
      const data = of('ConfigMap').find(({ metadata }) => metadata.name === 'titrate-settings')!.data!;
      const given = Object.entries(variables).filter(([, value]) => value !== null);
      expect(data).toMatchObject(Object.fromEntries(given));
      for (const component of Object.values(COMPONENTS))
        expect(Object.keys(data)).toEqual(expect.arrayContaining([...component.settings]));
      expect(loadSettings({}, data).training.engine).toBe('vertex');

      const pulled = of('Deployment').map(({ metadata, spec }) => [
        metadata.name,
        spec!.template!.spec.containers[0]!.image,
      ]);
      expect(Object.fromEntries(pulled)).toMatchObject({
        'titrate-gpu': images.training,
        'titrate-orchestration': images.worker,
        'titrate-featurization': images.worker,
      });
      const identities = of('ServiceAccount').map(({ metadata }) => [
        metadata.name,
        metadata.annotations?.['iam.gke.io/gcp-service-account'],
      ]);
      expect(Object.fromEntries(identities)).toEqual(accounts);
      for (const { spec } of of('ScaledObject'))
        expect(spec!.triggers![0]).toMatchObject({
          metadata: { endpoint: 'europe-west3.gcp.api.temporal.io:7233', namespace: 'titrate.a1b2c' },
          authenticationRef: { name: 'titrate-temporal' },
        });
      expect(parse(readText(path.join(directory, 'prod/titrate.yaml')))).toEqual(outputs.settings);
    });

    test('dev, before there are images: says what lacks, and what to do', () => {
      const { status, stderr } = install(planned('dev').outputs, 'dev');
      expect(status).toBe(2);
      expect(stderr).toContain(
        'no image of the workers: build and push it, then apply with image_digests.worker',
      );
    });

    test("dev with its image, and a Temporal server of one's own", () => {
      const { outputs } = planned('dev');
      const kubernetes = outputs.kubernetes as unknown as InstallationOutputs;
      const worker = `europe-west4-docker.pkg.dev/${PROJECT}/titrate/worker@sha256:${'1'.repeat(64)}`;
      const withImage = { ...kubernetes, images: { worker } } as unknown as Plan['outputs'][string];
      const database = { host: '10.20.64.3', instance: 'titrate-temporal' };
      const result = install({ ...outputs, kubernetes: withImage, temporal_database: database }, 'dev');
      expect(result).toMatchObject({ status: 0, stderr: '' });
      const built = spawnSync('kubectl', ['kustomize', path.join(directory, 'dev')], { encoding: 'utf8' });
      expect(built).toMatchObject({ status: 0 });
      expect(built.stdout).not.toContain('authenticationRef');
      expect(built.stdout.match(/image: .*/g)).toEqual(Array(5).fill(`image: ${worker}`));
      const values = parse(readText(path.join(directory, 'dev/temporal-values.yaml'))) as unknown;
      expect(JSON.stringify(values)).toContain('"visibility":{"sql":{"connectAddr":"10.20.64.3:5432"}}');
    });

    test('what is no output of Terraform is told by its name', () => {
      const { status, stderr } = install({}, 'none');
      expect(status).toBe(2);
      expect(stderr).toContain("has no output 'kubernetes'");
    });
  });
});

describeWithPython(
  'infra/terraform, as checkov reads it',
  () => {
    test('nothing fails but what .checkov.yaml explains', () => {
      const folder = path.join(packageRoot, 'infra/terraform');
      const args = [
        '-m',
        'checkov.main',
        '-d',
        folder,
        '--config-file',
        path.join(folder, '.checkov.yaml'),
        '-o',
        'json',
      ];
      const { stdout, stderr } = spawnSync(pythonOf('infrastructure')!, args, {
        encoding: 'utf8',
        maxBuffer: 1 << 27,
        env: { ...process.env, LOG_LEVEL: 'ERROR' },
      });
      if (!stdout.startsWith('{')) throw new Error(`checkov: ${stderr.slice(-2000)}`);
      const { summary, results } = JSON.parse(stdout) as CheckovReport;
      const failed = results.failed_checks.map(
        (found) => `${found.check_id} ${found.check_name}: ${found.resource}`,
      );
      expect(failed).toEqual([]);
      expect(summary.parsing_errors).toBe(0);
      expect(summary.passed).toBeGreaterThan(80);
    }, 120_000);
  },
  'infrastructure',
);

interface CheckovReport {
  readonly summary: { readonly passed: number; readonly parsing_errors: number };
  readonly results: {
    readonly failed_checks: readonly { check_id: string; check_name: string; resource: string }[];
  };
}
interface InstallationOutputs {
  readonly variables: Readonly<Record<string, string | null>>;
  readonly images: Readonly<Record<string, string>>;
  readonly accounts: Readonly<Record<string, string>>;
}
interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly data?: Record<string, string>;
  readonly spec?: {
    readonly template?: { spec: { containers: { image: string }[] } };
    readonly triggers?: readonly object[];
  };
}
