import type { CampaignProgress } from '../../contracts';
import type { Logger } from '../logging';
import type { Metrics } from '../metrics/metrics';

/** An open campaign as a list shows it. */
export interface OpenCampaign {
  readonly campaign: string;
  readonly stage: string | null;
  readonly round: number | null;
  readonly best: number | null;
  /** null of a campaign from before it was told. */
  readonly progress: CampaignProgress | null;
}

export interface CampaignWatchOptions {
  readonly list: () => Promise<readonly OpenCampaign[]>;
  readonly metrics: Pick<Metrics, 'campaign' | 'watcher'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Time between two looks, ms. Default 15 s. */
  readonly everyMs?: number;
}

export interface CampaignWatch {
  /** Looks now. A look that fails is told and counted; what was seen before stays. */
  look(): Promise<void>;
  close(): void;
}

const EVERY_MS = 15_000;
const seconds = (instant: string) => Date.parse(instant) / 1000;

/** Keeps the gauges of the open campaigns: a list each time, and nothing asked of the campaigns themselves. */
export function watchCampaigns(options: CampaignWatchOptions): CampaignWatch {
  const { list, metrics, logger, everyMs = EVERY_MS } = options;
  let looking: Promise<void> | null = null;

  async function lookOnce(): Promise<void> {
    try {
      const open = await list();
      // In one go: no reader sees half of it, and what has ended is gone.
      for (const gauge of Object.values(metrics.campaign)) gauge.reset();
      for (const campaign of open) show(campaign, metrics.campaign);
      metrics.watcher.open.set(open.length);
      metrics.watcher.looks.inc({ outcome: 'ok' });
      metrics.watcher.lastLook.setToCurrentTime();
    } catch (error) {
      metrics.watcher.looks.inc({ outcome: 'failed' });
      logger.warn({ error: (error as Error).message }, 'the open campaigns could not be listed');
    }
  }

  const look = () => (looking ??= lookOnce().finally(() => (looking = null)));
  const timer = setInterval(() => void look(), everyMs).unref();
  void look();
  return { look, close: () => clearInterval(timer) };
}

function show({ campaign, stage, round, best, progress }: OpenCampaign, gauges: Metrics['campaign']): void {
  const at = { campaign };
  const shown = progress?.stage ?? stage;
  if (shown !== null) gauges.info.set({ campaign, stage: shown }, 1);
  const number = progress?.round ?? round;
  if (number !== null) gauges.round.set(at, number);
  if (best !== null) gauges.bestValue.set(at, best);
  if (!progress) return;
  gauges.stageEntered.set({ campaign, stage: progress.stage }, seconds(progress.stageSince));
  gauges.paused.set(at, progress.paused ? 1 : 0);
  gauges.labels.set(at, progress.labels);
  gauges.batchOutstanding.set(at, progress.outstanding);
  if (progress.dueAt !== null) gauges.batchDue.set(at, seconds(progress.dueAt));
  gauges.roundForecast.set(at, progress.forecastSeconds);
  gauges.roundStarted.set(at, seconds(progress.roundSince));
}
