/** One worker process serves one queue; workflows run on `orchestration`, activities on the four others. */
export const TASK_QUEUES = ['orchestration', 'featurization', 'gpu', 'warehouse', 'deploy'] as const;
export type TaskQueue = (typeof TASK_QUEUES)[number];
