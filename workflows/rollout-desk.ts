import { condition, setHandler } from '@temporalio/workflow';
import {
  explainIssues,
  rolloutDecisionSchema,
  type RolloutDecision,
  type RolloutPhase,
  type RolloutStatus,
  type RolloutStep,
} from '../src/contracts';
import * as messages from './messages';
import type { DeskRecord, RolloutInput } from './rollout-input';

/** What a person decided, and how a history says it. */
export interface Decided {
  readonly kind: 'approve' | 'rollback';
  readonly why: string;
}

/** The events that the status keeps: the last ones. */
const KEPT_EVENTS = 100;

/** Where people meet a rollout: how it stands, and what they decide. */
export class RolloutDesk {
  private status: RolloutStatus;
  private decided: Decided | null = null;
  private approved = false;
  private readonly told: string[];

  constructor({ campaignId, version, progress }: RolloutInput) {
    this.status = progress?.desk?.status ?? {
      ...{ campaignId, version: version.id, stable: null, phase: 'gates', gates: [], step: null },
      ...{ figures: [], verdicts: [], message: '', events: progress?.events ?? [] },
    };
    this.told = [...(progress?.desk?.notes ?? [])];
    setHandler(messages.rolloutStatus, () => this.status);
    setHandler(messages.approveRollout, (decision) => this.take('approve', decision));
    setHandler(messages.rollbackRollout, (decision) => this.take('rollback', decision));
    setHandler(messages.approveRolloutNow, (decision) => this.answer('approve', decision), this.checked);
    setHandler(messages.rollbackRolloutNow, (decision) => this.answer('rollback', decision), this.checked);
  }

  get isApproved(): boolean {
    return this.approved;
  }

  /** Somebody has decided what has not been acted on yet: an execution that ended now would forget it. */
  get isDecided(): boolean {
    return this.decided !== null;
  }

  /** What has been decided and not been acted on yet, which is acted on from now. */
  decision(): Decided | null {
    const { decided } = this;
    this.decided = null;
    return decided;
  }

  /** The same, as soon as there is one, or null after some time, milliseconds. */
  async decisionWithin(time: number): Promise<Decided | null> {
    await condition(() => this.decided !== null, time);
    return this.decision();
  }

  show(change: Partial<Pick<RolloutStatus, 'gates' | 'stable' | 'figures' | 'verdicts'>>): void {
    this.status = { ...this.status, ...change };
  }

  enter(phase: RolloutPhase, message: string): void {
    this.status = { ...this.status, phase };
    this.event(message);
  }

  watch(number: number, of: number, step: RolloutStep, since: number, deadline: number): void {
    const { mode, share, requests } = step;
    const at = (time: number) => new Date(time).toISOString();
    this.status = {
      ...this.status,
      phase: 'watching',
      step: { number, of, mode, share, requests, since: at(since), deadline: at(deadline) },
    };
    this.event(`watching ${this.status.version} at ${share} % (${mode}), step ${number} of ${of}`);
  }

  /** What the outcome also tells. */
  note(message: string): void {
    this.told.push(message);
    this.event(message);
  }

  notes = (): readonly string[] => this.told;

  /** What the next execution goes on from. */
  record = (): DeskRecord => ({ status: this.status, notes: this.told });

  say(message: string): void {
    this.status = { ...this.status, message };
  }

  private readonly checked = {
    validator: (decision?: RolloutDecision): void => {
      const fault = this.faultOf(decision);
      if (fault) throw new Error(fault);
    },
  };

  private take(kind: Decided['kind'], decision: RolloutDecision | undefined): void {
    const fault = this.faultOf(decision);
    if (fault) this.event(`${kind}Rollout refused: ${fault}`);
    else this.decide(kind, decision ?? {});
  }

  private answer(kind: Decided['kind'], decision: RolloutDecision | undefined): RolloutStatus {
    this.decide(kind, decision ?? {});
    return this.status;
  }

  private event(message: string): void {
    const at = new Date().toISOString();
    const events = [...this.status.events, { at, message }].slice(-KEPT_EVENTS);
    this.status = { ...this.status, message, events };
  }

  private faultOf(decision: RolloutDecision | undefined): string | null {
    const parsed = rolloutDecisionSchema.safeParse(decision ?? {});
    if (!parsed.success) return explainIssues(rolloutDecisionSchema, parsed.error).join('; ');
    const { version } = parsed.data;
    const { phase } = this.status;
    if (version !== undefined && version !== this.status.version)
      return `this is the rollout of ${this.status.version}, not of ${version}`;
    if (phase === 'promoting' || phase === 'rolling-back' || phase === 'ended')
      return `it is too late: ${this.status.version} is in phase ${phase}`;
    return null;
  }

  private decide(kind: Decided['kind'], { by, reason }: RolloutDecision): void {
    const why = `${kind === 'approve' ? 'approved' : 'rolled back'} by ${by ?? 'somebody'}${reason ? `: ${reason}` : ''}`;
    // A rollback stands, whatever is said after it.
    if (this.decided?.kind !== 'rollback') this.decided = { kind, why };
    if (kind === 'approve') this.approved = true;
    this.event(why);
  }
}
