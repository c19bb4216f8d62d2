import { WORK_BUCKETS, type Instruments } from './instruments';

/** Set by the interceptor of every worker. */
export const activityMetrics = ({ counter, gauge, histogram }: Instruments) => ({
  duration: histogram(
    'titrate_activity_duration_seconds',
    'Time of an attempt of an activity in this process, by outcome: ok, failed, cancelled.',
    WORK_BUCKETS,
    'task_queue',
    'activity',
    'outcome',
  ),
  cpu: counter(
    'titrate_activity_cpu_seconds_total',
    'CPU time of activities, all threads of the process; an even share where several run at once.',
    'task_queue',
    'activity',
  ),
  attempts: counter(
    'titrate_activity_attempts_total',
    'Attempts of activities that began.',
    'task_queue',
    'activity',
  ),
  retries: counter('titrate_activity_retries_total', 'Attempts after the first.', 'task_queue', 'activity'),
  running: gauge('titrate_activities_running', 'Activities at work now.', 'task_queue'),
  lastEnd: gauge(
    'titrate_activity_last_end_timestamp_seconds',
    'When an activity of a campaign last ended in this process, whatever came of it.',
    'campaign',
  ),
});
