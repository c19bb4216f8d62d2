import { board, figure, lines, quantile, rate } from './board';

/** Workers, queues, and what Temporal's SDK says of them. */
export const workers = board(
  { name: 'workers', title: 'workers', description: 'Who works, what waits, what fails.' },
  [
    {
      title: 'Processes',
      panels: [
        figure({ title: 'Processes that answer', unit: 'none' }, [
          'sum by (job) (up{job=~"titrate-.*|temporal"})',
          '{{job}}',
        ]),
        figure({ title: 'Versions', unit: 'none' }, ['sum by (version) (titrate_build_info)', '{{version}}']),
        figure({ title: 'Campaigns that run', unit: 'none' }, ['max(titrate_campaigns_open)', 'campaigns']),
        figure({ title: 'They were last seen', unit: 'dateTimeFromNow' }, [
          '1000 * max(titrate_campaign_watch_last_look_timestamp_seconds)',
          'look',
        ]),
        lines({ title: 'CPU', description: 'Cores.', unit: 'none' }, [
          'sum by (instance) (rate(process_cpu_seconds_total{job=~"titrate-.*"}[$__rate_interval]))',
          '{{instance}}',
        ]),
        lines({ title: 'Memory', unit: 'bytes' }, [
          'sum by (instance) (process_resident_memory_bytes{job=~"titrate-.*"})',
          '{{instance}}',
        ]),
      ],
    },
    {
      title: 'Queues',
      panels: [
        lines({ title: 'Pollers of a queue', unit: 'none' }, [
          'sum by (task_queue) (temporal_num_pollers)',
          '{{task_queue}}',
        ]),
        lines({ title: 'Tasks that nobody has begun', unit: 'none' }, [
          'max by (task_queue) (titrate_queue_backlog_tasks)',
          '{{task_queue}}',
        ]),
        lines({ title: 'How long the oldest of them has waited', unit: 's' }, [
          'max by (task_queue) (titrate_queue_backlog_age_seconds)',
          '{{task_queue}}',
        ]),
        lines({ title: 'Time an activity waited, 90th percentile of ten minutes', unit: 's' }, [
          'titrate:activity_wait:p90_10m',
          '{{task_queue}}',
        ]),
        lines({ title: 'Slots in use', unit: 'none' }, [
          'sum by (task_queue, worker_type) (temporal_worker_task_slots_used)',
          '{{task_queue}} {{worker_type}}',
        ]),
        lines({ title: 'Slots free', unit: 'none' }, [
          'sum by (task_queue, worker_type) (temporal_worker_task_slots_available)',
          '{{task_queue}} {{worker_type}}',
        ]),
      ],
    },
    {
      title: 'Activities',
      panels: [
        lines({ title: 'Attempts that ended, a second', unit: 'ops' }, [
          rate('titrate_activity_duration_seconds_count', 'task_queue, outcome'),
          '{{task_queue}} {{outcome}}',
        ]),
        lines({ title: 'Time of an attempt, 90th percentile', unit: 's' }, [
          quantile(0.9, 'titrate_activity_duration_seconds', 'activity'),
          '{{activity}}',
        ]),
        lines({ title: 'CPU by activity', description: 'Cores.', unit: 'none' }, [
          rate('titrate_activity_cpu_seconds_total', 'activity'),
          '{{activity}}',
        ]),
        lines({ title: 'At work now', unit: 'none' }, [
          'sum by (task_queue) (titrate_activities_running)',
          '{{task_queue}}',
        ]),
        lines(
          { title: 'Attempts, and those after the first, in an hour', unit: 'none' },
          ['sum by (task_queue) (increase(titrate_activity_attempts_total[1h]))', '{{task_queue}}'],
          ['sum by (task_queue) (increase(titrate_activity_retries_total[1h]))', '{{task_queue}} again'],
        ),
        lines({ title: 'Activities that failed, a second', unit: 'ops' }, [
          rate('temporal_activity_execution_failed_total', 'activity_type'),
          '{{activity_type}}',
        ]),
      ],
    },
    {
      title: 'Workflows and the server',
      panels: [
        lines(
          { title: 'Workflows that ended in the last hour', unit: 'none' },
          [
            'sum by (workflow_type) (increase(temporal_workflow_completed_total[1h]))',
            '{{workflow_type}} completed',
          ],
          ['titrate:workflow_failures:increase1h', '{{workflow_type}} failed'],
        ),
        lines({ title: 'Workflow tasks that failed, a second', unit: 'ops' }, [
          rate('temporal_workflow_task_execution_failed_total', 'workflow_type'),
          '{{workflow_type}}',
        ]),
        lines({ title: 'Requests to Temporal, a second', unit: 'reqps' }, [
          rate('temporal_request_total', 'operation'),
          '{{operation}}',
        ]),
        lines({ title: 'Requests to Temporal that failed, a second', unit: 'reqps' }, [
          rate('temporal_request_failure_total', 'operation'),
          '{{operation}}',
        ]),
      ],
    },
    {
      title: 'Training',
      panels: [
        lines({ title: 'Trials by outcome', unit: 'none' }, [
          'sum by (family, outcome) (titrate_training_trials_total)',
          '{{family}} {{outcome}}',
        ]),
        lines({ title: 'Time of a training, median', unit: 's' }, [
          quantile(0.5, 'titrate_training_duration_seconds', 'family, engine'),
          '{{family}} {{engine}}',
        ]),
        lines({ title: 'Labels of the last training', unit: 'none' }, [
          'max by (instance) (titrate_training_labels)',
          '{{instance}}',
        ]),
        lines({ title: 'Share of time an accelerator works', unit: 'percentunit' }, [
          rate('titrate_gpu_busy_seconds_total', 'instance'),
          '{{instance}}',
        ]),
      ],
    },
  ],
);
