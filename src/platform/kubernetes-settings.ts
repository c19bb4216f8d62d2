import { z } from 'zod';

const text = z.string().min(1).optional();
const count = z.coerce.number().int().min(1).max(1000);
const quantity = z
  .string()
  .regex(/^\d+(\.\d+)?(m|[KMGT]i?)?$/, 'expected a Kubernetes quantity, as 500m or 2Gi');
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a name that Kubernetes takes: a-z, 0-9 and -');

/** The cluster that serves models, and how its servers are made. */
export const kubernetesSettingsSchema = z
  .strictObject({
    namespace: label.default('titrate'),
    kubeconfig: text.describe(
      'Path. Default: KUBECONFIG, then ~/.kube/config, then the account of the pod this runs in.',
    ),
    context: text.describe('Context of the kubeconfig. Default: its current one.'),
    image: text.describe('Image of infra/docker/worker.Dockerfile, best by its digest.'),
    serviceAccount: label
      .default('titrate-inference')
      .describe('Account of the servers; infra/kubernetes makes it, with Workload Identity.'),
    secret: label
      .default('titrate-inference')
      .describe(
        'Secret whose keys are variables of the servers, such as TITRATE_INFERENCE_KEYS; there may be none.',
      ),
    minReplicas: count.default(2).describe('Servers of a campaign, at least.'),
    maxReplicas: count.default(20).describe('Servers of a campaign, at most.'),
    cpu: quantity.default('1').describe('CPU that a server asks for.'),
    memory: quantity.default('2Gi').describe('Memory that a server asks for, and its limit.'),
    targetCpuPercent: count.max(100).default(70).describe('CPU at which more servers are started.'),
    queueMetric: z
      .string()
      .min(1)
      .default('titrate_inference_queue_molecules')
      .describe('Pods metric of the queue, under the name that the metrics adapter of the cluster gives it.'),
    queueTarget: quantity
      .default('500')
      .describe('Molecules that wait for a server at which more are started.'),
    gateway: z
      .strictObject({
        name: label,
        namespace: label,
        hostname: z
          .string()
          .min(1)
          .describe("Host name of a campaign's models; {campaign} stands for its key."),
      })
      .optional()
      .describe(
        'Gateway of the Gateway API that takes the requests. Default: a Service, shared by replicas.',
      ),
    deadlineMinutes: z.coerce
      .number()
      .positive()
      .max(24 * 60)
      .default(15)
      .describe('A version whose servers are not ready by then is taken back.'),
  })
  .prefault({});
