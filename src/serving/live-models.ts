import { asTitrateError, type ErrorCode, type ModelVersion } from '../contracts';
import type { Desired, ModelCatalogue } from './catalogue';
import type { ServingLogger } from './logger';
import type { ModelCache } from './model-cache';

export interface LiveModelsOptions {
  readonly registry: ModelCatalogue;
  /** What should answer for a campaign. */
  readonly desired: (campaignId: string) => Promise<Desired | null>;
  readonly cache: ModelCache;
  readonly logger: ServingLogger;
  /** Time between two looks at the pointers, milliseconds. */
  readonly pollMs: number;
}

/** Why the desired version of a campaign does not serve. */
export interface LoadFailure {
  readonly version: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly attempts: number;
  /** First failure, ISO 8601. */
  readonly since: string;
}

/** Version ids; `live` answers requests, `desired` is what the pointer names. */
export interface LiveModelStatus {
  readonly campaignId: string;
  readonly desired: string | null;
  readonly live: ModelVersion | null;
  readonly loading: string | null;
  readonly failure: LoadFailure | null;
}

interface Campaign {
  readonly id: string;
  desired: Desired | null;
  live: ModelVersion | null;
  loading: string | null;
  failure: (LoadFailure & { readonly entry: number; readonly retryAt: number }) | null;
  work: Promise<void> | null;
}

/** Loads under way at once: each wants a good part of the machine. */
const LOADS_AT_ONCE = 2;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Which version of each campaign answers. Follows the pointers `serving/<campaign>`; a new version takes over in one assignment
 * once it is loaded, and until then, or when it cannot be loaded, the one before it goes on.
 */
export class LiveModels {
  private readonly campaigns = new Map<string, Campaign>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private loadsUnderWay = 0;
  private readonly waiting: (() => void)[] = [];
  private lastTrouble = '';

  constructor(private readonly options: LiveModelsOptions) {}

  /** Begins to follow the pointers. Resolves when every version desired now has been loaded, or could not be. */
  async start(): Promise<void> {
    await this.look();
    await this.settle();
  }

  /** Ends the watch; loads under way are waited for and change nothing more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.settle();
  }

  /** Reads one campaign's pointer at once, and starts what follows from it. Does not wait for a load. */
  async refresh(campaignId: string): Promise<LiveModelStatus> {
    const desired = await this.options.desired(campaignId);
    const campaign = this.campaignOf(campaignId);
    if (desired && desired.entry >= (campaign.desired?.entry ?? 0)) campaign.desired = desired;
    this.reconcile(campaign);
    return statusOf(campaign);
  }

  /** Null for a campaign that is not known here (yet). */
  status(campaignId: string): LiveModelStatus | null {
    const campaign = this.campaigns.get(campaignId);
    return campaign ? statusOf(campaign) : null;
  }

  all(): LiveModelStatus[] {
    return [...this.campaigns.values()].map(statusOf).sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1));
  }

  private async settle(): Promise<void> {
    for (const { work } of this.campaigns.values()) await work;
  }

  private campaignOf(id: string): Campaign {
    let campaign = this.campaigns.get(id);
    if (!campaign) {
      campaign = { id, desired: null, live: null, loading: null, failure: null, work: null };
      this.campaigns.set(id, campaign);
    }
    return campaign;
  }

  /** One look at all pointers, and the next one planned. Storage that cannot be read leaves everything as it is. */
  private async look(): Promise<void> {
    try {
      for (const id of await this.options.registry.campaigns()) {
        if (this.stopped) return;
        await this.refresh(id);
      }
      this.options.cache.sweep();
      this.lastTrouble = '';
    } catch (error) {
      const { message } = asTitrateError(error);
      if (message !== this.lastTrouble)
        this.options.logger.warn({ error: message }, 'the serving pointers cannot be read');
      this.lastTrouble = message;
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.look(), this.options.pollMs);
  }

  private reconcile(campaign: Campaign): void {
    if (campaign.work || this.stopped) return;
    campaign.work = this.follow(campaign).finally(() => (campaign.work = null));
  }

  /** Loads until what is live is what is desired; never throws. */
  private async follow(campaign: Campaign): Promise<void> {
    while (!this.stopped) {
      const target = campaign.desired;
      if (!target) return;
      if (campaign.live?.id === target.versionId) {
        campaign.failure = null;
        return;
      }
      const { failure } = campaign;
      const known = failure?.entry === target.entry;
      if (known && (!failure.retryable || performance.now() < failure.retryAt)) return;
      try {
        await this.takeOver(campaign, target);
      } catch (error) {
        this.recordFailure(campaign, target, error);
      }
    }
  }

  private async takeOver(campaign: Campaign, target: NonNullable<Campaign['desired']>): Promise<void> {
    const { registry, cache, logger } = this.options;
    campaign.loading = target.versionId;
    await this.enterLoading();
    try {
      const version = await registry.resolve(target.versionId);
      const lease = await cache.lease(version);
      try {
        // The pointer may have moved on meanwhile: then this version never was wanted for long enough to serve.
        if (this.stopped || campaign.desired?.versionId !== target.versionId) return;
        cache.pin(campaign.id, version.id);
        const before = campaign.live;
        campaign.live = version;
        campaign.failure = null;
        const { warnings } = lease.model;
        logger.info(
          { campaign: campaign.id, version: version.id, before: before?.id ?? null, warnings },
          'model live',
        );
      } finally {
        lease.release();
      }
    } finally {
      campaign.loading = null;
      this.leaveLoading();
    }
  }

  private recordFailure(campaign: Campaign, target: NonNullable<Campaign['desired']>, cause: unknown): void {
    const error = asTitrateError(cause);
    const before = campaign.failure?.entry === target.entry ? campaign.failure : null;
    const attempts = (before?.attempts ?? 0) + 1;
    campaign.failure = {
      version: target.versionId,
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      attempts,
      since: before?.since ?? new Date().toISOString(),
      entry: target.entry,
      retryAt: performance.now() + Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS),
    };
    this.options.logger.warn(
      {
        campaign: campaign.id,
        version: target.versionId,
        live: campaign.live?.id ?? null,
        code: error.code,
        error: error.message,
      },
      'model cannot be loaded',
    );
  }

  private async enterLoading(): Promise<void> {
    if (this.loadsUnderWay >= LOADS_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.loadsUnderWay += 1;
  }

  private leaveLoading(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.loadsUnderWay -= 1;
  }
}

function statusOf({ id, desired, live, loading, failure }: Campaign): LiveModelStatus {
  const told = failure && {
    version: failure.version,
    code: failure.code,
    message: failure.message,
    retryable: failure.retryable,
    attempts: failure.attempts,
    since: failure.since,
  };
  return { campaignId: id, desired: desired?.versionId ?? null, live, loading, failure: told };
}
