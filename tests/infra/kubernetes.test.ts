import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { V1Deployment } from '@kubernetes/client-node';
import { parseAllDocuments, stringify } from 'yaml';
import { TASK_QUEUES } from '../../src/contracts';
import { ruleGroups } from '../../scripts/monitoring-rules';
import { packageRoot } from '../../src/foundation';
import { createFileObjectStore, createPointerLog } from '../../src/objects';
import { openKubernetesDeployer } from '../../src/platform/rollout';
import { loadSettings } from '../../src/platform/settings';
import { planFor } from '../../src/rollout/kubernetes/desired';
import { createModelRegistry } from '../../src/tracking';
import { makeCard } from '../serving/support/card';
import { kedaDefinitions, managedPrometheusDefinitions } from '../support/custom-resources';
import { describeWhere } from '../support/describe-where';
import { eventually } from '../support/eventually';
import {
  describeWithKubernetes,
  kubectlLacks,
  kubernetesLacks,
  startControlPlane,
  type ControlPlane,
} from '../support/kubernetes';
import { describeWithPython, pythonOf } from '../support/python';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly data?: Record<string, string>;
  readonly spec?: V1Deployment['spec'] & {
    scaleTargetRef?: { name: string };
    triggers?: { metadata: Record<string, string>; authenticationRef?: { name: string } }[];
  };
}

const infra = path.join(packageRoot, 'infra', 'kubernetes');
const directory = mkdtempSync(path.join(packageRoot, '.titrate', 'kubernetes-'));
const version = path.join(directory, 'version');
const cloud = path.join(directory, 'cloud');
const OVERLAYS = {
  dev: path.join(infra, 'overlays/dev'),
  prod: path.join(infra, 'overlays/prod'),
  version,
  /** prod with Temporal Cloud. */
  cloud,
};
const BUILD = 'b-1f3a90';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const generate = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(infra, 'worker-version.cjs'), ...args], { encoding: 'utf8' });

const built = new Map<keyof typeof OVERLAYS, string>();
/** What `kubectl apply -k` would apply. */
function overlay(name: keyof typeof OVERLAYS): string {
  if (!built.has(name)) {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', OVERLAYS[name]], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`kubectl kustomize ${name}: ${stderr}`);
    built.set(name, stdout);
  }
  return built.get(name)!;
}
const manifests = (name: keyof typeof OVERLAYS): Manifest[] =>
  parseAllDocuments(overlay(name)).map((document) => document.toJS() as Manifest);
const deployments = (name: keyof typeof OVERLAYS) =>
  manifests(name).filter(({ kind }) => kind === 'Deployment');
const podOf = (manifest: Manifest) => manifest.spec!.template.spec!;
const settingsOf = (name: 'dev' | 'prod' | 'cloud') =>
  loadSettings({}, manifests(name).find(({ kind }) => kind === 'ConfigMap')!.data!);

beforeAll(() => {
  expect(
    generate(
      BUILD,
      `registry:5000/titrate@${DIGEST}`,
      version,
      '--gpu-image',
      `registry:5000/training@${DIGEST}`,
    ).status,
  ).toBe(0);
  mkdirSync(cloud);
  const part = (name: string) => path.relative(cloud, path.join(infra, name));
  const made = { resources: [part('overlays/prod')], components: [part('components/temporal-cloud')] };
  writeFileSync(path.join(cloud, 'kustomization.yaml'), stringify(made));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Objects of a campaign with a canary, by a route and by replicas, as the deployer writes them. */
function deployersObjects(): string {
  const settings = loadSettings({}, { TITRATE_OBJECTS_STORE: 'gcs', TITRATE_OBJECTS_BUCKET: 'b' });
  const { minReplicas: min, maxReplicas: max, ...rest } = settings.kubernetes;
  const entry = (number: number, target: string) =>
    ({ number, target, operationId: `op/${number}`, at: '2026-01-01' }) as never;
  const desired = {
    campaignId: 'solubility-42',
    serving: entry(1, 'solubility-42/v1'),
    trialEntry: entry(1, ''),
    trial: { version: 'solubility-42/v2', mode: 'canary' as const, share: 25 },
  };
  const plan = planFor(
    desired,
    { service: null, stable: null, candidate: null },
    { ...rest, image: 'titrate:1', env: {}, gateway: null, replicas: { min, max } },
    900,
  );
  return plan.apply.map((object) => stringify(object)).join('---\n');
}

describeWhere(kubectlLacks(), 'the manifests', () => {
  test.each(['dev', 'prod', 'version', 'cloud'] as const)(
    '%s: a hardened Deployment for every task queue',
    (name) => {
      const queues = deployments(name).map(({ metadata }) => metadata.labels!['titrate.dev/queue']);
      expect(queues.sort()).toEqual([...TASK_QUEUES].sort());
      for (const deployment of deployments(name)) {
        const pod = podOf(deployment);
        const queue = deployment.metadata.labels!['titrate.dev/queue']!;
        expect(pod).toMatchObject({
          serviceAccountName: `titrate-${queue}`,
          automountServiceAccountToken: queue === 'deploy',
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              command: ['node', '--enable-source-maps', `dist/workers/${queue}.js`],
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        });
        expect(pod.containers[0]!.resources!.limits).toHaveProperty('memory');
      }
      const warehouse = deployments(name).find(({ metadata }) => metadata.name.includes('warehouse'))!;
      expect(warehouse.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    },
  );

  test.each(['dev', 'prod'] as const)(
    '%s: the settings are complete, and models are served by the image of the workers',
    (name) => {
      const settings = settingsOf(name);
      expect(settings.rollout.engine).toBe('kubernetes');
      for (const deployment of deployments(name)) {
        const { image } = podOf(deployment).containers[0]!;
        if (name === 'prod' && deployment.metadata.name === 'titrate-gpu')
          expect(image).toMatch(/\/titrate\/training:/);
        else expect(image).toBe(settings.kubernetes.image);
      }
    },
  );

  test('what the cluster needs and the settings lack is named', () => {
    expect(() => loadSettings({}, { TITRATE_ROLLOUT_ENGINE: 'kubernetes' })).toThrow(
      /kubernetes\.image.*objects\.store: gcs.*inference\.auth\.mode/s,
    );
    expect(loadSettings({}, {}).rollout.engine).toBe('local');
  });

  test('prod: a GPU worker asks for a GPU and goes where GPUs are', () => {
    const gpu = podOf(deployments('prod').find(({ metadata }) => metadata.name === 'titrate-gpu')!);
    expect(gpu.containers[0]!.resources!.limits!['nvidia.com/gpu']).toBe('1');
    expect(gpu.nodeSelector).toHaveProperty(['cloud.google.com/gke-accelerator']);
    expect(gpu.tolerations).toHaveLength(1);
  });

  test('a version of the workers has its build id in names, selectors, environment and scalers', () => {
    for (const deployment of deployments('version')) {
      expect(deployment.metadata.name).toMatch(new RegExp(`^titrate-[a-z]+-${BUILD}$`));
      expect(deployment.spec!.selector.matchLabels).toMatchObject({ 'titrate.dev/build-id': BUILD });
      const [container] = podOf(deployment).containers;
      const image = deployment.metadata.name.startsWith('titrate-gpu') ? 'training' : 'titrate';
      expect(container!.image).toBe(`registry:5000/${image}@${DIGEST}`);
      expect(container!.env).toEqual(
        expect.arrayContaining([
          { name: 'TEMPORAL_DEPLOYMENT_NAME', value: 'titrate' },
          { name: 'TEMPORAL_WORKER_BUILD_ID', value: BUILD },
        ]),
      );
    }
    const names = deployments('version').map(({ metadata }) => metadata.name);
    const scalers = manifests('version').filter(({ kind }) => kind === 'ScaledObject');
    expect(scalers).toHaveLength(4);
    for (const { spec } of scalers) {
      expect(names).toContain(spec!.scaleTargetRef!.name);
      expect(spec!.triggers![0]!.metadata).toMatchObject({ workerDeploymentBuildId: BUILD });
    }
    expect(generate('B_1', 'titrate:1').stderr).toMatch(/'B_1' is no build id/);
    expect(generate('b1', 'titrate').stderr).toMatch(/neither a tag nor a digest/);
    expect(generate('b1', 'titrate:1', '--tls').stderr).toMatch(/Unknown option '--tls'/);
  });

  test('with Temporal Cloud workers and scalers ask the same server for the same namespace, with the key of one Secret', () => {
    const { temporal } = settingsOf('cloud');
    expect(temporal).toMatchObject({ namespace: 'titrate.a1b2c', tls: { mode: 'on' } });
    for (const deployment of deployments('cloud'))
      expect(podOf(deployment).containers[0]!.envFrom).toContainEqual({
        secretRef: { name: 'titrate-temporal' },
      });
    const triggers = manifests('cloud').flatMap(({ spec }) => spec?.triggers ?? []);
    expect(triggers).toHaveLength(4);
    for (const { metadata, authenticationRef } of triggers) {
      expect(metadata).toMatchObject({
        endpoint: `${temporal.host}:${temporal.port}`,
        namespace: temporal.namespace,
      });
      expect(authenticationRef).toEqual({ name: 'titrate-temporal' });
    }
    // A version's scalers have an authentication of their own.
    const folder = path.join(directory, 'cloud-version');
    expect(generate('b2', 'titrate:1', folder, '--temporal-cloud').status).toBe(0);
    const { stdout } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    expect(stdout.match(/name: titrate-temporal-b2$/gm)).toHaveLength(5);
  });
});

describeWithPython(
  "Kubernetes' and KEDA's own schemas, offline",
  () => {
    test('take every manifest, and everything that the deployer writes', () => {
      const texts = [
        overlay('dev'),
        overlay('prod'),
        overlay('version'),
        overlay('cloud'),
        deployersObjects(),
      ];
      const file = path.join(directory, 'input.json');
      writeFileSync(file, JSON.stringify(texts.map((text) => parseAllDocuments(text).map((d) => d.toJS()))));
      const script = [
        'import json, sys, kubernetes_validate',
        'from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication',
        'KEDA = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}',
        'counts = {"kubernetes": 0, "keda": 0, "monitoring": 0}',
        'for document in [d for text in json.load(open(sys.argv[1])) for d in text]:',
        '    if document["apiVersion"].startswith("monitoring.googleapis.com/"):',
        '        counts["monitoring"] += 1',
        '    elif document["kind"] in KEDA:',
        '        kept = KEDA[document["kind"]].model_validate(document).model_dump(by_alias=True, exclude_unset=True, mode="json")',
        '        assert kept["spec"] == document["spec"], (kept["spec"], document["spec"])',
        '        counts["keda"] += 1',
        '    else:',
        '        kubernetes_validate.validate(document, "1.33", strict=True)',
        '        counts["kubernetes"] += 1',
        'print(json.dumps(counts))',
      ].join('\n');
      const run = spawnSync(pythonOf('kubernetes')!, ['-c', script, file], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
      // Managed Prometheus' kinds are checked by a control plane, below.
      expect(JSON.parse(run.stdout)).toEqual({
        kubernetes: 21 + 26 + 5 + 26 + 5,
        keda: 4 * 4 + 1,
        monitoring: 3 * (2 + ruleGroups().size),
      });
    });
  },
  'kubernetes',
);

describeWithKubernetes('the manifests on a real control plane', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    const lacks = kubernetesLacks();
    if (lacks) throw new Error(lacks);
    plane = await startControlPlane();
    // KEDA's own definitions are too large for the annotation that a client-side apply leaves.
    const definitions = `${kedaDefinitions()}---\n${managedPrometheusDefinitions()}`;
    plane.kubectl(['apply', '--server-side', '-f', '-'], definitions);
    plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    plane.kubectl(['apply', '-f', path.join(infra, 'base/namespace.yaml')]);
  }, 120_000);
  afterAll(() => plane?.close());

  test.each(['dev', 'prod', 'version', 'cloud'] as const)('%s passes server-side dry-run', (name) => {
    const strict = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    const said = plane.kubectl(strict, overlay(name));
    expect(said.trim().split('\n')).toHaveLength(manifests(name).length);
  });

  test('the namespace admits the pods of the workers, and none that may become root', async () => {
    plane.kubectl(['apply', '--server-side', '-f', '-'], overlay('dev'));
    // Not `kubectl wait`: the kubelet lives in this very process.
    const available = 'jsonpath={.items[*].status.availableReplicas}';
    await eventually(
      async () => plane.kubectl(['get', 'deployment', '-n', 'titrate', '-o', available]).trim(),
      (replicas) => replicas === '1 1 1 1 1',
      { every: 200 },
    );
    expect(() =>
      plane.kubectl(['run', 'root', '--image=titrate', '-n', 'titrate', '--dry-run=server']),
    ).toThrow(/violates PodSecurity "restricted/);
  });

  test('the deploy worker may do what the deployer does, with its own account, and nothing else', async () => {
    const may = (verb: string, resource: string, namespace = 'titrate') => {
      const account = 'system:serviceaccount:titrate:titrate-deploy';
      try {
        return (
          plane.kubectl(['auth', 'can-i', verb, resource, '-n', namespace, '--as', account]).trim() === 'yes'
        );
      } catch {
        return false;
      }
    };
    const refused = [
      ['get', 'secrets'], ['list', 'secrets'], ['create', 'pods'], ['delete', 'pods'], ['create', 'pods/exec'],
      ['update', 'deployments.apps'], ['deletecollection', 'deployments.apps'], ['create', 'roles'],
      ['create', 'serviceaccounts/token'], ['patch', 'configmaps'], ['get', 'nodes'], ['watch', 'services'],
    ] as const; // prettier-ignore
    for (const [verb, resource] of refused)
      expect([verb, resource, may(verb, resource)]).toEqual([verb, resource, false]);
    expect(may('patch', 'deployments.apps')).toBe(true);
    expect(may('patch', 'deployments.apps', 'kube-system')).toBe(false);

    const token = plane.kubectl(['create', 'token', 'titrate-deploy', '-n', 'titrate']).trim();
    const config = JSON.parse(plane.kubectl(['config', 'view', '--raw', '-o', 'json']));
    config.users[0].user = { token };
    const kubeconfig = path.join(directory, 'deploy.json');
    writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    const objects = createFileObjectStore(path.join(directory, 'objects'));
    const pointers = createPointerLog(objects);
    const registry = createModelRegistry({ objects, pointers });
    const k8s = openKubernetesDeployer(
      { ...settingsOf('dev'), kubernetes: { ...settingsOf('dev').kubernetes, kubeconfig } },
      { pointers, registry },
    );
    const card = makeCard({ campaignId: 'rights' });
    const one = await registry.register('rights', card, 'register/1');
    const two = await registry.register('rights', card, 'register/2');
    const by = (operationId: string) => ({
      campaignId: 'rights',
      operationId,
      author: 'ada',
      reason: 'rights',
    });
    expect(await k8s.deploy({ ...by('a'), version: one })).toMatchObject({ status: 'ready' });
    const candidate = { version: two, mode: 'canary' as const, share: 50 };
    expect(await k8s.trial({ ...by('b'), candidate })).toMatchObject({ status: 'ready' });
    expect(await k8s.trial({ ...by('c'), candidate: null })).toMatchObject({ status: 'ready' });
    expect(await k8s.observe('rights')).toMatchObject({ status: 'ready', version: one.id });
    expect(await k8s.remove('rights')).toHaveLength(4);

    // Without its right it says whose it is.
    plane.kubectl(['delete', 'rolebinding', 'titrate-deploy', '-n', 'titrate']);
    await expect(k8s.observe('rights')).rejects.toMatchObject({
      code: 'contradiction',
      message: expect.stringMatching(/titrate-deploy" cannot list.*deploy-rbac\.yaml/s),
    });
  });
});
