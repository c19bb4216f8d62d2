import { setHandler } from '@temporalio/workflow';
import { explainIssues, rollbackModelSchema, type ModelMoved, type RollbackModel } from '../src/contracts';
import { deploy } from './activities';
import { inOrder, MOVE_RETRIES, updateOperation, type CampaignOwner } from './campaign-owner';
import * as messages from './messages';
import { surfaced } from './support';

/** Which of a campaign's models serves: rollouts move it, and `rollbackModel` holds it against them. */
export class CampaignModels {
  private readonly oneAfterTheOther = inOrder();

  constructor(private readonly owner: Pick<CampaignOwner, 'state' | 'update' | 'note'>) {}

  listen(): void {
    setHandler(
      messages.rollbackModel,
      (request) => {
        const operationId = updateOperation(this.owner, 'rollbackModel');
        // The last one asked for is the one that stands.
        return this.oneAfterTheOther(() => this.move(request, operationId));
      },
      {
        validator: (request) => {
          const parsed = rollbackModelSchema.safeParse(request);
          if (parsed.success) return;
          throw new Error(
            `expected { to, by, reason } or { release: true, by, reason }: ${explainIssues(rollbackModelSchema, parsed.error).join('; ')}`,
          );
        },
      },
    );
  }

  /** The same, asked for by the campaign itself. */
  rollBack(request: RollbackModel, operationId: string): Promise<ModelMoved> {
    return this.oneAfterTheOther(() => this.move(request, operationId));
  }

  private async move(request: RollbackModel, operationId: string): Promise<ModelMoved> {
    const { campaignId } = this.owner.state();
    const { to } = request;
    try {
      const moved = await deploy.rollbackModel.executeWithOptions(
        { summary: to ? `put ${to} into production` : 'release production', retry: MOVE_RETRIES },
        [{ ...request, campaignId, operationId }],
      );
      this.remember(request, moved);
      return moved;
    } catch (error) {
      throw surfaced(error);
    }
  }

  private remember({ release, by, reason }: RollbackModel, moved: ModelMoved): void {
    const { from, to, move, production, deployment } = moved;
    // A repetition that reached a later execution of the campaign is in its history already.
    if (move <= (this.owner.state().production?.move ?? 0)) return;
    this.owner.update({ production: { ...production, move } });
    if (release) {
      this.owner.note(
        'model-released',
        `production, at ${to}, released by ${by}: ${reason}; the next rollout may move it`,
      );
    } else {
      const before = from && from !== to ? ` from ${from}` : '';
      this.owner.note(
        'model-moved',
        `production rolled${before} to ${to} and held there by ${by}: ${reason} (${deployment!.message})`,
      );
    }
  }
}
