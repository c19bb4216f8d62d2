import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { V1Container, V1Deployment } from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import { topologyDocument } from '../../scripts/topology-documents';
import { TASK_QUEUES } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { loadSettings, SETTING_VARIABLES } from '../../src/platform/settings';
import {
  COMPONENTS,
  DEPLOYMENT_NAME,
  IDENTITIES,
  IMAGES,
  INFERENCE_PORT,
  NAMESPACE,
  PERMISSIONS,
  PLATFORM_SCALERS,
  SECRETS,
  TEMPORAL_PORTS,
  WORKER_METRICS_PORT,
  WORKERS,
  type Component,
  type Environment,
} from '../../src/platform/topology';
import { describeWhere } from '../support/describe-where';
import { kubectlLacks } from '../support/kubernetes';

/**
 * src/platform/topology says once what runs, under which name, on which port, from which image, as whom, and how far it scales. Here every
 * other place that says it is held to that.
 */
const read = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8');
const ENVIRONMENTS: readonly Environment[] = ['dev', 'prod'];

test('what Terraform reads is the topology; npm run check looks at the documents', () => {
  const text = JSON.stringify(topologyDocument());
  expect(JSON.parse(read('infra/terraform/topology.json'))).toEqual(JSON.parse(text));
});

describe('the topology itself', () => {
  test('names task queues, accounts, images and variables that there are', () => {
    expect(WORKERS.map(({ taskQueue }) => taskQueue)).toEqual([...TASK_QUEUES]);
    const accounts: readonly string[] = IDENTITIES.map(({ name }) => name);
    expect(Object.keys(PERMISSIONS).sort()).toEqual([...accounts].sort());
    for (const { name, serviceAccount, settings, image, command } of Object.values(COMPONENTS)) {
      if (serviceAccount)
        expect({ name, accounts }).toMatchObject({ accounts: expect.arrayContaining([serviceAccount]) });
      for (const variable of settings) expect(SETTING_VARIABLES).toHaveProperty([variable]);
      if (image) expect(existsSync(path.join(packageRoot, IMAGES[image].dockerfile))).toBe(true);
      const entry = command
        ?.at(-1)
        ?.replace(/^dist\//, '')
        .replace(/\.js$/, '.ts');
      if (entry) expect(existsSync(path.join(packageRoot, entry))).toBe(true);
    }
    // 6 to 30 characters, as Google takes them.
    for (const name of accounts) expect(name).toMatch(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
  });

  test('has the defaults of the settings', () => {
    const { inference, temporal, kubernetes, processing, training, warehouse } = loadSettings({}, {});
    const scaler = (name: string) => PLATFORM_SCALERS.find((found) => found.name === name)!;
    expect(inference.port).toBe(INFERENCE_PORT);
    expect(temporal).toMatchObject({ port: TEMPORAL_PORTS.grpc, uiPort: TEMPORAL_PORTS.ui });
    expect(kubernetes).toMatchObject({
      namespace: NAMESPACE,
      serviceAccount: COMPONENTS.inference.serviceAccount,
    });
    expect(warehouse.dataset).toBe('titrate');
    const { target, bounds } = COMPONENTS.inference.scaling;
    expect(target).toBe(
      `${kubernetes.targetCpuPercent} % of the CPU asked for, or ${kubernetes.queueTarget} molecules`,
    );
    expect(bounds.prod).toEqual({ min: kubernetes.minReplicas, max: kubernetes.maxReplicas });
    expect(COMPONENTS.inference.resources).toMatchObject({ cpu: kubernetes.cpu, memory: kubernetes.memory });
    expect(scaler('dataflow')).toMatchObject({ machineType: processing.machineType });
    expect(scaler('dataflow').bounds.prod.max).toBe(processing.maxWorkers);
    expect(scaler('vertex')).toMatchObject({ machineType: training.machineType });
    expect(scaler('vertex').bounds.prod.max).toBe(training.maxJobs);
    const { type, count } = scaler('vertex').accelerator!;
    expect([type.replaceAll('-', '_').toUpperCase(), count]).toEqual([
      training.acceleratorType,
      training.acceleratorCount,
    ]);
  });

  test('has node pools with room for the pods at their most', () => {
    const cpus = (quantity: string) =>
      quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
    for (const pool of PLATFORM_SCALERS.filter(({ by }) => by === 'node-pool'))
      for (const environment of ENVIRONMENTS) {
        // Where there is no GPU the pod asks for none, and goes elsewhere.
        if (pool.accelerator && pool.bounds[environment].max === 0) continue;
        const perNode = Number(pool.machineType!.split('-').at(-1)) - 1;
        const asked = pool.carries!.reduce((sum, name) => {
          const { resources, scaling } = COMPONENTS[name];
          return sum + (resources ? cpus(resources.cpu) * scaling.bounds[environment].max : 0);
        }, 0);
        const room = perNode * pool.bounds[environment].max;
        expect({ pool: pool.name, environment, enough: room >= asked }).toEqual({
          pool: pool.name,
          environment,
          enough: true,
        });
      }
  });
});

describeWhere(kubectlLacks(), 'the Kubernetes manifests', () => {
  interface Manifest {
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly annotations?: Record<string, string>;
    };
    readonly data?: Record<string, string>;
    readonly spec?: Record<string, unknown>;
  }
  const built = new Map<Environment, Manifest[]>();
  const manifests = (environment: Environment): Manifest[] => {
    if (!built.has(environment)) {
      const folder = path.join(packageRoot, 'infra/kubernetes/overlays', environment);
      const { stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
      expect(stderr).toBe('');
      built.set(
        environment,
        parseAllDocuments(stdout).map((document) => document.toJS() as Manifest),
      );
    }
    return built.get(environment)!;
  };
  const find = (environment: Environment, kind: string, name: string) =>
    manifests(environment).find((one) => one.kind === kind && one.metadata.name === name);
  const podOf = (environment: Environment, { name }: Component) =>
    (find(environment, 'Deployment', `titrate-${name}`)!.spec as V1Deployment['spec'])!.template.spec!;
  const variables = (environment: Environment) => find(environment, 'ConfigMap', 'titrate-settings')!.data!;

  describe.each(ENVIRONMENTS)('%s', (environment) => {
    test.each(WORKERS.map((component) => [component.name, component] as const))('%s', (name, component) => {
      const pod = podOf(environment, component);
      const container = pod.containers[0] as V1Container;
      expect(pod.serviceAccountName).toBe(component.serviceAccount);
      expect(container.command).toEqual(component.command);
      expect(container.ports).toEqual([{ name: 'metrics', containerPort: component.ports.metrics }]);
      for (const probe of [container.startupProbe, container.livenessProbe])
        expect({ exec: probe!.exec!.command }).toEqual(component.health);
      const { cpu, memory, memoryLimit, gpu } = component.resources!;
      const inDev = environment === 'dev' && name === 'gpu';
      if (!inDev) expect(container.resources!.requests).toEqual({ cpu, memory });
      expect(container.resources!.limits).toEqual({
        memory: memoryLimit,
        ...(gpu > 0 && !inDev && { 'nvidia.com/gpu': String(gpu) }),
      });
      const pool = PLATFORM_SCALERS.find(({ carries }) => carries?.includes(name))!;
      if (pool.accelerator && !inDev)
        expect(pod.nodeSelector).toEqual({ 'cloud.google.com/gke-accelerator': pool.accelerator.type });

      const scaled = find(environment, 'ScaledObject', `titrate-${name}`)?.spec;
      const { by, target, bounds } = component.scaling;
      if (by === 'fixed') expect(scaled).toBeUndefined();
      else
        expect(scaled).toMatchObject({
          scaleTargetRef: { name: `titrate-${name}` },
          minReplicaCount: bounds[environment].min,
          maxReplicaCount: bounds[environment].max,
          triggers: [
            {
              type: 'temporal',
              metadata: {
                endpoint: `${variables(environment).TITRATE_TEMPORAL_HOST}:${variables(environment).TITRATE_TEMPORAL_PORT}`,
                namespace: variables(environment).TITRATE_TEMPORAL_NAMESPACE,
                taskQueue: component.taskQueue,
                queueTypes: name === 'orchestration' ? 'workflow' : 'activity',
                targetQueueSize: target,
              },
            },
          ],
        });
      for (const variable of component.settings)
        expect(Object.keys(variables(environment))).toContain(variable);
    });

    test('settings, accounts, images and ports', () => {
      const data = variables(environment);
      const settings = loadSettings({}, data);
      expect(settings.metrics).toMatchObject({ host: '0.0.0.0', port: WORKER_METRICS_PORT });
      expect(settings.kubernetes).toMatchObject({
        minReplicas: COMPONENTS.inference.scaling.bounds[environment].min,
        maxReplicas: COMPONENTS.inference.scaling.bounds[environment].max,
      });
      for (const variable of Object.keys(data)) expect(SETTING_VARIABLES).toHaveProperty([variable]);
      const accounts = manifests(environment).filter(({ kind }) => kind === 'ServiceAccount');
      const pods = IDENTITIES.filter(({ by }) => by === 'pod').map(({ name }) => name as string);
      expect(accounts.map(({ metadata }) => metadata.name).sort()).toEqual([...pods].sort());
      for (const { metadata } of environment === 'prod' ? accounts : [])
        expect(metadata.annotations!['iam.gke.io/gcp-service-account']).toMatch(
          new RegExp(`^${metadata.name}@`),
        );
      for (const { metadata, kind } of manifests(environment))
        if (kind !== 'Namespace') expect([kind, metadata.namespace]).toEqual([kind, NAMESPACE]);
      for (const component of WORKERS) {
        const image = environment === 'dev' ? 'worker' : component.image;
        expect(podOf(environment, component).containers[0]!.image).toMatch(
          new RegExp(`/titrate/${image}[:@]`),
        );
      }
      const policy = find(environment, 'NetworkPolicy', 'titrate-metrics')!.spec as {
        ingress: { ports: { port: number }[] }[];
      };
      expect(policy.ingress[0]!.ports).toEqual([{ protocol: 'TCP', port: WORKER_METRICS_PORT }]);
    });
  });

  test('Secrets of the manifests are those of the topology', () => {
    const inManifests = [...ENVIRONMENTS.map((environment) => JSON.stringify(manifests(environment)))].join();
    const cloud = read('infra/kubernetes/components/temporal-cloud/kustomization.yaml');
    const { kubernetes } = loadSettings({}, {});
    for (const { kubernetesSecret, variable } of SECRETS) {
      const known =
        inManifests.includes(`"secretRef":{"name":"${kubernetesSecret}"`) ||
        kubernetes.secret === kubernetesSecret ||
        cloud.includes(`name: ${kubernetesSecret}\n`);
      expect({ kubernetesSecret, known }).toEqual({ kubernetesSecret, known: true });
      expect(variable).toMatch(/^[A-Z_]+$/);
    }
    expect(read('infra/kubernetes/worker-version.cjs')).toContain(
      `const DEPLOYMENT_NAME = '${DEPLOYMENT_NAME}';`,
    );
  });
});

describe('the compose file', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<
      string,
      {
        command?: string[];
        environment?: Record<string, string>;
        healthcheck?: { test: string[] };
        ports?: string[];
      }
    >;
  };

  test('runs the same components with the same commands, ports and health checks', () => {
    for (const { name, command, health, ports, kind } of Object.values(COMPONENTS)) {
      const service = services[name]!;
      if (command) expect({ name, command: service.command }).toEqual({ name, command });
      const checked = service.healthcheck!.test.slice(1);
      if ('path' in health)
        expect(checked.join(' ')).toContain(`http://127.0.0.1:${ports.http}${health.path}`);
      else expect(checked.slice(0, health.exec.length)).toEqual(health.exec);
      if (kind === 'worker') expect(service.environment!.TITRATE_METRICS_PORT).toBe(String(ports.metrics));
      else
        expect(service.ports!.map((published) => Number(published.split(':').at(-1)))).toContain(ports.http);
    }
    expect(services.temporal!.command).toContain(`--metrics-port=${TEMPORAL_PORTS.metrics}`);
  });

  test('has a Prometheus that asks all of them', () => {
    const { scrape_configs } = parse(read('infra/monitoring/prometheus.yml')) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((one) => one.targets),
    );
    for (const { name, ports } of Object.values(COMPONENTS))
      expect(targets).toContain(`${name}:${ports.metrics}`);
  });
});

describe('Terraform', () => {
  const outputs = read('infra/terraform/platform/outputs.tf');
  const given = [...outputs.matchAll(/^\s+(TITRATE_\w+)\s+=/gm)].map(([, name]) => name!);

  test('gives pods variables that there are, and with the shared ones of the manifests all that a component needs', () => {
    expect(given.length).toBeGreaterThan(15);
    for (const variable of given) expect(SETTING_VARIABLES).toHaveProperty([variable]);
    const base = (parse(read('infra/kubernetes/base/settings.yaml')) as { data: Record<string, string> })
      .data;
    for (const { name, settings } of WORKERS)
      for (const variable of settings)
        expect({ name, variable, given: given.includes(variable) || variable in base }).toMatchObject({
          given: true,
        });
  });

  test('reads the topology, and says no second time what it says', () => {
    expect(read('infra/terraform/platform/main.tf')).toMatch(/jsondecode\(file\(.*topology\.json"\)\)/);
    const everything = spawnSync(
      'grep',
      [
        '-rhoE',
        'titrate-(orchestration|featurization|warehouse|deploy)\\b',
        'infra/terraform',
        '--include=*.tf',
      ],
      { cwd: packageRoot, encoding: 'utf8' },
    );
    expect(everything.stdout).toBe('');
  });
});
