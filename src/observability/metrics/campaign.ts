import type { Instruments } from './instruments';

/** Set by the watcher of the orchestration worker, of campaigns that are open. */
export const campaignMetrics = ({ gauge }: Instruments) => ({
  info: gauge('titrate_campaign_info', '1 for the stage a campaign is in.', 'campaign', 'stage'),
  round: gauge('titrate_campaign_round', 'Round of a campaign, from 0.', 'campaign'),
  stageEntered: gauge(
    'titrate_campaign_stage_entered_timestamp_seconds',
    'When a campaign came to the stage it is in.',
    'campaign',
    'stage',
  ),
  paused: gauge('titrate_campaign_paused', '1 while a campaign is paused.', 'campaign'),
  labels: gauge('titrate_campaign_labels', 'Molecules with a result that the last cut used.', 'campaign'),
  bestValue: gauge(
    'titrate_campaign_best_value',
    'Best value so far, in the unit of the property.',
    'campaign',
  ),
  batchOutstanding: gauge(
    'titrate_campaign_batch_outstanding',
    'Molecules of the batch in the lab without a result.',
    'campaign',
  ),
  batchDue: gauge(
    'titrate_campaign_batch_due_timestamp_seconds',
    'When the results of the batch in the lab are expected; absent without one.',
    'campaign',
  ),
  roundForecast: gauge(
    'titrate_campaign_round_forecast_seconds',
    'Machine time of the round as forecast from earlier ones; 0 without any.',
    'campaign',
  ),
  roundStarted: gauge(
    'titrate_campaign_round_started_timestamp_seconds',
    'When the round began.',
    'campaign',
  ),
});

/** Set by the watcher of the orchestration worker. */
export const watcherMetrics = ({ counter, gauge }: Instruments) => ({
  looks: counter(
    'titrate_campaign_watch_looks_total',
    'Looks at the open campaigns, by outcome: ok, failed.',
    'outcome',
  ),
  lastLook: gauge(
    'titrate_campaign_watch_last_look_timestamp_seconds',
    'When the open campaigns were last seen.',
  ),
  open: gauge('titrate_campaigns_open', 'Campaigns that are running.'),
  backlog: gauge(
    'titrate_queue_backlog_tasks',
    'Tasks that lie on a queue of the Temporal server, activities and workflow tasks, about.',
    'task_queue',
  ),
  backlogAge: gauge(
    'titrate_queue_backlog_age_seconds',
    'How long the oldest task of a queue has waited, about; 0 without any.',
    'task_queue',
  ),
});
