import { joinLists, listKey, planLists, scoreLists } from '../../src/acquisition';
import type { ListPlan, ScoredLists, StoredList, WantedList } from '../../src/acquisition';
import { STEPS, TitrateError, type ArtifactRef, type Cut, type TrainingRow } from '../../src/contracts';
import type { ObjectStore, StepOutcome } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { rulesDigest } from '../shared/rules';
import type { AcquireRequest } from './acquire-request';
import { chooseRequestOf, choosingFor } from './choosing';
import { furtherKey } from './further';
import { stockReader, type ShardRange } from './stock';

export interface ScoreRequest extends AcquireRequest {
  readonly lists: readonly WantedList[];
  /** Of the pool's shards. */
  readonly range: ShardRange;
}

export interface ScoredGroup {
  /** JSON: GroupLists. */
  readonly lists: ArtifactRef;
  readonly candidates: number;
}

interface GroupLists {
  readonly range: ShardRange;
  readonly lists: readonly StoredList[];
}

/**
 * Shares the scoring of a large pool out: what the batch's shortlists are is planned once, each group of shards is scored by itself, on any worker, and
 * `acquireBatch` chooses from what they found.
 */
export function createScore(ports: TrainingPorts) {
  const { objects, steps, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const stockOf = stockReader(objects);
  const { reader, matricesOf, withSurrogates, rulesOf } = choosingFor(ports);
  const readLists = listReader(objects);

  /** What is known and at the lab, whatever is in the pool. */
  async function known(cut: Cut) {
    const rows = (ref: ArtifactRef) => artifacts.getRows<TrainingRow>(ref);
    const training = await rows(cut.training);
    const others: TrainingRow[][] = [];
    for (const other of cut.others ?? []) others.push(await rows(other.training));
    const labelled = new Set([training, ...others].flat().map(({ moleculeId }) => moleculeId));
    const pending = (await artifacts.getRows<{ moleculeId: string }>(cut.pending))
      .map(({ moleculeId }) => moleculeId)
      .filter((id) => !labelled.has(id));
    return { training, others, pending, candidates: [], measured: [] };
  }

  /** None where the batch is chosen in a training job: a job takes minutes to start, and one that scores the whole pool starts once. */
  async function planScoring(request: AcquireRequest): Promise<ListPlan> {
    if (!training.runsHere(request.cut)) return { lists: [], more: false };
    return withHeartbeat(async (signal, progress) => {
      const stock = await known(request.cut);
      const scored = await readLists(request);
      return withSurrogates(request, async (surrogates) => {
        const nobody = () =>
          Promise.reject(new TitrateError('internal', { what: 'a plan asked for features' }));
        const parts = { stock, surrogates, features: () => [], featuresOf: nobody, signal, progress };
        return planLists(chooseRequestOf(request, parts), request.rules !== undefined, scored);
      });
    });
  }

  async function scoreCandidates(request: ScoreRequest): Promise<StepOutcome<ScoredGroup>> {
    const { cut, model, lists, range, objective } = request;
    const further = furtherKey(request);
    const key = {
      inputs: {
        pool: request.pool.sha256,
        excluded: cut.excluded.sha256,
        weights: model!.weights.sha256,
        features: model!.features.digest,
        ...(request.rules && { rules: rulesDigest(request.rules.inputs) }),
        ...(further && { training: cut.training.sha256, ...further.inputs }),
      },
      parameters: {
        ...{ lists, range, direction: objective.direction, scale: model!.calibrationScale },
        ...(request.rules && {
          constraints: request.acquisition.constraints ?? null,
          spent: request.rules.spent,
        }),
        ...further?.parameters,
      },
      seed: request.seed,
      runtime: request.runtime,
    };
    return withHeartbeat((signal, progress) =>
      steps.run(STEPS.scoreCandidates, key, async () => {
        const stock = await stockOf(request, range);
        const ruled = await rulesOf(request, stock.excluded, range);
        const shards = (await artifacts.getJson<ArtifactRef[]>(request.pool)).slice(range.from, range.to);
        const only = new Set(shards.map(({ sha256 }) => sha256));
        return withSurrogates(request, async (surrogates) => {
          const parts = {
            ...{ stock, surrogates, signal, progress, ...(ruled && { rules: ruled.rules }) },
            features: () => matricesOf(model!.features, only),
            // Of molecules with some of their values: none of them has to be in the group.
            featuresOf: (ids: readonly string[]) => reader.rowsFor(model!.features, ids),
          };
          const stored = await scoreLists(chooseRequestOf(request, parts), lists);
          const group: GroupLists = { range, lists: stored };
          return { lists: await artifacts.putJson(group), candidates: stock.candidates.length };
        });
      }),
    );
  }

  return { planScoring, scoreCandidates };
}

/** Reads what the groups found, and makes it the whole pool's. */
export function listReader(objects: ObjectStore) {
  const artifacts = jsonArtifacts(objects);
  return async function readLists({
    scored = [],
    pool,
    seed,
  }: Pick<AcquireRequest, 'scored' | 'pool' | 'seed'>): Promise<ScoredLists | undefined> {
    if (scored.length === 0) return undefined;
    const { length } = await artifacts.getJson<ArtifactRef[]>(pool);
    const groups: GroupLists[] = [];
    for (const ref of scored) groups.push(await artifacts.getJson<GroupLists>(ref));
    const lists = groups.flatMap((group) => group.lists.map(({ wanted }) => listKey(wanted)));
    for (const key of new Set(lists)) checkCovered(groups.filter((group) => has(group, key)), length); // prettier-ignore
    return joinLists(
      seed,
      groups.flatMap((group) => group.lists),
    );
  };
}

const has = ({ lists }: GroupLists, key: string) => lists.some(({ wanted }) => listKey(wanted) === key);

/** @throws internal where the groups are not the whole pool, each shard once: the best could be in what is missing */
function checkCovered(groups: readonly GroupLists[], shards: number): void {
  let next = 0;
  for (const { range } of [...groups].sort((a, b) => a.range.from - b.range.from)) {
    if (range.from !== next) break;
    next = range.to;
  }
  const whole = groups.reduce((sum, { range }) => sum + range.to - range.from, 0);
  if (next === shards && whole === shards) return;
  throw new TitrateError('internal', {
    what: `shortlists of ${whole} shards were given, without gaps of ${next}; the pool has ${shards}`,
    where: 'acquisition',
  });
}
