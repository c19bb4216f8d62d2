import {
  allHandlersFinished,
  condition,
  executeChild,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Duration } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time';
import {
  addEvent,
  addRound,
  advanceClocks,
  answering,
  batchReturned,
  currentBatchOf,
  frontWords,
  historyOf,
  nextBatchSize,
  prospectsWanted,
  rollingOut,
  roundsLeft,
  runtimeChange,
  setDeployment,
  statusOf,
  stopFor,
  type CampaignState,
} from '../src/campaign';
import {
  roundId,
  WORKFLOWS,
  type CampaignOutcome,
  type Cut,
  type RoundSummary,
  type StageTiming,
  type Stop,
} from '../src/contracts';
import { deploy, warehouse } from './activities';
import { showInWebUi } from './campaign-display';
import { CampaignData } from './campaign-data';
import { CampaignDrift } from './campaign-drift';
import { CampaignIntake } from './campaign-intake';
import { CampaignModels } from './campaign-models';
import { openState, type CampaignInput } from './campaign-opening';
import type { learningCycle } from './learning-cycle';
import * as messages from './messages';
import { goOn, rootCause } from './support';
import { campaignIsAt } from './trace-place';

/** How long a finished campaign waits for a rollout that is still under way, before it closes its books. */
const ROLLOUT_PATIENCE = '3 minutes';
/** Events after which an execution no longer waits for a lull in the posts; the server ends it at 51,200. */
const HISTORY_LIMIT = 30_000;

/**
 * A whole campaign, one round an execution: learn from what is known, hand out a batch, wait for the lab, go round again
 * until the budget, the target or a plateau.
 */
export async function activeLearningCampaign(input: CampaignInput): Promise<CampaignOutcome> {
  const campaign = new Campaign(openState(input));
  campaign.listen();
  return campaign.run();
}

/** What chose a batch, and why, after the number of its molecules. */
const chosenWords = ({ chosenBy }: Pick<RoundSummary, 'chosenBy'>): string =>
  chosenBy ? ` by ${chosenBy.strategy} (${chosenBy.why})` : '';

class Campaign {
  private readonly intake: CampaignIntake;
  private readonly data: CampaignData;
  private readonly models: CampaignModels;
  private readonly drift: CampaignDrift;
  private finalCut: Cut | null = null;

  constructor(private state: CampaignState) {
    const owner = {
      state: () => this.state,
      update: (next: Partial<CampaignState>) => this.update(next),
      event: (kind: string, message: string) => this.event(kind, message),
      note: (kind: string, message: string) => this.note(kind, message),
    };
    this.intake = new CampaignIntake(owner);
    this.data = new CampaignData(owner);
    this.models = new CampaignModels(owner);
    this.drift = new CampaignDrift(owner, { data: this.data, models: this.models });
    this.update({});
  }

  private update(next: Partial<CampaignState>): void {
    this.state = { ...this.state, ...next };
    this.state = { ...this.state, clocks: advanceClocks(this.state, Date.now()) };
    campaignIsAt(this.state);
    showInWebUi(this.state);
  }

  private note(kind: string, message: string): void {
    this.update(addEvent(this.state, { at: new Date().toISOString(), kind, message }));
  }

  /** A note that also says how things stand. */
  private event(kind: string, message: string): void {
    this.note(kind, message);
    this.update({ message });
  }

  /** Handlers come before the first await, so that nothing sent at the very start is missed. */
  listen(): void {
    const told = (by?: messages.By) => `${by?.by ? ` by ${by.by}` : ''}${by?.reason ? `: ${by.reason}` : ''}`;
    setHandler(messages.status, () => statusOf(this.state));
    setHandler(messages.currentBatch, () => currentBatchOf(this.state));
    setHandler(messages.history, () => historyOf(this.state));
    setHandler(messages.pause, (by) => {
      this.event('paused', `paused${told(by)}`);
      this.update({ paused: true });
    });
    setHandler(messages.resume, (by) => {
      this.event('resumed', `resumed${told(by)}`);
      this.update({ paused: false });
    });
    setHandler(messages.stop, (by) => {
      this.event('stop', `asked to stop${told(by)}`);
      this.update({ stopRequested: true, paused: false });
    });
    setHandler(
      messages.approveBatch,
      (by?: messages.Approval) => {
        const batch = this.state.batch!;
        if (!batch.approved) {
          this.event('approved', `batch ${batch.batchId} approved${told(by)}`);
          this.approve();
        }
        return { batchId: batch.batchId };
      },
      {
        validator: (by?: messages.Approval) => {
          const { batch } = this.state;
          if (!batch) throw new Error('there is no batch to approve');
          if (by?.batchId !== undefined && by.batchId !== batch.batchId) {
            throw new Error(`the current batch is ${batch.batchId}, not ${by.batchId}`);
          }
        },
      },
    );
    setHandler(messages.stageEntered, ({ stage, message }) => {
      if (!this.drift.isLearning()) this.update({ stage, message });
    });
    setHandler(messages.deploymentFinished, ({ round, deployment }) => {
      this.update(setDeployment(this.state, round, deployment));
      // Beside the round's own business: what the campaign waits for stays its message.
      this.note('deployment', `round ${round}: ${deployment.status}: ${deployment.message}`);
    });
    this.intake.listen();
    this.data.listen();
    this.models.listen();
    this.drift.listen();
  }

  async run(): Promise<CampaignOutcome> {
    this.intake.start();
    this.drift.start();
    const begins = !this.state.pool;
    const timings = begins ? await this.data.open() : [];
    if (begins) await this.drift.schedule();
    if (this.state.batch) {
      await this.awaitLab();
      if (!this.labIsDone()) return this.handOver();
      this.event('batch-closed', this.closingWords());
      await this.drift.lookAtBatch(this.state.round);
      this.update({ round: this.state.round + 1, batch: null });
    }
    const stop = await this.playRound(timings);
    return stop ? this.finish(stop) : this.handOver();
  }

  /** Learns and hands out the batch of the current round. A reason to end comes back instead of a batch. */
  private async playRound(timings: readonly StageTiming[]): Promise<Stop | null> {
    for (;;) {
      await condition(() => !this.state.paused);
      try {
        return await this.tryRound(timings);
      } catch (error) {
        if (isCancellation(error)) throw error;
        // Months of lab work are not thrown away for one round that went wrong: a person mends the cause and resumes.
        const { message, type } = rootCause(error);
        this.event(
          'round-failed',
          `round ${this.state.round} failed: ${message} (${type}) Mend it and send the signal resume.`,
        );
        this.update({ paused: true });
      }
    }
  }

  private async tryRound(timings: readonly StageTiming[]): Promise<Stop | null> {
    const { campaignId, config, round } = this.state;
    const { dataVersion, shards, shardCount } = this.state.pool!;
    const cut = await warehouse.closeCut.executeWithOptions({ summary: `fix what round ${round} knows` }, [
      { campaignId, round, dataVersion, config, branch: this.state.dataBranch ?? 0 },
    ]);
    this.update({ lastCut: cut });
    const best = cut.best?.value ?? null;
    const ending = stopFor(this.state, best);
    const orders = this.drift.learning();
    const before = this.state.model;
    const prospects = ending ? null : prospectsWanted(this.state, best);
    const { summary, model, batch, stop, rules, nothing, rolloutStarted, runtime } = await executeChild<
      typeof learningCycle
    >(WORKFLOWS.cycle, {
      workflowId: roundId(campaignId, round),
      staticSummary: ending ? 'closing round: the last results' : `round ${round}: ${cut.labels} labels`,
      args: [
        {
          campaignId,
          round,
          config: answering(config, orders),
          dataVersion,
          shards,
          shardCount,
          cut,
          batchSize: ending ? 0 : nextBatchSize(this.state),
          roundsLeft: roundsLeft(this.state),
          ...(prospects && { prospects }),
          ...(this.state.spent !== undefined && { spent: this.state.spent }),
          timings,
        },
      ],
    });
    const moved = runtimeChange(this.state.runtime, runtime);
    if (moved) {
      this.event(
        'runtime-changed',
        `round ${round} was computed elsewhere (${moved}): picks may differ from those of one undisturbed machine`,
      );
    }
    this.update({
      ...addRound(this.state, summary),
      model: model ?? this.state.model,
      runtime,
      rollouts: rolloutStarted ? [...this.state.rollouts, round] : this.state.rollouts,
    });
    this.finalCut = cut;
    await this.drift.learntBy(orders, round, model, before);
    if (ending ?? stop) return ending ?? stop!;
    if (rules?.binding) this.note('rules', rules.words);
    if (!batch)
      return {
        reason: nothing ?? 'pool-exhausted',
        why: rules?.words ?? 'no molecule is left that may be picked',
      };
    if (rules?.cost) this.update({ spent: rules.cost.before + rules.cost.batch });
    this.update({
      batch: {
        batchId: batch.batchId,
        sheet: batch.sheet,
        inline: batch.inline,
        size: batch.size,
        outstanding: batch.outstanding,
        approved: false,
        closesAt: null,
      },
      assays: this.state.assays + batch.size,
    });
    this.event(
      'batch',
      `batch ${batch.batchId}: ${batch.size} molecules${chosenWords(summary)}, seal ${batch.seal.slice(0, 12)}`,
    );
    return null;
  }

  /** The wait: for approval, then for results. Days and weeks pass here. */
  private async awaitLab(): Promise<void> {
    const { config } = this.state;
    const interrupted = () => this.state.stopRequested || workflowInfo().continueAsNewSuggested;
    if (!this.state.batch!.approved) {
      if (config.lab.approval === 'automatic') this.approve();
      else {
        this.update({
          stage: 'awaiting-approval',
          message: `batch ${this.state.batch!.batchId} waits for approveBatch`,
        });
        await this.waiting(() => this.state.batch!.approved || interrupted());
        if (!this.state.batch!.approved) return;
      }
    }
    const { batchId, size, closesAt } = this.state.batch!;
    this.update({
      stage: 'awaiting-results',
      message: `batch ${batchId}: waiting for the lab's results on ${size} molecules`,
    });
    await this.waiting(() => batchReturned(this.state) || interrupted(), closesAt!);
    await this.waiting(() => !this.state.paused || interrupted());
  }

  /** Waits, and learns anew meanwhile where drift asks for it. @param until milliseconds since 1970 */
  private async waiting(enough: () => boolean, until?: number): Promise<void> {
    const { stage, message } = this.state;
    for (;;) {
      const woken = () => enough() || this.drift.wantsLearning();
      if (until === undefined) await condition(woken);
      else await condition(woken, Math.max(1, until - Date.now()));
      if (enough() || !this.drift.wantsLearning()) return;
      await this.drift.learn();
      this.update({ stage, message });
    }
  }

  private labIsDone(): boolean {
    const { batch, stopRequested } = this.state;
    if (stopRequested || batchReturned(this.state)) return true;
    return batch!.closesAt !== null && Date.now() >= batch!.closesAt;
  }

  private closingWords(): string {
    const { batchId, size, outstanding } = this.state.batch!;
    const late = outstanding ? `; ${outstanding} still out, they count when they come` : '';
    return `batch ${batchId}: ${size - outstanding} of ${size} back${late}`;
  }

  private approve(): void {
    const closesAt = Date.now() + msToNumber(this.state.config.lab.closeAfter as Duration);
    this.update({ batch: { ...this.state.batch!, approved: true, closesAt } });
  }

  /**
   * Goes on as a new execution, with nothing lost: what was posted is taken in first. Only a campaign that is posted to without
   * a lull carries rows over, and few enough for a payload.
   */
  private async handOver(): Promise<never> {
    const urgent = () => workflowInfo().historyLength > HISTORY_LIMIT && this.intake.fitsPayload();
    await condition(() => this.intake.idle() || urgent());
    this.intake.pause();
    this.drift.pause();
    await condition(() => this.intake.resting() && this.drift.resting() && allHandlersFinished());
    return goOn<typeof activeLearningCampaign>({ resume: this.state });
  }

  /** The best value, or the front over several properties. */
  private reached(): string {
    const { config, lastCut } = this.state;
    return config.objective.others ? frontWords(lastCut?.front) : `best ${lastCut?.best?.value ?? 'none'}`;
  }

  private async finish({ reason, why }: Stop): Promise<CampaignOutcome> {
    const { campaignId } = this.state;
    this.update({
      stage: 'rolling-out',
      batch: null,
      stopReason: reason,
      stopWhy: why,
      message: `ending (${reason}: ${why}): waiting for rollouts`,
    });
    await condition(() => !rollingOut(this.state), ROLLOUT_PATIENCE);
    await condition(() => this.intake.idle());
    await this.drift.close();
    await deploy.closeCampaign({ campaignId, stopReason: reason, stopWhy: why, finalCut: this.finalCut });
    let report = null;
    try {
      report = await deploy.writeReport.executeWithOptions(
        { summary: 'write the report', retry: { maximumAttempts: 5 } },
        [{ campaignId, at: new Date().toISOString() }],
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.event('report-failed', `the report could not be written: ${rootCause(error).message}`);
    }
    await condition(() => this.intake.idle() && allHandlersFinished());
    this.event(
      'finished',
      `finished (${reason}: ${why}): ${this.state.lastCut?.labels ?? 0} molecules measured, ${this.reached()}`,
    );
    this.update({ stage: 'finished' });
    return {
      campaignId,
      stopReason: reason,
      stopWhy: why,
      rounds: this.state.rounds.filter((round) => round.batchId !== null).length,
      labelled: this.state.lastCut?.labels ?? 0,
      poolSize: this.state.pool!.molecules,
      best: this.state.lastCut?.best?.value ?? null,
      ...(this.state.config.objective.others && { front: this.state.lastCut?.front ?? null }),
      modelVersion: this.state.model?.id ?? null,
      report,
    };
  }
}
