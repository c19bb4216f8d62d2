import { condition, isCancellation, ParentClosePolicy, setHandler, startChild } from '@temporalio/workflow';
import { takeOrders, type DriftState } from '../src/campaign';
import {
  decideDriftSchema,
  driftWatchId,
  explainIssues,
  respondToDriftSchema,
  watchesDrift,
  WORKFLOWS,
  type DriftOrder,
  type ModelVersion,
} from '../src/contracts';
import { drift } from './activities';
import { MOVE_RETRIES, type CampaignOwner } from './campaign-owner';
import {
  done,
  DriftActions,
  driftOf,
  failed,
  setDrift,
  type CampaignParts,
  type Outcome,
} from './drift-actions';
import type { driftWatch } from './drift-watch';
import * as messages from './messages';
import { rootCause, surfaced } from './support';

/** A batch is looked at before anything is learnt from it; whoever looks may be away, and a round waits no longer than this. */
const LOOK_PATIENCE = '5 minutes';

const learns = ({ action }: DriftOrder) => action === 'retrain' || action === 're-explore';

/**
 * What a campaign does about drift. Orders come by signal, each once; they wait in the state, so that no execution forgets one. What can be
 * done at once is done at once, one after the other; what has to be learnt waits for a moment at which the campaign learns, or waits
 * itself.
 */
export class CampaignDrift {
  private working = false;
  private held = false;
  private busy = false;

  private readonly actions: DriftActions;

  constructor(
    private readonly owner: CampaignOwner,
    parts: CampaignParts,
  ) {
    this.actions = new DriftActions(owner, parts);
  }

  listen(): void {
    setHandler(messages.respondToDrift, (message) => {
      const parsed = respondToDriftSchema.safeParse(message);
      if (parsed.success) this.take(parsed.data.actions);
      else
        this.owner.note(
          'drift-refused',
          `signal respondToDrift refused: ${explainIssues(respondToDriftSchema, parsed.error).join('; ')}`,
        );
    });
    setHandler(
      messages.decideDrift,
      async (given) => {
        const decision = decideDriftSchema.parse(given);
        const { campaignId } = this.owner.state();
        try {
          const order = await drift.decideDriftAction.executeWithOptions(
            { summary: `${decision.decision} ${decision.id}`, retry: MOVE_RETRIES },
            [{ ...decision, campaignId }],
          );
          this.owner.note('drift-decided', `${decision.id}: ${decision.decision} by ${decision.by}`);
          if (order) this.take([order]);
          return { id: decision.id, decision: decision.decision };
        } catch (error) {
          throw surfaced(error);
        }
      },
      {
        validator: (given) => {
          const parsed = decideDriftSchema.safeParse(given);
          if (parsed.success) return;
          const issues = explainIssues(decideDriftSchema, parsed.error).join('; ');
          throw new Error(`expected { id, decision: 'approve' or 'dismiss', by, reason }: ${issues}`);
        },
      },
    );
  }

  /** Starts the loop that does what can be done at once. It ends with the execution. */
  start(): void {
    void this.drain().catch((error) => {
      if (!isCancellation(error)) throw error;
    });
  }

  idle = (): boolean => !this.working && this.now.queue.length === 0;
  resting = (): boolean => !this.working && !this.busy;
  /** No further orders are begun by this execution. */
  pause(): void {
    this.held = true;
  }

  /** Whether something is to be learnt anew, beside the rounds. */
  wantsLearning = (): boolean =>
    this.now.learning.length > 0 && !this.owner.state().paused && !this.held && !this.busy;
  /** While it learns beside a batch that is out, stages are not the campaign's. */
  isLearning = (): boolean => this.busy;
  /** Orders that the coming round answers by what it learns. */
  learning = (): readonly DriftOrder[] => this.now.learning;

  /** Looks go on by themselves from here on. Without them the campaign goes on too. */
  async schedule(): Promise<void> {
    const { campaignId, config } = this.owner.state();
    if (!watchesDrift(config)) return;
    try {
      await drift.scheduleDriftWatch.executeWithOptions(
        { summary: `look for drift every ${config.drift.every}`, retry: MOVE_RETRIES },
        [{ campaignId, every: config.drift.every }],
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.owner.note(
        'drift-unwatched',
        `drift is looked for after batches only: ${rootCause(error).message}`,
      );
    }
  }

  /** What came back is looked at before it is learnt from. */
  async lookAtBatch(round: number): Promise<void> {
    const { campaignId, config } = this.owner.state();
    if (!watchesDrift(config)) return;
    let looked = false;
    const over = () => (looked = true);
    try {
      const watch = await startChild<typeof driftWatch>(WORKFLOWS.driftWatch, {
        workflowId: `${driftWatchId(campaignId)}/batch/${round}`,
        staticSummary: `drift: batch of round ${round}`,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ campaignId, occasion: 'batch', round }],
      });
      watch.result().then(over, over);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // It runs, or ran, already.
      return;
    }
    await condition(() => looked && this.idle(), LOOK_PATIENCE);
  }

  /** Learns on what is known now, while a batch is out: a model beside those of the rounds. */
  async learn(): Promise<void> {
    const orders = this.now.learning;
    this.busy = true;
    try {
      const outcome = await this.actions.learnAside(orders).catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        return failed(rootCause(error).message);
      });
      await this.settleLearning(orders, outcome);
    } finally {
      this.busy = false;
    }
  }

  /** A round has learnt, and so answered what was to be learnt. */
  async learntBy(
    orders: readonly DriftOrder[],
    round: number,
    model: ModelVersion | null,
    before: ModelVersion | null,
  ) {
    if (orders.length === 0) return;
    await this.settleLearning(
      orders,
      model
        ? done(`round ${round} learnt anew: ${model.id}`, {
            model: model.id,
            ...(before && before.id !== model.id && { replaced: before.id }),
          })
        : failed('there are too few labels for a model'),
    );
  }

  /** At the end of the campaign: nothing is left that could be done. */
  async close(): Promise<void> {
    const { campaignId, config } = this.owner.state();
    if (!watchesDrift(config)) return;
    await condition(() => this.idle());
    await this.settleLearning(this.now.learning, failed('the campaign has ended'));
    try {
      await drift.unscheduleDriftWatch.executeWithOptions({ retry: MOVE_RETRIES }, [{ campaignId }]);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // The next look sees that the campaign has ended, and takes it away.
    }
  }

  private get now(): DriftState {
    return driftOf(this.owner);
  }

  private set(next: Partial<DriftState>): void {
    setDrift(this.owner, next);
  }

  private take(orders: readonly DriftOrder[]): void {
    this.set(takeOrders(this.now, orders));
  }

  private async drain(): Promise<void> {
    for (;;) {
      await condition(() => !this.held && this.owner.state().pool !== null && this.now.queue.length > 0);
      this.working = true;
      const [order] = this.now.queue as [DriftOrder];
      if (learns(order)) this.set({ learning: [...this.now.learning, order] });
      else await this.settle(order, await this.actions.carryOut(order));
      this.set({ queue: this.now.queue.slice(1) });
      this.working = false;
    }
  }

  private async settleLearning(orders: readonly DriftOrder[], outcome: Outcome): Promise<void> {
    for (const order of orders) await this.settle(order, outcome);
    this.set({ learning: this.now.learning.filter(({ id }) => orders.every((order) => order.id !== id)) });
  }

  private async settle({ id, action, sentence }: DriftOrder, outcome: Outcome): Promise<void> {
    const { campaignId } = this.owner.state();
    const { state, note } = outcome;
    const words = `${action}${state === 'failed' ? ' could not be done' : ''}: ${note} (${sentence})`;
    if (action === 'pause') this.owner.event('drift', words);
    else this.owner.note('drift', words);
    await drift.settleDriftAction.executeWithOptions({ summary: `${action}: ${state}` }, [
      { campaignId, id, ...outcome },
    ]);
  }
}
