import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { DeployActivities } from '../activities/deploy';
import type { DriftActivities } from '../activities/deploy/drift';
import type { FeaturizationActivities } from '../activities/featurization';
import type { GpuActivities } from '../activities/gpu';
import type { WarehouseActivities } from '../activities/warehouse';
import type { TaskQueue } from '../src/contracts';

/**
 * Work is retried for as long as it takes: a campaign outlives any outage. What no retry can mend comes back as a
 * non-retryable failure whose type is the error's code.
 */
function on<T>(taskQueue: TaskQueue): ActivityInterfaceFor<T> {
  return proxyActivities<T>({
    taskQueue,
    startToCloseTimeout: '24 hours',
    // Activities heartbeat every 3 s; a killed worker's work starts again on another this long after its last beat.
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  });
}

export const warehouse = on<WarehouseActivities>('warehouse');
export const featurizers = on<FeaturizationActivities>('featurization');
export const gpu = on<GpuActivities>('gpu');
export const deploy = on<DeployActivities>('deploy');
export const drift = on<DriftActivities>('deploy');
