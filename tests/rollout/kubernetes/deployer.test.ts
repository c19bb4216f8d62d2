import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AppsV1Api, AutoscalingV2Api, CoreV1Api, type V1Deployment } from '@kubernetes/client-node';
import type { ModelVersion } from '../../../src/contracts';
import { createFileObjectStore, createPointerLog, type PointerLog } from '../../../src/objects';
import {
  createKubernetesDeployer,
  openCluster,
  type InferenceOptions,
  type KubernetesDeployerOptions,
} from '../../../src/rollout/kubernetes';
import { campaignKey, slotName, type Slot } from '../../../src/rollout/kubernetes/names';
import { createModelRegistry, type ModelRegistry } from '../../../src/tracking';
import { describeWithKubernetes, startControlPlane, type ControlPlane } from '../../support/kubernetes';
import { httpRouteDefinition } from '../../support/httproute-crd';
import { makeCard } from '../../serving/support/card';

const NAMESPACE = 'titrate';
const inference: InferenceOptions = {
  namespace: NAMESPACE,
  image: 'titrate:1',
  serviceAccount: 'titrate-inference',
  secret: 'titrate-inference',
  env: { TITRATE_OBJECTS_STORE: 'gcs', TITRATE_OBJECTS_BUCKET: 'models' },
  replicas: { min: 2, max: 10 },
  cpu: '1',
  memory: '2Gi',
  targetCpuPercent: 70,
  queueMetric: 'titrate_inference_molecules_in_flight',
  queueTarget: '500',
  gateway: null,
};

let directory: string;
let plane: ControlPlane;
let pointers: PointerLog;
let registry: ModelRegistry;
let campaign: string;
let one: ModelVersion;
let two: ModelVersion;
let campaigns = 0;

const deployer = (image = 'titrate:1', options: Partial<KubernetesDeployerOptions> = {}) =>
  createKubernetesDeployer({
    pointers,
    registry,
    cluster: openCluster({ kubeconfig: plane.kubeconfig, namespace: NAMESPACE }),
    inference: { ...inference, image },
    deadlineMs: 30_000,
    patienceMs: 300,
    ...options,
  });
const by = (operationId: string) => ({
  campaignId: campaign,
  operationId: `${campaign}/${operationId}`,
  author: 'ada',
  reason: 'passed its gates',
});
const canary = (version: ModelVersion, share: number) => ({
  candidate: { version, mode: 'canary' as const, share },
});
const apps = () => plane.config.makeApiClient(AppsV1Api);
const core = () => plane.config.makeApiClient(CoreV1Api);
const inSlot = async (slot: Slot): Promise<V1Deployment | null> => {
  const { items } = await apps().listNamespacedDeployment({ namespace: NAMESPACE });
  return items.find(({ metadata }) => metadata!.name === slotName(campaign, slot)) ?? null;
};
const argsOf = (deployment: V1Deployment | null) => deployment?.spec!.template.spec!.containers[0]!.args?.[2];
const imageOf = (deployment: V1Deployment | null) => deployment?.spec!.template.spec!.containers[0]!.image;
const targets = async (pointer: string) =>
  (await pointers.entries(`${pointer}/${campaign}`)).map(({ target }) => target);

describeWithKubernetes('the Kubernetes deployer on a real control plane', () => {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-deployer-'));
    const objects = createFileObjectStore(path.join(directory, 'objects'));
    pointers = createPointerLog(objects);
    registry = createModelRegistry({ objects, pointers });
    plane = await startControlPlane();
    plane.kubectl(['create', 'namespace', NAMESPACE]);
    plane.kubectl(['create', 'serviceaccount', 'titrate-inference', '-n', NAMESPACE]);
  }, 120_000);

  beforeEach(async () => {
    campaign = `Solubility.${(campaigns += 1)}`;
    const card = makeCard({ campaignId: campaign });
    one = await registry.register(campaign, card, 'register/1');
    two = await registry.register(campaign, card, 'register/2');
  });

  afterAll(async () => {
    await plane?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('deploys: every object is there and ours, and what was seen is on record', async () => {
    const said: string[] = [];
    const k8s = deployer();
    expect(await k8s.observe(campaign)).toMatchObject({
      status: 'failed',
      version: null,
      candidate: null,
      message: expect.stringContaining('there is no Deployment'),
    });
    const deployed = await k8s.deploy({
      ...by('a'),
      version: one,
      onProgress: (message) => said.push(message),
    });
    expect(deployed).toEqual({
      version: one.id,
      status: 'ready',
      endpoint: `http://${campaignKey(campaign)}.titrate.svc:8090`,
      message: expect.stringContaining(one.id),
    });
    expect(said.at(-1)).toMatch(/of 2 servers of inference-.* are ready/);
    expect(await targets('observed')).toEqual([one.id]);
    const stable = (await inSlot('stable'))!;
    expect(argsOf(stable)).toBe(one.id);
    expect(stable.spec!.replicas).toBe(2);
    expect(stable.metadata!.managedFields!.map(({ manager }) => manager)).toContain('titrate');
    const { items } = await plane.config
      .makeApiClient(AutoscalingV2Api)
      .listNamespacedHorizontalPodAutoscaler({ namespace: NAMESPACE });
    expect(items.find(({ metadata }) => metadata!.name === slotName(campaign, 'stable'))!.spec).toMatchObject(
      {
        minReplicas: 2,
        metrics: [{ type: 'Resource' }, { type: 'Pods' }],
      },
    );
    expect(await k8s.observe(campaign)).toMatchObject({ status: 'ready', version: one.id, candidate: null });
    // A retry rolls nothing.
    expect((await k8s.deploy({ ...by('a'), version: one })).status).toBe('ready');
    expect((await inSlot('stable'))!.metadata!.generation).toBe(stable.metadata!.generation);
  });

  test('canary by replicas, larger share, promotion, end of the trial, and back again', async () => {
    const k8s = deployer();
    await k8s.deploy({ ...by('a'), version: one });
    const first = await k8s.trial({ ...by('b'), ...canary(two, 25) });
    expect(first).toMatchObject({
      status: 'ready',
      version: one.id,
      message: expect.stringContaining('25 % of the requests (1 of 4 servers; 25 % was asked for)'),
    });
    expect(await k8s.observe(campaign)).toMatchObject({
      version: one.id,
      candidate: { version: two.id, mode: 'canary', share: 25, ready: true },
    });
    expect((await k8s.trial({ ...by('c'), ...canary(two, 50) })).message).toMatch(/50 % of the requests/);
    expect(await k8s.deploy({ ...by('d'), version: two })).toMatchObject({
      status: 'ready',
      version: two.id,
    });
    expect(await k8s.trial({ ...by('e'), candidate: null })).toMatchObject({
      status: 'ready',
      version: two.id,
    });
    expect(await inSlot('candidate')).toBeNull();
    expect(argsOf(await inSlot('stable'))).toBe(two.id);
    expect(await k8s.deploy({ ...by('f'), version: one })).toMatchObject({ status: 'ready' });
    expect(argsOf(await inSlot('stable'))).toBe(one.id);
    expect(await targets('serving')).toEqual([one.id, two.id, one.id]);
    // A late retry of what was superseded moves nothing.
    expect(await k8s.deploy({ ...by('d'), version: two })).toMatchObject({
      status: 'superseded',
      message: expect.stringContaining(`${campaign}/f`),
    });
    expect(argsOf(await inSlot('stable'))).toBe(one.id);
  });

  test.each([
    ['bad', /image titrate:bad cannot be pulled \(ImagePullBackOff\): Back-off/],
    ['crash', /ends again and again \(4 restarts\): exit code 1, Error, artifact-corrupt: no model/],
    ['silent', /within 2 s: pod .* does not answer as it should: Startup probe failed.*503/],
    ['homeless', /within 2 s: no node can take pod .*Insufficient memory/],
  ])(
    'an image that is %s: the trial is withdrawn with the reason, what serves is untouched',
    async (kind, reason) => {
      await deployer().deploy({ ...by('a'), version: one });
      const before = (await inSlot('stable'))!;
      const failing = deployer(`titrate:${kind}`, { deadlineMs: 2000 });
      const failed = await failing.trial({ ...by('b'), ...canary(two, 50) });
      expect(failed).toMatchObject({
        status: 'failed',
        version: one.id,
        message: expect.stringMatching(reason),
      });
      expect(failed.message).toMatch(/The trial was withdrawn; .*v1 serves as before$/);
      expect(await targets('trial')).toEqual([`${two.id} canary 50`, 'none']);
      expect(await inSlot('candidate')).toBeNull();
      const after = (await inSlot('stable'))!;
      expect([imageOf(after), after.metadata!.generation]).toEqual([
        'titrate:1',
        before.metadata!.generation,
      ]);
      // Its retry says the same and moves nothing.
      expect(await failing.trial({ ...by('b'), ...canary(two, 50) })).toEqual(failed);
      expect(await targets('trial')).toHaveLength(2);
    },
  );

  test('a release whose image never starts is taken back: the earlier version, with the image it ran with', async () => {
    await deployer().deploy({ ...by('a'), version: one });
    const failed = await deployer('titrate:bad').deploy({ ...by('b'), version: two });
    expect(failed).toMatchObject({
      status: 'failed',
      version: one.id,
      message: expect.stringMatching(
        /v2 did not start: image titrate:bad cannot be pulled.*v1 serves again$/,
      ),
    });
    expect(await targets('serving')).toEqual([one.id, two.id, one.id]);
    const stable = await inSlot('stable');
    expect([argsOf(stable), imageOf(stable)]).toEqual([one.id, 'titrate:1']);
    expect(await deployer('titrate:bad').deploy({ ...by('b'), version: two })).toEqual(failed);
    expect(await deployer('titrate:2').deploy({ ...by('c'), version: two })).toMatchObject({
      status: 'ready',
    });
    expect(imageOf(await inSlot('stable'))).toBe('titrate:2');
  });

  test('what another field manager owns is reported, with its name and the fields, and nothing changes', async () => {
    const k8s = deployer();
    await k8s.deploy({ ...by('a'), version: one });
    const name = slotName(campaign, 'stable');
    const foreign = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: { template: { spec: { containers: [{ name: 'inference', image: 'titrate:patched' }] } } },
    });
    plane.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--field-manager=hotfix', '-f', '-'],
      foreign,
    );
    const before = (await inSlot('stable'))!;
    const refused = await k8s.deploy({ ...by('b'), version: two });
    expect(refused).toMatchObject({
      status: 'failed',
      version: one.id,
      message: expect.stringMatching(
        /'hotfix' owns \.spec\.template\.spec\.containers.*\.image, and titrate would have/,
      ),
    });
    const after = (await inSlot('stable'))!;
    expect([argsOf(after), imageOf(after)]).toEqual([one.id, 'titrate:patched']);
    expect(after.spec).toEqual(before.spec);
    expect(await targets('serving')).toEqual([one.id, two.id, one.id]);
  });

  test('deleted in the middle: told, and applied again', async () => {
    const k8s = deployer();
    await k8s.deploy({ ...by('a'), version: one });
    plane.kubelet.hold();
    const said: string[] = [];
    let deleted = false;
    const deploying = k8s.deploy({
      ...by('b'),
      version: two,
      onProgress: (message) => {
        said.push(message);
        if (deleted || !/servers of .* are ready/.test(message)) return;
        deleted = true;
        plane.kubectl(['delete', 'deployment', slotName(campaign, 'stable'), '-n', NAMESPACE, '--wait=true']);
        plane.kubelet.release();
      },
    });
    expect(await deploying).toMatchObject({ status: 'ready', version: two.id });
    expect(said.join('\n')).toMatch(/somebody deleted Deployment .*-stable; it is applied again/);
    // Deleted behind our back: observed as it is, and mended by the next operation.
    plane.kubectl(['delete', 'deployment', slotName(campaign, 'stable'), '-n', NAMESPACE]);
    expect(await k8s.observe(campaign)).toMatchObject({ status: 'failed', version: null });
    expect(await k8s.trial({ ...by('c'), ...canary(one, 50) })).toMatchObject({ status: 'ready' });
    expect(argsOf(await inSlot('stable'))).toBe(two.id);
  });

  test('the API server is killed and started again in the middle: the rollout ends as if it had not been', async () => {
    const k8s = deployer();
    await k8s.deploy({ ...by('a'), version: one });
    plane.kubelet.hold();
    const said: string[] = [];
    let begin: () => void;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const deploying = k8s.deploy({
      ...by('b'),
      version: two,
      onProgress: (message) => {
        said.push(message);
        if (/servers of .* are ready/.test(message)) begin();
      },
    });
    await begun;
    // Those of the version before answer meanwhile.
    expect(await k8s.observe(campaign)).toMatchObject({ status: 'failed', version: one.id });
    await plane.stopApiServer();
    await plane.startApiServer();
    plane.kubelet.release();
    expect(await deploying).toMatchObject({ status: 'ready', version: two.id });
    expect(said.join('\n')).toMatch(/the Kubernetes API server does not answer; it is asked again/);
    expect(argsOf(await inSlot('stable'))).toBe(two.id);
  });

  test('rollouts that race end at what was asked for last, in the pointers and in the cluster', async () => {
    const outcomes = await Promise.all([
      deployer().deploy({ ...by('a'), version: one }),
      deployer().deploy({ ...by('b'), version: two }),
      deployer().deploy({ ...by('c'), version: one }),
      deployer().deploy({ ...by('d'), version: two }),
    ]);
    const last = (await targets('serving')).at(-1)!;
    expect(await targets('serving')).toHaveLength(4);
    expect(argsOf(await inSlot('stable'))).toBe(last);
    for (const { status, message } of outcomes) {
      expect(['ready', 'superseded']).toContain(status);
      if (status === 'superseded') expect(message).toContain('asked for');
    }
    expect(outcomes.filter(({ status, version }) => status === 'ready' && version === last)).not.toHaveLength(
      0,
    );
    expect(await deployer().observe(campaign)).toMatchObject({ status: 'ready', version: last });
  });

  test('one that is overtaken before its first write does not write last', async () => {
    const cluster = openCluster({ kubeconfig: plane.kubeconfig, namespace: NAMESPACE });
    let overtaken: Promise<unknown> | undefined;
    const slow = deployer('titrate:1', {
      cluster: {
        ...cluster,
        async apply(object, how) {
          // Nothing is there yet that a write could be guarded by.
          if (!how?.dryRun) await (overtaken ??= deployer().deploy({ ...by('b'), version: two }));
          return cluster.apply(object, how);
        },
      },
    });
    expect(await slow.deploy({ ...by('a'), version: one })).toMatchObject({
      status: 'superseded',
      message: expect.stringContaining(`${campaign}/b`),
    });
    expect(await overtaken).toMatchObject({ status: 'ready', version: two.id });
    expect(argsOf(await inSlot('stable'))).toBe(two.id);
  });

  test('a quota that is used up is told in plain words, and the trial is withdrawn', async () => {
    await deployer().deploy({ ...by('a'), version: one });
    const { items } = await core().listNamespacedPod({ namespace: NAMESPACE });
    const hard = { pods: String(items.length) };
    await core().createNamespacedResourceQuota({
      namespace: NAMESPACE,
      body: { metadata: { name: 'pods' }, spec: { hard } },
    });
    try {
      for (let used; used !== hard.pods;) {
        const quota = await core().readNamespacedResourceQuota({ name: 'pods', namespace: NAMESPACE });
        used = quota.status?.used?.pods;
      }
      const said: string[] = [];
      const failed = await deployer('titrate:1', { deadlineMs: 2500 }).trial({
        ...by('b'),
        ...canary(two, 50),
        onProgress: (message) => said.push(message),
      });
      expect(failed).toMatchObject({
        status: 'failed',
        message: expect.stringMatching(
          /the namespace's quota does not allow another pod: .*exceeded quota: pods/,
        ),
      });
      expect(said.join()).toMatch(/quota does not allow/);
    } finally {
      await core().deleteNamespacedResourceQuota({ name: 'pods', namespace: NAMESPACE });
    }
    expect(await inSlot('candidate')).toBeNull();
    expect(await deployer().observe(campaign)).toMatchObject({ status: 'ready', version: one.id });
  });

  test('a cancelled wait ends; what is not possible is refused before anything moves', async () => {
    const k8s = deployer();
    await expect(k8s.trial({ ...by('z'), ...canary(two, 10) })).rejects.toMatchObject({ code: 'usage' });
    await expect(k8s.deploy({ ...by('z'), version: { ...one, id: `${campaign}/v9` } })).rejects.toMatchObject(
      {
        code: 'not-found',
      },
    );
    plane.kubelet.hold();
    const waiting = k8s.deploy({ ...by('a'), version: one, signal: AbortSignal.timeout(500) });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    plane.kubelet.release();
    expect(await k8s.deploy({ ...by('a'), version: one })).toMatchObject({ status: 'ready' });
    await expect(
      k8s.trial({ ...by('b'), candidate: { version: two, mode: 'shadow', share: 10 } }),
    ).rejects.toMatchObject({ code: 'config-invalid', message: expect.stringContaining('Gateway API') });
    expect(await targets('trial')).toEqual([]);
    const routed = deployer('titrate:1', {
      inference: {
        ...inference,
        gateway: { name: 'public', namespace: 'gateways', hostname: 'models.example' },
      },
    });
    await expect(routed.deploy({ ...by('c'), version: two })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('does not know HTTPRoutes'),
    });
    expect(await targets('serving')).toEqual([one.id]);
  });

  test('remove deletes what serves a campaign and nothing of another one', async () => {
    const k8s = deployer();
    await k8s.deploy({ ...by('a'), version: one });
    await k8s.trial({ ...by('b'), ...canary(two, 50) });
    const selector = (key: string) => ['-n', NAMESPACE, '-l', `titrate.dev/campaign=${key}`, '-o', 'name'];
    const kinds = 'deployment,service,hpa,pdb';
    const others = plane.kubectl(['get', kinds, '-n', NAMESPACE, '-o', 'name']).split('\n').length;
    const removed = await k8s.remove(campaign);
    expect(removed).toHaveLength(5);
    expect(plane.kubectl(['get', kinds, ...selector(campaignKey(campaign))])).toBe('');
    expect(plane.kubectl(['get', kinds, '-n', NAMESPACE, '-o', 'name']).split('\n').length).toBe(others - 5);
    expect(await k8s.remove(campaign)).toEqual([]);
    // A later operation brings it back.
    expect(await k8s.deploy({ ...by('c'), version: one })).toMatchObject({ status: 'ready' });
  });

  // Last: from here on the cluster knows the Gateway API.
  test('with a Gateway: exact shares once the candidate is ready, shadows, and no share of a candidate that is not', async () => {
    const gateway = { name: 'public', namespace: 'gateways', hostname: '{campaign}.models.example' };
    const routed = (image = 'titrate:1') =>
      deployer(image, { inference: { ...inference, image, gateway }, deadlineMs: 20_000 });
    const install = (mirrorPercent: boolean) => {
      plane.kubectl(['apply', '-f', '-'], httpRouteDefinition({ mirrorPercent }));
      plane.kubectl(['wait', '--for=condition=Established', 'crd/httproutes.gateway.networking.k8s.io']);
    };
    const rule = () =>
      JSON.parse(plane.kubectl(['get', 'httproute', campaignKey(campaign), '-n', NAMESPACE, '-o', 'json']))
        .spec.rules[0];
    const backend = (slot: Slot, weight: number) => ({ name: slotName(campaign, slot), port: 8090, weight });

    install(false);
    expect(await routed().deploy({ ...by('a'), version: one })).toMatchObject({
      status: 'ready',
      endpoint: `http://${campaignKey(campaign)}.models.example`,
    });
    expect(rule()).toEqual({ backendRefs: [backend('stable', 100)] });

    plane.kubelet.hold();
    let waited: unknown;
    const trying = routed().trial({
      ...by('b'),
      ...canary(two, 7),
      onProgress: (message) => {
        if (!/0 of 1 servers/.test(message)) return;
        waited = rule();
        plane.kubelet.release();
      },
    });
    expect((await trying).message).toBe(
      `${two.id} answers 7 % of the requests (by a route of gateway 'public')`,
    );
    expect(waited).toEqual({ backendRefs: [backend('stable', 100)] });
    expect(rule()).toEqual({ backendRefs: [backend('stable', 93), backend('candidate', 7)] });
    expect(await routed().observe(campaign)).toMatchObject({ candidate: { share: 7, ready: true } });

    const shadow = { candidate: { version: two, mode: 'shadow' as const, share: 20 } };
    expect(await routed().trial({ ...by('c'), ...shadow })).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/does not have \.spec.*\.percent; titrate needs the Gateway API 1\.3/),
    });
    expect(rule()).toEqual({ backendRefs: [backend('stable', 100)] });
    install(true);
    for (
      let tries = 0;
      tries < 40 && !/percent/.test(plane.kubectl(['get', '--raw', '/openapi/v2']));
      tries += 1
    );
    expect((await routed().trial({ ...by('d'), ...shadow })).message).toBe(
      `${two.id} is asked beside in 20 % of the requests`,
    );
    expect(rule()).toMatchObject({
      backendRefs: [backend('stable', 100)],
      filters: [{ requestMirror: { backendRef: { name: slotName(campaign, 'candidate') }, percent: 20 } }],
    });
    expect(await routed('titrate:bad').trial({ ...by('e'), ...canary(two, 50) })).toMatchObject({
      status: 'failed',
    });
    expect(rule()).toEqual({ backendRefs: [backend('stable', 100)] });
    expect(await routed().remove(campaign)).toContain(`HTTPRoute ${campaignKey(campaign)}`);
  });
});
