import type { WorkflowHandle } from '@temporalio/client';
import { createAcquire, type AcquireRequest } from '../../activities/gpu/acquire';
import { createScore } from '../../activities/gpu/score';
import { roundId, type ArtifactRef, type BatchSheet, type CurrentBatch } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import {
  AFRESH,
  measuredRow,
  openRounds,
  type AcquireChanges,
  type Rounds,
} from '../activities/support/rounds';
import { eventually } from '../support/eventually';
import { ScriptedWorld } from './support/scripted-lab';
import { hostWorld } from './support/hosted-world';

const SIZES = [40, 40, 40, 40, 40];
const BATCH = 12;

/** A world whose batches are really scored and chosen, of a real pool by a real model; the rest is scripted. */
class ScoredWorld extends ScriptedWorld {
  /** Picks of the batch of each round that had a model. */
  readonly picks: ArtifactRef[] = [];
  readonly ranges: string[] = [];
  /** Thrown by the next score tasks, once each. */
  readonly losses: Error[] = [];

  constructor(rounds: Rounds, known: AcquireChanges) {
    super();
    this.poolSize = SIZES.reduce((sum, size) => sum + size, 0);
    const { commitDataset } = this.warehouse;
    this.warehouse.commitDataset = async (request) => ({
      ...(await commitDataset(request)),
      shardCount: SIZES.length,
    });
    const ports = rounds.portsOf();
    const score = createScore(ports);
    const { acquireBatch } = createAcquire({ ...ports, training: AFRESH });
    const real = (request: AcquireRequest) => ({ ...request, ...known, pool: rounds.pool });
    this.gpu.planScoring = (request) => score.planScoring(real(request));
    this.gpu.scoreCandidates = async (request) => {
      this.ranges.push(`${request.range.from} to ${request.range.to}`);
      const loss = this.losses.shift();
      if (loss) throw loss;
      return score.scoreCandidates({ ...request, ...real(request) });
    };
    const scripted = this.gpu.acquireBatch;
    this.gpu.acquireBatch = async (request) => {
      if (!request.model) return scripted(request);
      const outcome = await acquireBatch(real(request));
      this.picks.push(outcome.value.picks);
      const picks = { ...outcome.value.picks, uri: `test:picks:${outcome.value.size}` };
      return { ...outcome, value: { ...outcome.value, picks } };
    };
  }
}

describe('a campaign over a pool of several shards', () => {
  let rounds: Rounds;
  let known: AcquireChanges;
  let campaigns = 0;

  beforeAll(async () => {
    rounds = await openRounds(SIZES);
    const labelled = createRandom(3)
      .shuffle([...rounds.ids])
      .slice(0, 24)
      .map((id) => measuredRow(rounds, id, 1));
    const { cut, stock } = await rounds.cutOf(labelled, [], 2);
    known = { cut, model: await rounds.modelOf(stock.training) };
  }, 120_000);
  const host = hostWorld(() => new ScoredWorld(rounds, known));
  afterAll(() => rounds?.close());

  async function campaign(acquisition: object): Promise<WorkflowHandle> {
    const config = {
      objective: { property: 'logS', direction: 'maximize' },
      pool: { sources: [{ uri: 'pool.csv' }] },
      acquisition: { batchSize: BATCH, ...acquisition },
      budget: { rounds: 2 },
    };
    const handle = await host.env.client.workflow.start('activeLearningCampaign', {
      ...{ taskQueue: 'orchestration', workflowId: `scored-${++campaigns}`, args: [config] },
      workflowTaskTimeout: '5s',
    });
    for (const round of [1, 2]) {
      const { sheet } = await eventually(
        () => handle.query<CurrentBatch>('currentBatch'),
        ({ batchId }) => batchId?.endsWith(`/${round}`) ?? false,
        { seconds: 90, every: 25 },
      );
      const results = (sheet as BatchSheet).picks.map(({ moleculeId, rank }) => ({
        ...{ resultId: `r-${moleculeId}`, moleculeId, outcome: 'measured', value: rank },
      }));
      await handle.signal('labResults', { results });
    }
    await handle.result();
    return handle;
  }

  async function activitiesOf({ workflowId }: WorkflowHandle, round: number): Promise<string[]> {
    const { events } = await host.env.client.workflow.getHandle(roundId(workflowId, round)).fetchHistory();
    return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled ? [scheduled.activityType!.name!] : [],
    );
  }

  test('shares scoring out where the pool is larger than a task, and chooses the batch that it chooses by itself', async () => {
    const whole = await campaign({});
    expect(host.world.ranges).toEqual([]);
    expect(await activitiesOf(whole, 2)).not.toContain('planScoring');
    const [picks] = host.world.picks;

    host.world = new ScoredWorld(rounds, known);
    // One task is lost on the way; the others are not asked again.
    host.world.losses.push(new Error('the worker is gone'));
    const shared = await campaign({ shardsPerTask: 2 });
    expect(new Set(host.world.ranges)).toEqual(new Set(['0 to 2', '2 to 4', '4 to 5']));
    expect(host.world.ranges).toHaveLength(4);
    const activities = await activitiesOf(shared, 2);
    expect(activities.filter((name) => name === 'planScoring')).toHaveLength(1);
    expect(activities.filter((name) => name === 'scoreCandidates')).toHaveLength(3);
    expect(host.world.picks).toEqual([picks]);
    // There was nothing to score by in the first round.
    expect(await activitiesOf(shared, 1)).not.toContain('planScoring');
  }, 120_000);

  test('asks nobody where the batch is by chance', async () => {
    const handle = await campaign({ strategy: 'random', shardsPerTask: 1 });
    expect(host.world.ranges).toEqual([]);
    expect(await activitiesOf(handle, 2)).toContain('planScoring');
  }, 120_000);
});
