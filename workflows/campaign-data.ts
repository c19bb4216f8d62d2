import { ApplicationFailure, condition, executeChild, setHandler } from '@temporalio/workflow';
import {
  explainIssues,
  rollbackDataSchema,
  shownUri,
  stageId,
  WORKFLOWS,
  type CampaignConfig,
  type DataMoved,
  type RollbackData,
  type SourceSpec,
  type StageTiming,
} from '../src/contracts';
import type { PoolSummary } from '../activities/warehouse';
import { warehouse } from './activities';
import { checkConstraints, checkRules } from './constraints';
import { inOrder, MOVE_RETRIES, updateOperation, type CampaignOwner } from './campaign-owner';
import type { ingestion } from './ingestion';
import * as messages from './messages';
import { surfaced } from './support';

/** The pool's sources as a campaign reads them: values are kept in the objective's unit wherever the source says its own. */
const sourcesOf = (config: CampaignConfig): SourceSpec[] => inUnit(config.pool.sources ?? [], config);

function inUnit(sources: readonly SourceSpec[], { objective }: CampaignConfig): SourceSpec[] {
  return sources.map((source) =>
    objective.unit !== undefined &&
    source.convertTo === undefined &&
    (source.unit !== undefined || source.unitColumn !== undefined)
      ? { ...source, convertTo: objective.unit }
      : source,
  );
}

const poolOf = ({ dataVersion, molecules, shards, shardCount }: PoolSummary) => ({
  dataVersion,
  molecules,
  shards,
  shardCount,
});

/** Which data a campaign works on: its pool at the start, and what `rollbackData` moves it to later. */
export class CampaignData {
  private readonly oneAfterTheOther = inOrder();

  constructor(private readonly owner: CampaignOwner) {}

  listen(): void {
    setHandler(
      messages.rollbackData,
      (request) => {
        const operationId = updateOperation(this.owner, 'rollbackData');
        // Each names the branch before it.
        return this.oneAfterTheOther(() => this.move(request, operationId));
      },
      {
        validator: (request) => {
          const parsed = rollbackDataSchema.safeParse(request);
          if (!parsed.success) {
            throw new Error(
              `expected { to, by, reason }: ${explainIssues(rollbackDataSchema, parsed.error).join('; ')}`,
            );
          }
          if (this.owner.state().stopReason)
            throw new Error('the campaign is ending: no round is left that could learn from other data');
        },
      },
    );
  }

  private async move({ to, by, reason }: RollbackData, operationId: string): Promise<DataMoved> {
    await condition(() => this.owner.state().pool !== null);
    try {
      const { campaignId, config } = this.owner.state();
      const { moved, pool } = await warehouse.rollbackData.executeWithOptions(
        // Somebody waits for the answer: they had better be told than kept waiting for ever.
        { summary: `move the data to ${to}`, retry: MOVE_RETRIES },
        [
          {
            campaignId,
            to,
            author: by,
            reason,
            operationId,
            standardisation: config.pool.standardisation,
            unit: config.objective.unit,
          },
        ],
      );
      const { branch, results } = moved;
      this.owner.update({ pool: poolOf(pool), dataBranch: branch.number });
      this.owner.note(
        'data-moved',
        `data moved to ${to} by ${by}: ${reason} (branch ${branch.number}, ${results} results, ${pool.molecules} molecules in ${pool.dataVersion}); the next round learns from it`,
      );
      return { branch: branch.number, to, dataVersion: pool.dataVersion, results };
    } catch (error) {
      throw surfaced(error);
    }
  }

  /**
   * Takes further sources into the pool: a new version of the campaign's dataset, which the coming rounds choose from.
   * @returns what came of it, in words
   */
  async widen(
    sources: readonly SourceSpec[],
    workflowId: string,
    by: { readonly author: string; readonly reason: string; readonly operationId: string },
  ): Promise<string> {
    const { campaignId, config, pool: before } = this.owner.state();
    const { caps, standardisation, dataset } = config.pool;
    if (dataset !== undefined)
      throw ApplicationFailure.nonRetryable(
        `the pool is the dataset ${dataset}, which belongs to others too. By hand: titrate data ingest into a dataset that holds it, then titrate campaign rollback-data ${campaignId} --to that version`,
        'usage',
      );
    const { author, reason, operationId } = by;
    const { pool } = await executeChild<typeof ingestion>(WORKFLOWS.ingestion, {
      workflowId,
      staticSummary: `widen the pool of ${campaignId}`,
      args: [
        {
          ...{ dataset: campaignId, caps, standardisation, author, reason },
          ...{ sources: inUnit(sources, config), onto: 'head' },
        },
      ],
    });
    const added = pool.molecules - before!.molecules;
    if (pool.dataVersion === before!.dataVersion || added <= 0)
      return `all of it was in the pool already: ${before!.molecules} molecules`;
    await this.oneAfterTheOther(() => this.move({ to: pool.dataVersion, by: author, reason }, operationId));
    return `${added} molecules were taken in: the next round chooses from ${pool.molecules}`;
  }

  /** First of all: the pool. A source that cannot be used ends the campaign, since nothing can be learnt without one. */
  async open(): Promise<StageTiming[]> {
    const { campaignId, config, round } = this.owner.state();
    const reading = config.pool.dataset ?? `${config.pool.sources!.length} source(s)`;
    this.owner.update({ stage: 'ingesting', message: `reading ${reading}` });
    try {
      const lists = await checkConstraints(config);
      const { pool, examples, seconds, cached } = await this.pool();
      const rules = lists && (await checkRules(config, lists, pool.shards));
      this.owner.update({ pool: poolOf(pool) });
      await warehouse.openCampaign({
        campaignId,
        config,
        dataVersion: pool.dataVersion,
        poolSize: pool.molecules,
      });
      this.owner.event(
        'ingested',
        `${pool.molecules} molecules from ${pool.acceptedRows} rows; ${pool.quarantinedRows} rows in quarantine`,
      );
      for (const example of examples) this.owner.event('quarantine', example);
      if (rules) this.owner.event('rules', rules);
      return [{ stage: 'ingest', round, seconds, cached }];
    } catch (error) {
      throw surfaced(error);
    }
  }

  private async pool() {
    const { campaignId, config } = this.owner.state();
    const { caps, standardisation, dataset } = config.pool;
    if (dataset !== undefined) {
      const pool = await warehouse.openDataset.executeWithOptions({ summary: `dataset ${dataset}` }, [
        { reference: dataset, standardisation, unit: config.objective.unit },
      ]);
      return { pool, examples: [], seconds: 0, cached: true };
    }
    const sources = sourcesOf(config);
    return executeChild<typeof ingestion>(WORKFLOWS.ingestion, {
      workflowId: stageId(campaignId, 'ingestion'),
      staticSummary: `ingest ${sources.map((source) => shownUri(source.uri)).join(', ')}`,
      args: [
        {
          dataset: campaignId,
          sources,
          caps,
          standardisation,
          author: 'titrate',
          reason: `pool of campaign ${campaignId}`,
        },
      ],
    });
  }
}
