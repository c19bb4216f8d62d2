import type { DeployActivities } from '../activities/deploy';
import type { GpuActivities } from '../activities/gpu';
import type { WarehouseActivities } from '../activities/warehouse';
import type { Metrics } from '../src/observability';
import type { Costs } from '../src/platform/costs';

type Activities = DeployActivities & GpuActivities & WarehouseActivities;
type Told<K extends keyof Activities> = (
  request: Parameters<Activities[K]>[0],
  result: Awaited<ReturnType<Activities[K]>>,
) => void;

/** What is counted of an activity that went well, by its name. */
export type ActivityCounts = { readonly [K in keyof Activities]?: Told<K> };

/** Counts of what no port sees: what activities were asked, and what came of it. */
export function activityCounts(metrics: Metrics, costs: Pick<Costs, 'assay'>): ActivityCounts {
  /** Labels of each campaign's last recorded round. */
  const labelsOf = new Map<string, number>();
  return {
    recordRound({ campaignId: campaign, record: { summary, timings } }) {
      const { rounds, acquisition } = metrics;
      for (const { stage, cached, seconds } of timings)
        rounds.stageDuration.observe({ stage, cached: String(cached) }, seconds);
      rounds.rounds.inc({ campaign });
      rounds.machineSeconds.set(
        { campaign },
        timings.reduce((sum, { seconds }) => sum + seconds, 0),
      );
      // The first round that this process records says nothing of what came in before it, unless it is the campaign's first.
      const before = labelsOf.get(campaign) ?? (summary.round === 1 ? 0 : summary.labels);
      rounds.labels.inc({ campaign }, Math.max(0, summary.labels - before));
      labelsOf.set(campaign, summary.labels);
      const strategy = summary.chosenBy?.strategy ?? 'not-told';
      if (summary.batchSize) acquisition.batchMolecules.inc({ campaign, strategy }, summary.batchSize);
    },
    registerModel({ campaignId: campaign, card: { metrics: heldOut } }) {
      const { rmse, coverage, rankCorrelation } = metrics.model;
      rmse.set({ campaign }, heldOut.rmse);
      coverage.set({ campaign }, heldOut.coverage90);
      rankCorrelation.set({ campaign }, heldOut.spearman);
    },
    recordDeployment({ campaignId: campaign, deployment }) {
      if (!deployment) return;
      metrics.rollout.rollouts.inc({ campaign, outcome: deployment.status });
      if (!deployment.verdicts) return;
      const { status } = deployment;
      if (status === 'deployed') metrics.rollout.trialDecisions.inc({ verdict: 'promoted' });
      if (status === 'rolled-back') metrics.rollout.trialDecisions.inc({ verdict: 'rolled-back' });
    },
    recordResults({ campaignId: campaign, rows }, { receipts }) {
      const measuredAt = new Map(rows.map((row) => [row.resultId, row.measuredAt]));
      for (const { resultId, status } of receipts) {
        metrics.intake.results.inc({ campaign, outcome: status });
        const at = status === 'accepted' ? measuredAt.get(resultId) : undefined;
        if (at) metrics.intake.delay.observe(Math.max(0, (Date.now() - Date.parse(at)) / 1000));
      }
    },
    acquireBatch(_request, { value, cached }) {
      if (!cached && value.rules?.cost) costs.assay(value.rules.cost.batch);
    },
  };
}
