import type { WorkflowFailedError } from '@temporalio/client';
import { type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type {
  BatchSheet,
  CampaignHistory,
  CampaignOutcome,
  CampaignStatus,
  CurrentBatch,
  RulesReport,
} from '../../src/contracts';
import { eventually } from '../support/eventually';
import { ScriptedWorld } from './support/scripted-lab';
import { hostWorld } from './support/hosted-world';

const constraints = {
  properties: { logP: { to: 5 } },
  cost: { file: { uri: 'prices.csv' }, total: 25 },
  stock: { column: 'mg' },
  include: { molecules: ['CCO'] },
};
const config = (changes: object = {}) => ({
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv', smilesColumn: 'structure', valueColumn: 'logS' }] },
  acquisition: { batchSize: 4, constraints: { ...constraints, ...changes } },
  budget: { rounds: 9 },
});

/** Rules that let 4 of the pool through at a price of 5 each, as long as there is money. */
class RuledWorld extends ScriptedWorld {
  readonly asked: string[] = [];
  readonly spent: (number | undefined)[] = [];
  infeasible = false;

  constructor() {
    super();
    const { landSource } = this.warehouse;
    this.warehouse.landSource = async (source) => {
      this.asked.push(`land ${source.uri} ${source.smilesColumn ?? '-'} ${source.valueColumn ?? '-'}`);
      return landSource(source);
    };
    const { resolveList } = this.featurization;
    this.featurization.resolveList = async (request) => {
      this.asked.push(`list ${request.where}${request.strict ? ', strict' : ''}`);
      return resolveList(request);
    };
    this.featurization.checkRules = async ({ inputs }) => {
      this.asked.push(`check ${Object.keys(inputs).sort().join(' ')}`);
      if (this.infeasible)
        throw ApplicationFailure.nonRetryable('nothing keeps the rules', 'batch-infeasible');
      return { words: '90 of 100 molecules keep the rules of a batch' };
    };
    const { acquireBatch } = this.gpu;
    this.gpu.acquireBatch = async (request) => {
      this.spent.push(request.rules?.spent);
      const before = request.rules!.spent;
      const size = Math.min(4, Math.floor((25 - before) / 5));
      const outcome = await acquireBatch({ ...request, batchSize: size });
      const rules = {
        ...{ asked: 4, picked: size, binding: size < 4 ? 'money' : null, words: `${size} of 4` },
        cost: { batch: 5 * size, before },
      } as RulesReport;
      const nothing = size === 0 ? { nothing: 'budget' as const } : {};
      return { ...outcome, value: { ...outcome.value, rules, ...nothing } };
    };
  }
}

describe('a campaign with constraints', () => {
  const host = hostWorld(() => new RuledWorld());
  let campaigns = 0;

  const start = (input: object): Promise<WorkflowHandle> =>
    host.env.client.workflow.start('activeLearningCampaign', {
      ...{ taskQueue: 'orchestration', workflowId: `ruled-${++campaigns}`, args: [input] },
      workflowTaskTimeout: '5s',
    });
  const batchOf = (handle: WorkflowHandle, round: number) =>
    eventually(
      () => handle.query<CurrentBatch>('currentBatch'),
      (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
      { seconds: 60, every: 25 },
    );
  const answer = async (handle: WorkflowHandle, round: number) => {
    const { sheet } = await batchOf(handle, round);
    const results = (sheet as BatchSheet).picks.map(({ moleculeId, rank }) => ({
      ...{ resultId: `r-${moleculeId}`, moleculeId, outcome: 'measured', value: rank },
    }));
    await handle.signal('labResults', { results });
  };

  test('reads its lists for every round, counts its money, and ends when that is spent', async () => {
    const handle = await start(config());
    await answer(handle, 1);
    await answer(handle, 2);
    const outcome = (await handle.result()) as CampaignOutcome;
    expect(outcome).toMatchObject({ stopReason: 'budget', rounds: 2, labelled: 5 });
    expect(host.world.spent).toEqual([0, 20, 25]);
    const lists = [
      'land pool.csv structure mg',
      'land prices.csv - cost',
      'list acquisition.constraints.cost.file',
      'list acquisition.constraints.include.molecules, strict',
      'list acquisition.constraints.stock.column (mg)',
    ];
    const pool = 'land pool.csv structure logS';
    const check = 'check amounts costs include screening';
    expect([...host.world.asked].sort()).toEqual(
      [...lists, ...lists, ...lists, ...lists, pool, check].sort(),
    );
    const { events } = await handle.query<CampaignHistory>('history');
    expect(events.filter(({ kind }) => kind === 'rules').map(({ message }) => message)).toEqual(
      expect.arrayContaining(['0 of 4']),
    );
  });

  test('ends at once when nothing could ever be picked, and says why', async () => {
    host.world.infeasible = true;
    const failure: unknown = await (await start(config())).result().catch((error: unknown) => error);
    expect((failure as WorkflowFailedError).cause).toMatchObject({
      type: 'batch-infeasible',
      message: 'nothing keeps the rules',
    });
    host.world.infeasible = false;
    const dataset = { ...config(), pool: { dataset: 'data-1' } };
    const columns: unknown = await (await start(dataset)).result().catch((error: unknown) => error);
    expect((columns as WorkflowFailedError).cause).toMatchObject({
      type: 'config-invalid',
      message: expect.stringMatching(/stock\.column: 'mg' is a column of the pool's sources/) as string,
    });
  });

  test('a round that finds its rules impossible pauses with the code and the words', async () => {
    const { acquireBatch } = host.world.gpu;
    host.world.gpu.acquireBatch = () =>
      Promise.reject(ApplicationFailure.nonRetryable('nothing keeps the rules.', 'batch-infeasible'));
    const handle = await start(config());
    const paused = await eventually(
      () => handle.query<CampaignStatus>('status'),
      ({ stage }) => stage === 'paused',
      { seconds: 60, every: 25 },
    );
    expect(paused.message).toBe(
      'round 1 failed: nothing keeps the rules. (batch-infeasible) Mend it and send the signal resume.',
    );
    host.world.gpu.acquireBatch = acquireBatch;
    await handle.signal('resume');
    await batchOf(handle, 1);
    await handle.terminate();
  });
});
