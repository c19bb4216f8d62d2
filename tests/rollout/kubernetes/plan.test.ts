import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import { planFor, type Desired } from '../../../src/rollout/kubernetes/desired';
import { diagnose } from '../../../src/rollout/kubernetes/diagnosis';
import { asKubernetesError, isPassing } from '../../../src/rollout/kubernetes/failures';
import { deployment } from '../../../src/rollout/kubernetes/manifests';
import { ANNOTATIONS, campaignKey, slotName } from '../../../src/rollout/kubernetes/names';
import type { InferenceOptions } from '../../../src/rollout/kubernetes/options';
import { replicaShare } from '../../../src/rollout/kubernetes/shares';

const options: InferenceOptions = {
  namespace: 'titrate',
  image: 'titrate:2',
  serviceAccount: 'titrate-inference',
  secret: 'titrate-inference',
  env: {},
  replicas: { min: 2, max: 10 },
  cpu: '1',
  memory: '2Gi',
  targetCpuPercent: 70,
  queueMetric: 'queue',
  queueTarget: '500',
  gateway: null,
};
const writing = { campaignId: 'c', servingNumber: 1, trialNumber: 0, operationId: 'op' };
const stable = (status: V1Deployment['status'], replicas = 2): V1Deployment => ({
  ...deployment(writing, 'stable', 'c/v1', { ...options, image: 'titrate:1' }, 60, replicas),
  status,
});
const entry = (number: number, operationId = 'op') =>
  ({ number, target: 'c/v1', operationId, at: '2026-01-01' }) as Desired['serving'];
const canary = (share: number): Desired => ({
  campaignId: 'c',
  serving: entry(1),
  trialEntry: entry(1),
  trial: { version: 'c/v2', mode: 'canary', share },
});
const part = (plan: ReturnType<typeof planFor>, kind: string, name: string) =>
  plan.apply.find((object) => object.kind === kind && object.metadata?.name === name) as
    V1Deployment | undefined;

test('a share by replicas never takes from the stable version, and is as near as the pods allow', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      (share, running, max) => {
        const found = replicaShare(share, running, max);
        expect(found.stable).toBeGreaterThanOrEqual(running);
        expect(found.stable).toBeLessThanOrEqual(Math.max(running, max));
        expect(found.candidate).toBeLessThanOrEqual(max);
        if (share === 0) return expect(found).toEqual({ stable: running, candidate: 0, share: 0 });
        expect(found.candidate).toBeGreaterThanOrEqual(1);
        expect(found.share).toBeCloseTo((100 * found.candidate) / (found.candidate + found.stable), 9);
        for (let s = running; s <= Math.max(running, max); s += 1)
          for (let c = 1; c <= max; c += 1) {
            const distance = Math.abs((100 * c) / (c + s) - share);
            // Nothing nearer unless this is near enough, and nothing as near with fewer pods.
            if (Math.abs(found.share - share) > 5)
              expect(distance).toBeGreaterThanOrEqual(Math.abs(found.share - share) - 1e-9);
            else if (distance <= 5) expect(c + s).toBeGreaterThanOrEqual(found.candidate + found.stable);
          }
      },
    ),
  );
  expect(replicaShare(25, 2, 10)).toEqual({ stable: 3, candidate: 1, share: 25 });
  expect(replicaShare(5, 2, 20)).toEqual({ stable: 9, candidate: 1, share: 10 });
});

test('the candidate waits until the stable version has the servers that its share is measured against', () => {
  const two = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  const early = planFor(canary(10), { service: null, stable: stable(two), candidate: null }, options, 60);
  expect(early).toMatchObject({ stableReplicas: 6, incomplete: true });
  expect(part(early, 'Deployment', slotName('c', 'candidate'))!.spec!.replicas).toBe(0);
  const six = { observedGeneration: 1, replicas: 6, updatedReplicas: 6, availableReplicas: 6 };
  const then = planFor(canary(10), { service: null, stable: stable(six, 6), candidate: null }, options, 60);
  expect(then.incomplete).toBe(false);
  expect(part(then, 'Deployment', slotName('c', 'candidate'))!.spec!.replicas).toBe(1);
});

test('a trial does not write what serves; an image is that of the settings, or the proven one where something is taken back', () => {
  const ready = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  const present = { service: null, stable: stable(ready), candidate: null };
  const name = slotName('c', 'stable');
  expect(part(planFor(canary(50), present, options, 60), 'Deployment', name)).toBeUndefined();
  const image = (desired: Desired) =>
    part(planFor(desired, present, options, 60), 'Deployment', name)!.spec!.template.spec!.containers[0]!
      .image;
  const moved = (operationId: string): Desired => ({ ...canary(50), serving: entry(2, operationId) });
  expect(image(moved('op/2'))).toBe('titrate:2');
  expect(image(moved('op/2/taken-back'))).toBe('titrate:1');
});

test('names are valid and apart, whatever a campaign is called', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
  fc.assert(
    fc.property(id, id, (a, b) => {
      for (const name of [campaignKey(a), slotName(a, 'candidate')]) {
        expect(name).toMatch(/^[a-z]([a-z0-9-]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(52);
      }
      if (a !== b) expect(campaignKey(a)).not.toBe(campaignKey(b));
    }),
  );
});

test('an end without memory, a wrong name of an image and a progress deadline are told as what they are', () => {
  const waiting = stable({ replicas: 1, conditions: [] });
  const pod = (containerStatus: object): V1Pod => ({
    metadata: {
      name: 'p',
      labels: waiting.spec!.template.metadata!.labels,
      annotations: { [ANNOTATIONS.model]: 'c/v1' },
    },
    spec: { containers: [{ name: 'inference', image: 'titrate:1' }] },
    status: { phase: 'Running', containerStatuses: [containerStatus as never] },
  });
  const common = { name: 'inference', image: 'titrate:1', restartCount: 3 };
  const crash = {
    ...common,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
  };
  expect(diagnose(waiting, [pod(crash)])).toEqual({
    kind: 'stuck',
    final: true,
    message:
      'the server in pod p ends again and again (3 restarts): exit code 137, it needed more memory than kubernetes.memory',
  });
  const name = { ...common, state: { waiting: { reason: 'InvalidImageName' } } };
  expect(diagnose(waiting, [pod(name)])).toMatchObject({ kind: 'stuck', final: true });
  const overdue = stable({
    conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
  });
  expect(diagnose(overdue, [])).toMatchObject({
    kind: 'stuck',
    message: expect.stringContaining('Kubernetes gave up after 60 s'),
  });
  // Of another version, or on its way out: not what is asked for now.
  const old = {
    ...pod(crash),
    metadata: { ...pod(crash).metadata, annotations: { [ANNOTATIONS.model]: 'c/v0' } },
  };
  expect(diagnose(waiting, [old])).toMatchObject({ kind: 'waiting' });
});

test('which failures pass, and what the others are called', () => {
  const answer = (code: number, message: string, reason = '') =>
    Object.assign(new Error('HTTP'), { code, body: JSON.stringify({ reason, message }) });
  expect([429, 500, 503, 403, 404, 409, 422].map((code) => isPassing(answer(code, '')))).toEqual([
    true, true, true, false, false, false, false,
  ]); // prettier-ignore
  expect(isPassing(answer(500, '.spec.x: field not declared in schema'))).toBe(false);
  expect(
    isPassing(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })),
  ).toBe(true);
  expect(isPassing(new TypeError('x is not a function'))).toBe(false);
  expect(asKubernetesError(answer(422, 'spec.replicas: Invalid value'), 'x').code).toBe('config-invalid');
  expect(asKubernetesError(answer(403, 'exceeded quota: count'), 'x').message).not.toMatch(/deploy-rbac/);
  expect(asKubernetesError(new TypeError('x is not a function'), 'x').code).toBe('internal');
});
