import type { Counter, Gauge, Registry } from 'prom-client';

const DAY_MS = 86_400_000;
/** A campaign of which a process has heard nothing for so long has ended, or lives elsewhere. */
const IDLE_MS = 90 * DAY_MS;
/** How long the last values of a campaign that has ended stay to be read, ms. */
const LINGER_MS = 3_600_000;
const SWEEP_EVERY_MS = DAY_MS;

/** Keeps the number of series with a label `campaign` to that of the campaigns a process works for. */
export class CampaignSeries {
  private readonly lastSeen = new Map<string, number>();
  private sweptAt = Date.now();

  constructor(private readonly registry: Registry) {}

  /** A campaign has been worked for. */
  touched(campaign: string, now = Date.now()): void {
    this.lastSeen.set(campaign, now);
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    for (const [known, seen] of this.lastSeen) if (now - seen > IDLE_MS) void this.forget(known);
  }

  /** A campaign has ended: its series go once they have been read. */
  ended(campaign: string, lingerMs = LINGER_MS): void {
    setTimeout(() => void this.forget(campaign), lingerMs).unref();
  }

  async forget(campaign: string): Promise<void> {
    this.lastSeen.delete(campaign);
    for (const { name } of await this.registry.getMetricsAsJSON()) {
      const metric = this.registry.getSingleMetric(name) as Counter<string> | Gauge<string>;
      const { values } = await metric.get();
      for (const { labels } of values)
        if (labels.campaign === campaign) metric.remove(labels as Record<string, string>);
    }
  }
}
