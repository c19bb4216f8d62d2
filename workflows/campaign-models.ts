import { currentUpdateInfo, setHandler } from '@temporalio/workflow';
import type { CampaignState } from '../src/campaign';
import { explainIssues, rollbackModelSchema, type ModelMoved, type RollbackModel } from '../src/contracts';
import { deploy } from './activities';
import * as messages from './messages';
import { surfaced } from './support';

/** Some minutes of trying. */
const MOVE_RETRIES = {
  initialInterval: '500 ms',
  maximumInterval: '30 seconds',
  maximumAttempts: 15,
} as const;

interface Owner {
  state(): CampaignState;
  update(next: Partial<CampaignState>): void;
  /** An entry of the history beside what the campaign waits for. */
  note(kind: string, message: string): void;
}

/** Which of a campaign's models serves: rollouts move it, and `rollbackModel` holds it against them. */
export class CampaignModels {
  private moves: Promise<unknown> = Promise.resolve();

  constructor(private readonly owner: Owner) {}

  listen(): void {
    setHandler(
      messages.rollbackModel,
      (request) => {
        // The client's id of the update: sent again it is the same operation, also to a later execution of the campaign.
        const operationId = `${this.owner.state().campaignId}/rollbackModel/${currentUpdateInfo()!.id}`;
        // One after the other, in the order they came: the last one asked for is the one that stands.
        const move = this.moves.then(() => this.move(request, operationId));
        this.moves = move.catch(() => undefined);
        return move;
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

  private async move(request: RollbackModel, operationId: string): Promise<ModelMoved> {
    const { campaignId } = this.owner.state();
    const { to } = request;
    try {
      const moved = await deploy.rollbackModel.executeWithOptions(
        // Somebody waits for the answer: they had better be told than kept waiting for ever.
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
