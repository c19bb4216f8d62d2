import { msToNumber } from '@temporalio/common/lib/time';
import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Duration } from '@temporalio/common';
import {
  operationId,
  rolloutConfigSchema,
  type GateVerdict,
  type RolloutConfig,
  type RolloutStep,
  type TrialVerdict,
  type VersionFigures,
} from '../src/contracts';
import { deploy } from './activities';
import { RolloutDesk } from './rollout-desk';
import { rootCause } from './support';
import type { RolloutInput, RolloutOutput as Outcome, RolloutProgress } from './rollout-input';

/** Time between two looks: a fifth of what has passed, within these, milliseconds. */
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** The longest while only a person can go on. */
const PATIENT_PAUSE_MS = 60_000;

/** How a step, or the whole, ended. */
type Verdict =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'promote' }
  | { readonly kind: 'continue'; readonly since: number }
  | { readonly kind: 'end'; readonly status: Outcome['status']; readonly message: string };

/**
 * One rollout: gates, then each step on trial, then promotion, or back at any point with the evidence. Every effect has an
 * operation id, so a worker that is killed changes nothing; whatever somebody else did meanwhile to production or to the trial
 * (a rollback, a later rollout) is found, and given way to.
 */
export class RolloutOnTrial {
  private readonly limits: RolloutConfig;
  private readonly desk: RolloutDesk;
  private gates: readonly GateVerdict[] = [];
  private figures: readonly VersionFigures[] = [];
  private verdicts: readonly TrialVerdict[] = [];
  private stable: string | null = null;

  constructor(private readonly input: RolloutInput) {
    // Campaigns that began earlier have fewer settings, and no steps: theirs are promoted on their gates.
    this.limits = { ...rolloutConfigSchema.parse({ steps: [] }), ...input.limits };
    this.desk = new RolloutDesk(input);
  }

  async run(): Promise<{ deployment: Outcome } | { progress: RolloutProgress }> {
    const { progress } = this.input;
    let tried = progress !== undefined && progress.tried !== false;
    try {
      if (progress) {
        this.resume(progress);
      } else {
        const held = await this.judge();
        if (held) return { deployment: held };
      }
      this.desk.show({ gates: this.gates, stable: this.stable });
      const plan = progress ? null : await this.plan();
      if (plan?.kind === 'end') return { deployment: this.outcome(plan.status, plan.message) };
      const from = progress?.step ?? (plan?.kind === 'promote' ? this.limits.steps.length : 0);
      for (let step = from; step < this.limits.steps.length; step++) {
        tried = true;
        const verdict = await this.tryStep(step, step === from ? progress?.since : undefined);
        if (verdict.kind === 'continue') return { progress: this.progress(step, verdict.since, tried) };
        if (verdict.kind === 'end')
          return { deployment: await this.takeBack(verdict.status, verdict.message) };
        if (verdict.kind === 'promote') break;
      }
      const asked = await this.awaitApproval(tried);
      if (asked?.kind === 'continue')
        return { progress: this.progress(this.limits.steps.length, asked.since, tried) };
      if (asked?.kind === 'end') return { deployment: await this.takeBack(asked.status, asked.message) };
      return { deployment: await this.promote(tried) };
    } catch (error) {
      if (isCancellation(error)) {
        // What was begun does not go on answering when nobody watches it.
        if (tried) await CancellationScope.nonCancellable(() => this.endTrial('the rollout was cancelled'));
        throw error;
      }
      const { message } = rootCause(error);
      if (tried) await this.endTrial(message);
      return { deployment: this.outcome('failed', message) };
    }
  }

  private resume({ gates, stable, desk }: RolloutProgress): void {
    this.gates = gates;
    this.stable = stable;
    this.figures = desk?.status.figures ?? [];
    this.verdicts = desk?.status.verdicts ?? [];
  }

  private async judge(): Promise<Outcome | null> {
    const { campaignId, version } = this.input;
    this.desk.enter('gates', `judging ${version.id} by its gates`);
    this.gates = await deploy.judgeCandidate.executeWithOptions({ summary: `gates for ${version.id}` }, [
      { campaignId, version, limits: this.limits },
    ]);
    const failed = this.gates.filter((gate) => !gate.passed);
    if (!failed.length) return null;
    const why = failed.map((gate) => `${gate.gate} (${gate.evidence})`).join('; ');
    return this.outcome('held', `held back by ${why}`);
  }

  /** What stands in the way, and whether there is anything to be watched. */
  private async plan(): Promise<Verdict> {
    const { campaignId, version, asked } = this.input;
    if (this.limits.steps.length === 0 && this.limits.approval === 'auto') return { kind: 'promote' };
    const plan = await deploy.planTrial({
      ...{ campaignId, version, operationId: this.operation('plan'), author: asked?.by },
    });
    this.stable = plan.stable;
    this.desk.show({ stable: plan.stable });
    if (plan.obstacle) {
      const { status, message } = plan.obstacle;
      return { kind: 'end', status: status === 'ready' ? 'failed' : status, message };
    }
    if (plan.stable === null || plan.stable === version.id) {
      this.desk.note('no other version serves: nothing to compare with, so it is not tried');
      return { kind: 'promote' };
    }
    if (plan.requests < 1 && this.limits.notEnoughData === 'go-on') {
      this.desk.note(
        `not enough data: ${plan.stable} was asked 0 times lately, so there is nothing to watch`,
      );
      return { kind: 'promote' };
    }
    return { kind: 'go-on' };
  }

  /** Brings the candidate to the share of a step, and watches it for its time. */
  private async tryStep(index: number, resumedSince?: number): Promise<Verdict> {
    const { campaignId, version, asked } = this.input;
    const step = this.limits.steps[index]!;
    if (resumedSince === undefined) {
      this.desk.enter('starting', `bringing ${version.id} to ${step.share} % (${step.mode})`);
      const started = await deploy.startTrial.executeWithOptions(
        { summary: `${step.mode} ${step.share} % of ${version.id}` },
        [
          {
            ...{ campaignId, version, mode: step.mode, share: step.share, author: asked?.by },
            operationId: this.operation(`trial/${index + 1}`),
            reason: `${step.mode}, step ${index + 1} of ${this.limits.steps.length}`,
          },
        ],
      );
      if (started.status !== 'ready') {
        const status = started.status === 'failed' ? 'rolled-back' : started.status;
        return { kind: 'end', status, message: started.message };
      }
    }
    const since = resumedSince ?? Date.now();
    // Of the execution before this one it is known already where it stands.
    if (resumedSince === undefined || !this.input.progress?.desk)
      this.desk.watch(index + 1, this.limits.steps.length, step, since, since + milliseconds(step.within));
    return this.watch(step, since);
  }

  private async watch(step: RolloutStep, since: number): Promise<Verdict> {
    const { requests, watch, within } = step;
    const hold = this.limits.notEnoughData === 'hold';
    for (;;) {
      const passed = Date.now() - since;
      const decided = await this.desk.decisionWithin(pauseAfter(passed));
      if (decided?.kind === 'rollback') return { kind: 'end', status: 'rolled-back', message: decided.why };
      const ended = await this.look(since);
      if (ended) return ended;
      if (decided?.kind === 'approve') {
        this.desk.note(`${decided.why}: promoted before its steps were over`);
        return { kind: 'promote' };
      }
      const elapsed = Date.now() - since;
      const own = this.figures.find(({ version }) => version === this.input.version.id)?.requests ?? 0;
      if (elapsed >= milliseconds(watch) && this.figures.length && own >= requests) {
        this.desk.note(`${step.mode} ${step.share} %: ${this.told()}`);
        return { kind: 'go-on' };
      }
      const idle = this.figures.length > 0 && this.figures.every((figures) => figures.requests < 1);
      if (!hold && elapsed >= milliseconds(idle ? watch : within)) {
        this.desk.note(
          `${step.mode} ${step.share} %: not enough data, ${Math.round(own)} of ${requests} requests in ${Math.round(elapsed / 1000)} s; going on`,
        );
        return { kind: 'go-on' };
      }
      if (elapsed >= milliseconds(within))
        this.desk.say(
          `not enough data: ${Math.round(own)} of ${requests} requests; holding until there are more`,
        );
      if (this.mustContinue()) return { kind: 'continue', since };
    }
  }

  /** Before it does, what somebody said during the look is acted on. */
  private mustContinue = () => workflowInfo().continueAsNewSuggested && !this.desk.isDecided;

  /** Null while all is well, or not known yet. */
  private async look(since: number): Promise<Verdict | null> {
    const { campaignId, version } = this.input;
    const { state, message, figures, verdicts } = await deploy.lookAtTrial({
      ...{ campaignId, version, stable: this.stable },
      sinceSeconds: (Date.now() - since) / 1000,
      limits: this.limits.trial,
    });
    if (state === 'gone') return { kind: 'end', status: 'superseded', message: `${version.id}: ${message}` };
    [this.figures, this.verdicts] = [figures, verdicts];
    this.desk.show({ figures, verdicts });
    const bad = verdicts.filter(({ verdict }) => verdict === 'bad');
    if (!bad.length) return null;
    const why = bad.map(({ check, evidence }) => `${check} (${evidence})`).join('; ');
    return { kind: 'end', status: 'rolled-back', message: `rolled back by ${why}` };
  }

  /** A person's yes, where one is asked for; the candidate is watched meanwhile. */
  private async awaitApproval(tried: boolean): Promise<Verdict | null> {
    const decision = this.desk.decision();
    if (decision?.kind === 'rollback') return { kind: 'end', status: 'rolled-back', message: decision.why };
    if (this.limits.approval === 'auto' || this.desk.isApproved) return null;
    const { progress } = this.input;
    const resumed = progress?.step === this.limits.steps.length;
    if (!resumed || !progress.desk)
      this.desk.enter('awaiting-approval', `waiting for approveRollout of ${this.input.version.id}`);
    const since = resumed ? progress.since : Date.now();
    for (;;) {
      const decided = await this.desk.decisionWithin(pauseAfter(Date.now() - since, PATIENT_PAUSE_MS));
      if (decided?.kind === 'rollback') return { kind: 'end', status: 'rolled-back', message: decided.why };
      if (decided) {
        this.desk.note(decided.why);
        return null;
      }
      const ended = tried && this.limits.steps.length ? await this.look(since) : null;
      if (ended) return ended;
      if (this.mustContinue()) return { kind: 'continue', since };
    }
  }

  private async promote(tried: boolean): Promise<Outcome> {
    const { campaignId, round, version, asked } = this.input;
    this.desk.enter('promoting', `promoting ${version.id}`);
    const deployment = await deploy.deployModel.executeWithOptions({ summary: `deploy ${version.id}` }, [
      {
        ...{ campaignId, version, operationId: this.operation('deploy'), author: asked?.by },
        reason: asked?.reason ?? `round ${round}: passed ${this.gates.length} gates`,
      },
    ]);
    if (tried) await this.endTrial(`${version.id} ${deployment.status}`);
    const status = deployment.status === 'ready' ? 'deployed' : deployment.status;
    const notes = this.desk.notes();
    return this.outcome(
      status,
      notes.length ? `${deployment.message} (${notes.join('; ')})` : deployment.message,
    );
  }

  private async takeBack(status: Outcome['status'], message: string): Promise<Outcome> {
    this.desk.enter('rolling-back', message);
    await this.endTrial(message);
    return this.outcome(status, message);
  }

  private async endTrial(reason: string): Promise<void> {
    const { campaignId, version, asked } = this.input;
    await deploy.endTrial.executeWithOptions({ summary: `end the trial of ${version.id}` }, [
      { campaignId, version, operationId: this.operation('trial/end'), reason, author: asked?.by },
    ]);
  }

  private outcome(status: Outcome['status'], message: string): Outcome {
    this.desk.enter('ended', `${status}: ${message}`);
    const { verdicts, figures, gates } = this;
    return {
      status,
      gates,
      message,
      ...(verdicts.length && { verdicts }),
      ...(figures.length && { figures }),
    };
  }

  private progress(step: number, since: number, tried: boolean): RolloutProgress {
    return { gates: this.gates, stable: this.stable, step, since, tried, desk: this.desk.record() };
  }

  private told = () => this.verdicts.map(({ check, verdict }) => `${check} ${verdict}`).join(', ');

  private operation(name: string): string {
    const { campaignId, round, asked, answering } = this.input;
    if (asked) return `${asked.operationId}/${name}`;
    return operationId(campaignId, round, answering === undefined ? name : `answer/${answering}/${name}`);
  }
}

const milliseconds = (duration: string) => msToNumber(duration as Duration);
const pauseAfter = (passedMs: number, longestMs = LONGEST_PAUSE_MS) =>
  Math.min(longestMs, Math.max(SHORTEST_PAUSE_MS, Math.round(passedMs / 5)));
