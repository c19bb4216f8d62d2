import {
  goalOf,
  knownOf,
  type ChooseRequest,
  type CompiledRules,
  type ScoredLists,
  type Surrogate,
} from '../../src/acquisition';
import type { FeatureMatrix } from '../../src/contracts';
import type { FeatureSet } from '../featurization';
import type { TrainingPorts } from '../shared/ports';
import { loadRules } from '../shared/rules';
import type { AcquireRequest } from './acquire-request';
import { featureReader } from './features';
import { severalProperties, withFurther } from './further';
import type { ShardRange, Stock } from './stock';

/** The round's new models: of the first property, and of the further ones in their order. Null where there is none. */
export interface Surrogates {
  readonly first: Surrogate | null;
  readonly further: readonly (Surrogate | null)[];
}

export interface ChoosingParts {
  readonly stock: Pick<Stock, 'candidates' | 'training' | 'others' | 'measured' | 'pending'>;
  readonly surrogates: Surrogates;
  readonly rules?: CompiledRules;
  readonly scored?: ScoredLists;
  readonly features: ChooseRequest['features'];
  readonly featuresOf: ChooseRequest['featuresOf'];
  readonly signal: AbortSignal;
  readonly progress: (details: unknown) => void;
}

/** What everybody needs who chooses a batch, or prepares the choice. */
export function choosingFor(ports: Pick<TrainingPorts, 'objects' | 'learning'>) {
  const { objects, learning } = ports;
  const reader = featureReader(objects);

  /** Shard by shard, so that memory follows the size of a shard and not of the pool. @param only hashes of the shards wanted */
  async function* matricesOf(
    features: FeatureSet,
    only?: ReadonlySet<string>,
  ): AsyncGenerator<FeatureMatrix> {
    for (const shard of await reader.shardsOf(features))
      if (!only || only.has(shard.shard.sha256)) yield await reader.matrixOf(shard);
  }

  /** Gives the round's models to `work`; none where there is none of the first property. */
  async function withSurrogates<T>(
    { model, others = [] }: Pick<AcquireRequest, 'model' | 'others'>,
    work: (surrogates: Surrogates) => Promise<T>,
  ): Promise<T> {
    if (!model) return work({ first: null, further: [] });
    const loaded = await learning.load(model.family, await objects.get(model.weights));
    const first = { model: loaded, calibrationScale: model.calibrationScale };
    try {
      return await withFurther(ports, others, (further) => work({ first, further }));
    } finally {
      loaded.dispose();
    }
  }

  /** The rules of the batch, or what they say of some shards alone; null where the campaign has none. */
  async function rulesOf(
    { acquisition, rules, pool }: AcquireRequest,
    excluded: ReadonlySet<string>,
    range?: ShardRange,
  ) {
    const { constraints } = acquisition;
    if (!constraints || !rules) return null;
    return loadRules(objects, { constraints, ...rules, pool, excluded, ...(range && { range }) });
  }

  return { reader, matricesOf, withSurrogates, rulesOf };
}

/** The choice as the strategies have it. */
export function chooseRequestOf(
  request: AcquireRequest,
  { stock, surrogates, rules, scored, features, featuresOf, signal, progress }: ChoosingParts,
): ChooseRequest {
  const { objective, acquisition, batchSize, cut, seed, evidence } = request;
  const { candidates, training, others, measured, pending } = stock;
  const { incumbent, spread, found } = knownOf(objective, training);
  return {
    ...{ moleculeIds: candidates, measured, pending, batchSize, rules, seed, scored, features, featuresOf },
    surrogate: surrogates.first,
    direction: objective.direction,
    acquisition,
    goal: goalOf(objective),
    incumbent,
    ...severalProperties(request, { training, others }, surrogates.further),
    ...(evidence && {
      evidence: {
        ...{ labels: cut.labels, round: evidence.round, roundsLeft: evidence.roundsLeft, found },
        ...(evidence.heldOut && { heldOut: { ...evidence.heldOut, spread } }),
      },
    }),
    signal,
    onScored: (done, of) => progress({ scored: done, of }),
  };
}
