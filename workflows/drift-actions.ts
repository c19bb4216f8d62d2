import { executeChild, isCancellation } from '@temporalio/workflow';
import { answering, NO_DRIFT, roundSeed, type DriftState } from '../src/campaign';
import {
  driftAnswerId,
  driftOperationId,
  driftWatchId,
  stageId,
  WORKFLOWS,
  type ControlMolecule,
  type Cut,
  type DriftOrder,
} from '../src/contracts';
import { drift, warehouse } from './activities';
import type { CampaignData } from './campaign-data';
import type { CampaignModels } from './campaign-models';
import { MOVE_RETRIES, type CampaignOwner } from './campaign-owner';
import type { learningCycle } from './learning-cycle';
import { rootCause } from './support';

/** Who is said to have moved a pointer. */
const AUTHOR = 'titrate (drift)';

/** What came of an order. */
export interface Outcome {
  readonly state: 'done' | 'failed';
  readonly note: string;
  readonly controls?: readonly ControlMolecule[];
  readonly model?: string;
  readonly replaced?: string;
}
export const done = (note: string, more: Partial<Outcome> = {}): Outcome => ({
  state: 'done',
  note,
  ...more,
});
export const failed = (note: string): Outcome => ({ state: 'failed', note });

/** Parts of the campaign that actions go through. */
export interface CampaignParts {
  readonly data: CampaignData;
  readonly models: CampaignModels;
}

export const driftOf = (owner: CampaignOwner): DriftState => owner.state().drift ?? NO_DRIFT;
export const setDrift = (owner: CampaignOwner, next: Partial<DriftState>): void =>
  owner.update({ drift: { ...driftOf(owner), ...next } });

/** What a campaign can do about drift, one method an action. What cannot be done comes back as an outcome, with the reason. */
export class DriftActions {
  constructor(
    private readonly owner: CampaignOwner,
    private readonly parts: CampaignParts,
  ) {}

  async carryOut(order: DriftOrder): Promise<Outcome> {
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
    setDrift(this.owner, { controls: { action: id, why: sentence, molecules, until: round + 1 } });
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

  /** Learns on what is known now, in a cycle of its own that hands out no batch. */
  async learnAside(orders: readonly DriftOrder[]): Promise<Outcome> {
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
      driftOf(this.owner).learntFrom,
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
    setDrift(this.owner, { learntFrom: sha256 });
    return done(`learnt anew from ${cut.labels} labels: ${learnt.model.id}`, {
      ...{ model: learnt.model.id, replaced: model.id },
    });
  }
}
