import type { ChildProcess } from 'node:child_process';
import { asTitrateError, type ModelVersion } from '../../contracts';
import type { PointerLog } from '../../objects/pointers';
import { parseTrial, trialPointer, type TrialTarget } from '../../rollout/pointer-names';
import type { ModelRegistry } from '../../tracking/registry';
import type { ServingLogger } from '../logger';
import { Candidate, type CandidateLimits } from './candidate';
import type { CandidateAddress } from './forward';

export interface TrialsOptions {
  readonly registry: Pick<ModelRegistry, 'campaigns' | 'resolve'>;
  readonly pointers: PointerLog;
  readonly logger: ServingLogger;
  /** Time between two looks at the pointers, milliseconds. */
  readonly pollMs: number;
  /** Starts a process that answers with one version and speaks `CandidateMessage`. */
  readonly launch: (version: ModelVersion) => ChildProcess;
  readonly limits: CandidateLimits;
}

/** A candidate that can answer now. */
export interface RunningTrial extends TrialTarget, CandidateAddress {}

/** What a deployer is told of a campaign's trial. */
export interface TrialStatus {
  readonly model: string;
  /** Number of the pointer's entry that is followed; 0 when nothing was ever on trial. */
  readonly entry: number;
  readonly trial: TrialTarget | null;
  readonly state: 'off' | 'starting' | 'ready' | 'failed';
  readonly message: string;
  readonly pid: number | null;
  readonly memoryBytes: number;
}

interface Trial {
  readonly campaignId: string;
  entry: number;
  target: TrialTarget | null;
  candidate: Candidate | null;
  /** Why the version on trial could not be started at all. */
  failure: string | null;
}

/** Follows the pointers `trial/<campaign>`: one candidate's process a campaign, started, kept through every share, and ended. */
export class Trials {
  private readonly trials = new Map<string, Trial>();
  private readonly ending = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private lastTrouble = '';

  constructor(private readonly options: TrialsOptions) {}

  async start(): Promise<void> {
    await this.look();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const trial of this.trials.values()) this.dismiss(trial);
    await Promise.allSettled(this.ending);
  }

  /** Whether any campaign has a candidate that answers. */
  get any(): boolean {
    for (const { candidate } of this.trials.values()) if (candidate?.state.kind === 'ready') return true;
    return false;
  }

  /** The campaign's candidate, when it can answer. */
  running(campaignId: string): RunningTrial | null {
    const trial = this.trials.get(campaignId);
    const state = trial?.candidate?.state;
    if (!trial?.target || state?.kind !== 'ready') return null;
    return { ...trial.target, address: state.address, key: state.key };
  }

  /** Whether the version is what is to be tried, whatever has become of its process. */
  isTried(campaignId: string, version: string): boolean {
    return this.trials.get(campaignId)?.target?.version === version;
  }

  /** Reads one campaign's pointer at once, and starts what follows from it. Does not wait for a candidate to be ready. */
  async refresh(campaignId: string): Promise<TrialStatus> {
    const head = await this.options.pointers.head(trialPointer(campaignId));
    let trial = this.trials.get(campaignId);
    if (!trial) {
      trial = { campaignId, entry: 0, target: null, candidate: null, failure: null };
      if (head) this.trials.set(campaignId, trial);
    }
    if (head && head.number > trial.entry && !this.stopped) {
      trial.entry = head.number;
      await this.follow(trial, parseTrial(head.target));
    }
    return statusOf(trial);
  }

  private async look(): Promise<void> {
    try {
      for (const id of await this.options.registry.campaigns()) {
        if (this.stopped) return;
        await this.refresh(id);
      }
      this.lastTrouble = '';
    } catch (error) {
      const { message } = asTitrateError(error);
      if (message !== this.lastTrouble)
        this.options.logger.warn({ error: message }, 'the trial pointers cannot be followed');
      this.lastTrouble = message;
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.look(), this.options.pollMs);
  }

  private async follow(trial: Trial, target: TrialTarget | null): Promise<void> {
    const { registry, logger, launch, limits } = this.options;
    const before = trial.target;
    trial.target = target;
    logger.info({ campaign: trial.campaignId, trial: target }, 'trial');
    // Another share of the same candidate needs no other process; one that has failed is not started again under way.
    if (target && before?.version === target.version) return;
    this.dismiss(trial);
    trial.failure = null;
    if (!target) return;
    try {
      const version = await registry.resolve(target.version);
      // Meanwhile a later entry may have asked for something else.
      if (this.stopped || trial.target !== target) return;
      const candidate = new Candidate(version.id, launch(version), limits);
      trial.candidate = candidate;
      void candidate.settled().then((state) => {
        if (state.kind === 'failed')
          logger.warn({ version: version.id, error: state.message }, 'candidate failed');
      });
    } catch (error) {
      trial.failure = asTitrateError(error).message;
    }
  }

  private dismiss(trial: Trial): void {
    const { candidate } = trial;
    trial.candidate = null;
    if (!candidate) return;
    const ended = candidate.stop().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }
}

function statusOf({ campaignId, entry, target, candidate, failure }: Trial): TrialStatus {
  const told = (state: TrialStatus['state'], message: string): TrialStatus => ({
    model: campaignId,
    entry,
    trial: target,
    state,
    message,
    pid: candidate?.pid ?? null,
    memoryBytes: candidate?.memoryBytes ?? 0,
  });
  if (!target) return told('off', 'nothing is on trial');
  if (failure) return told('failed', failure);
  const state = candidate?.state ?? { kind: 'starting' };
  if (state.kind === 'failed') return told('failed', state.message);
  if (state.kind !== 'ready') return told('starting', `${target.version} is being loaded`);
  const share =
    target.mode === 'canary'
      ? `answers ${target.share} % of the requests`
      : `is asked beside for ${target.share} % of the requests`;
  return told('ready', `${target.version} ${share}`);
}
