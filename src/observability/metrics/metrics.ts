import { Registry } from 'prom-client';
import { activityMetrics } from './activity';
import { campaignMetrics, watcherMetrics } from './campaign';
import { acquisitionMetrics, costMetrics, driftMetrics, rolloutMetrics } from './decisions';
import { featureMetrics } from './features';
import { instrumentsOf } from './instruments';
import { intakeMetrics } from './intake';
import { roundMetrics } from './rounds';
import { cacheMetrics, objectMetrics, warehouseMetrics } from './storage';
import { modelMetrics, trainingMetrics } from './training';

/**
 * What a process counts, in a registry of its own. Names as Prometheus has them: base units, `_total`. Series with a `campaign` are
 * bounded by the campaigns a process works for; `forgetCampaign` drops those of one that has ended.
 */
export function createMetrics() {
  const registry = new Registry();
  const make = instrumentsOf(registry);
  return {
    registry,
    activity: activityMetrics(make),
    campaign: campaignMetrics(make),
    watcher: watcherMetrics(make),
    rounds: roundMetrics(make),
    intake: intakeMetrics(make),
    features: featureMetrics(make),
    cache: cacheMetrics(make),
    objects: objectMetrics(make),
    warehouse: warehouseMetrics(make),
    training: trainingMetrics(make),
    model: modelMetrics(make),
    acquisition: acquisitionMetrics(make),
    drift: driftMetrics(make),
    rollout: rolloutMetrics(make),
    cost: costMetrics(make),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
