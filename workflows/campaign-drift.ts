import {
  condition,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import { answering, NO_DRIFT, roundSeed, takeOrders, type DriftState } from '../src/campaign';
import {
  decideDriftSchema,
  driftAnswerId,
  driftOperationId,
  driftWatchId,
  explainIssues,
  respondToDriftSchema,
  stageId,
  watchesDrift,
  WORKFLOWS,
  type ControlMolecule,
  type Cut,
  type DriftOrder,
  type ModelVersion,
} from '../src/contracts';
import { drift, warehouse } from './activities';
import type { CampaignData } from './campaign-data';
import type { CampaignModels } from './campaign-models';
import { MOVE_RETRIES, type CampaignOwner } from './campaign-owner';
import type { driftWatch } from './drift-watch';
import type { learningCycle } from './learning-cycle';
import * as messages from './messages';
import { rootCause, surfaced } from './support';

/** A batch is looked at before anything is learnt from it; whoever looks may be away, and a round waits no longer than this. */
const LOOK_PATIENCE = '5 minutes';
const AUTHOR = 'titrate (drift)';

/** What came of an order. */
interface Outcome {
  readonly state: 'done' | 'failed';
  readonly note: string;
  readonly controls?: readonly ControlMolecule[];
  readonly model?: string;
  readonly replaced?: string;
}
const done = (note: string, more: Partial<Outcome> = {}): Outcome => ({ state: 'done', note, ...more });
const failed = (note: string): Outcome => ({ state: 'failed', note });

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

  constructor(
    private readonly owner: CampaignOwner,
    private readonly parts: { readonly data: CampaignData; readonly models: CampaignModels },
  ) {}

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
      const outcome = await this.learnAside(orders).catch((error: unknown) => {
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
    return this.owner.state().drift ?? NO_DRIFT;
  }

  private set(next: Partial<DriftState>): void {
    this.owner.update({ drift: { ...this.now, ...next } });
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
      else await this.settle(order, await this.carryOut(order));
      this.set({ queue: this.now.queue.slice(1) });
      this.working = false;
    }
  }

  private async carryOut(order: DriftOrder): Promise<Outcome> {
    try {
      switch (order.action) {
        case 'pause':
          this.owner.update({ paused: true });
          return done('paused: send the signal resume when it may go on');
        case 'tell':
          return await this.tell(order);
        case 'roll-back':
          return await this.rollBack(order);
        case 'control-plate':
          return await this.askForControls(order);
        default:
          return await this.widenPool(order);
      }
    } catch (error) {
      if (isCancellation(error)) throw error;
      return failed(rootCause(error).message);
    }
  }

  private async tell({ id }: DriftOrder): Promise<Outcome> {
    const { campaignId } = this.owner.state();
    const { told, words } = await drift.tellOfDrift.executeWithOptions(
      { summary: `tell of ${id}`, retry: MOVE_RETRIES },
      [{ campaignId, id }],
    );
    return told ? done(words) : failed(words);
  }

  private async rollBack({ id, sentence }: DriftOrder): Promise<Outcome> {
    const { campaignId } = this.owner.state();
    const found = await drift.versionBefore.executeWithOptions({ retry: MOVE_RETRIES }, [{ campaignId }]);
    if (!found) return failed('no other version was in production before');
    const request = { to: found.before, by: AUTHOR, reason: sentence.slice(0, 2000) };
    const moved = await this.parts.models.rollBack(request, driftOperationId(campaignId, id));
    return done(
      `${moved.to} answers again instead of ${found.now}, and is held there until titrate models rollback ${campaignId} --release`,
    );
  }

  private async askForControls({ id, sentence }: DriftOrder): Promise<Outcome> {
    const { campaignId, config, round } = this.owner.state();
    const molecules = await drift.chooseControls.executeWithOptions({ retry: MOVE_RETRIES }, [
      { campaignId, id, seed: roundSeed(config.seed, round, 'acquire') },
    ]);
    if (molecules.length === 0) return failed('nothing has been measured that could be measured again');
    this.set({ controls: { action: id, why: sentence, molecules, until: round + 1 } });
    const names = molecules.map(({ compoundId, moleculeId }) => compoundId ?? moleculeId).join(', ');
    return done(
      `${molecules.length} molecules are to be measured again, on another plate, with the batch that is out or the next one: ${names}`,
      { controls: molecules },
    );
  }

  private async widenPool({ id, sentence }: DriftOrder): Promise<Outcome> {
    const { campaignId, config } = this.owner.state();
    const { sources, asked } = config.drift.widen;
    const ofLog = asked
      ? await drift.askedAsSource.executeWithOptions({ retry: MOVE_RETRIES }, [{ campaignId, id }])
      : null;
    const wider = [...sources, ...(ofLog ? [ofLog] : [])];
    if (wider.length === 0)
      return failed(
        `there is nothing to widen the pool by: name drift.widen.sources, or have the serving log keep molecules (inference.log.smiles). By hand: titrate data ingest a wider file, then titrate campaign rollback-data ${campaignId} --to the version that it tells`,
      );
    return done(
      await this.parts.data.widen(wider, stageId(driftWatchId(campaignId), `widen/${id}`), {
        ...{ author: AUTHOR, reason: sentence.slice(0, 2000), operationId: driftOperationId(campaignId, id) },
      }),
    );
  }

  private async learnAside(orders: readonly DriftOrder[]): Promise<Outcome> {
    const { campaignId, config, round, model } = this.owner.state();
    const { dataVersion, shards, shardCount } = this.owner.state().pool!;
    const { id } = orders[0]!;
    if (!model) return failed('there are too few labels for a model');
    const cut = await warehouse.closeCut.executeWithOptions({ summary: 'what is known beside the round' }, [
      { campaignId, round, dataVersion, config, branch: this.owner.state().dataBranch ?? 0, aside: id },
    ]);
    const answer = answering(config, orders);
    const { sha256 } = cut.training;
    const known = [
      (this.owner.state().lastCut as Partial<Cut> | null)?.training?.sha256,
      this.now.learntFrom,
    ];
    if (answer === config && known.includes(sha256))
      return failed(`nothing has been measured since ${model.id} was trained: there is nothing new to learn`);
    const learnt = await executeChild<typeof learningCycle>(WORKFLOWS.cycle, {
      workflowId: driftAnswerId(campaignId, id),
      staticSummary: `drift: learn anew from ${cut.labels} labels`,
      args: [
        {
          ...{ campaignId, round, config: answer, dataVersion, shards, shardCount, cut },
          batchSize: 0,
          answering: id,
        },
      ],
    });
    if (!learnt.model) return failed('there are too few labels for a model');
    this.owner.update({ model: learnt.model });
    this.set({ learntFrom: sha256 });
    return done(`learnt anew from ${cut.labels} labels: ${learnt.model.id}`, {
      ...{ model: learnt.model.id, replaced: model.id },
    });
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
