import type {
  V1Deployment,
  V1PodDisruptionBudget,
  V1PodTemplateSpec,
  V1Service,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node';
import { versionParts } from '../../contracts';
import { ANNOTATIONS, LABELS, objectLabels, podSelector, slotName, type Slot } from './names';
import { INFERENCE_PORT, type InferenceOptions } from './options';

/** What an object was written for; it is annotated with it. */
export interface Writing {
  readonly campaignId: string;
  readonly servingNumber: number;
  readonly trialNumber: number;
  readonly operationId: string;
}

/** Seconds between leaving the Service and the first refusal: by then no proxy sends requests any more. */
const LEAVE_SECONDS = 10;
/** The server's drain (20 s) and its own end come after that. */
const GRACE_SECONDS = LEAVE_SECONDS + 30;
/** Loading TensorFlow.js, RDKit and a model on a slow node, seconds. */
const STARTUP_SECONDS = 300;

export function metadata(writing: Writing, name: string, namespace: string, slot?: Slot, model?: string) {
  const { campaignId, servingNumber, trialNumber, operationId } = writing;
  return {
    name,
    namespace,
    labels: {
      ...objectLabels(campaignId, slot),
      ...(model && { [LABELS.version]: versionParts(model).version }),
    },
    annotations: {
      [ANNOTATIONS.campaign]: campaignId,
      ...(model && { [ANNOTATIONS.model]: model }),
      [ANNOTATIONS.serving]: String(servingNumber),
      [ANNOTATIONS.trial]: String(trialNumber),
      [ANNOTATIONS.operation]: operationId,
    },
  };
}

/**
 * The servers of one version in one slot.
 * @param replicas left out for the stable slot, whose number is the autoscaler's
 */
export function deployment(
  writing: Writing,
  slot: Slot,
  model: string,
  options: InferenceOptions,
  progressSeconds: number,
  replicas?: number,
): V1Deployment {
  const { campaignId } = writing;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(writing, slotName(campaignId, slot), options.namespace, slot, model),
    spec: {
      ...(replicas !== undefined && { replicas }),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: progressSeconds,
      selector: { matchLabels: podSelector(campaignId, slot) },
      // One more is started before one is ended: capacity never falls.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: podTemplate(campaignId, slot, model, options),
    },
  };
}

function podTemplate(
  campaignId: string,
  slot: Slot,
  model: string,
  options: InferenceOptions,
): V1PodTemplateSpec {
  const selector = podSelector(campaignId, slot);
  const health = (path: string) => ({ httpGet: { path: `/v2/health/${path}`, port: 'http' } });
  const spread = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
    matchLabelKeys: ['pod-template-hash'],
  });
  return {
    metadata: {
      labels: { ...objectLabels(campaignId, slot), [LABELS.version]: versionParts(model).version },
      annotations: { [ANNOTATIONS.campaign]: campaignId, [ANNOTATIONS.model]: model },
    },
    spec: {
      serviceAccountName: options.serviceAccount,
      // It never speaks to this cluster; Workload Identity needs no mounted token.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
      containers: [
        {
          name: 'inference',
          image: options.image,
          command: ['node', '--enable-source-maps', 'dist/src/cli/main.js'],
          args: ['serve', '--model', model, '--host', '0.0.0.0', '--port', String(INFERENCE_PORT)],
          // API keys of the callers (TITRATE_INFERENCE_KEYS), where there is such a Secret.
          envFrom: [{ secretRef: { name: options.secret, optional: true } }],
          env: Object.entries(options.env).map(([name, value]) => ({ name, value })),
          ports: [{ name: 'http', containerPort: INFERENCE_PORT, protocol: 'TCP' }],
          resources: {
            requests: { cpu: options.cpu, memory: options.memory },
            // No limit of CPU: a throttled server answers late, and requests already share the node fairly.
            limits: { memory: options.memory },
          },
          startupProbe: { ...health('ready'), periodSeconds: 2, failureThreshold: STARTUP_SECONDS / 2 },
          readinessProbe: { ...health('ready'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
          livenessProbe: { ...health('live'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
          // The last lines of its log, where a server ended without saying why.
          terminationMessagePolicy: 'FallbackToLogsOnError',
          lifecycle: { preStop: { exec: { command: ['sleep', String(LEAVE_SECONDS)] } } },
          securityContext: {
            allowPrivilegeEscalation: false,
            privileged: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'data', emptyDir: { sizeLimit: '4Gi' } },
        { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      ],
    },
  };
}

/** @param slot left out: both slots, which shares requests by the ratio of their pods */
export function service(
  writing: Writing,
  { namespace }: InferenceOptions,
  name: string,
  slot?: Slot,
  annotations: Record<string, string> = {},
): V1Service {
  const described = metadata(writing, name, namespace);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...described, annotations: { ...described.annotations, ...annotations } },
    spec: {
      type: 'ClusterIP',
      selector: podSelector(writing.campaignId, slot),
      ports: [{ name: 'http', port: INFERENCE_PORT, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}

/** Of the stable slot only: what is on trial keeps the number that its share is made of. */
export function autoscaler(
  writing: Writing,
  options: InferenceOptions,
  minReplicas: number,
): V2HorizontalPodAutoscaler {
  const name = slotName(writing.campaignId, 'stable');
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(writing, name, options.namespace),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas: Math.max(options.replicas.max, minReplicas),
      metrics: [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: { type: 'Utilization', averageUtilization: options.targetCpuPercent },
          },
        },
        {
          type: 'Pods',
          pods: {
            metric: { name: options.queueMetric },
            target: { type: 'AverageValue', averageValue: options.queueTarget },
          },
        },
      ],
      behavior: {
        // A surge is met at once; what was started for it goes slowly.
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Percent', value: 100, periodSeconds: 15 },
            { type: 'Pods', value: 4, periodSeconds: 15 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: 300,
          selectPolicy: 'Min',
          policies: [{ type: 'Percent', value: 25, periodSeconds: 60 }],
        },
      },
    },
  };
}

export function disruptionBudget(writing: Writing, { namespace }: InferenceOptions): V1PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(writing, slotName(writing.campaignId, 'stable'), namespace),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: podSelector(writing.campaignId, 'stable') },
    },
  };
}
