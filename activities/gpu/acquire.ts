import {
  chooseBatch,
  decisionName,
  designBatch,
  goalOf,
  knownOf,
  passedOverOf,
  pickOf,
  placeOf,
  prospectsOf,
  rulesReport,
  whyNothing,
  type ChosenBatch,
  type CompiledRules,
  type Decision,
  type Evidence,
  type NothingToPick,
  type Surrogate,
} from '../../src/acquisition';
import {
  STEPS,
  type ArtifactRef,
  type CampaignConfig,
  type Cut,
  type FeatureMatrix,
  type ModelFamily,
  type PassedOverMolecule,
  type Pick,
  type Prospects,
  type RuleInputs,
  type RulesReport,
  type RuntimePin,
} from '../../src/contracts';
import type { StepOutcome } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { loadRules, rulesDigest } from '../shared/rules';
import { featureReader } from './features';
import { stockReader, type Stock } from './stock';

export interface AcquireRequest {
  readonly cut: Cut;
  readonly dataVersion: string;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
  readonly objective: CampaignConfig['objective'];
  readonly acquisition: CampaignConfig['acquisition'];
  readonly batchSize: number;
  readonly seed: number;
  readonly model: {
    readonly family: ModelFamily;
    readonly weights: ArtifactRef;
    readonly calibrationScale: number;
    readonly features: FeatureSet;
  } | null;
  /** Of a campaign with constraints. */
  readonly rules?: {
    readonly inputs: RuleInputs;
    /** Money that earlier batches cost. */
    readonly spent: number;
  };
  /** Features that the batch is designed on while there is no model; left out: then chance decides. */
  readonly design?: FeatureSet;
  /** What the strategy is decided from, beside the cut. */
  readonly evidence?: {
    readonly round: number;
    readonly roundsLeft: number;
    /** Of the model, on molecules it had not seen. */
    readonly heldOut?: Omit<NonNullable<Evidence['heldOut']>, 'spread'>;
  };
  /** Asks what the model expects of the molecules left, for a campaign that may stop because of it. */
  readonly prospects?: { readonly margin: number };
  readonly runtime: RuntimePin;
}

export interface AcquiredBatch {
  /** NDJSON of Pick, by rank. */
  readonly picks: ArtifactRef;
  readonly size: number;
  readonly candidates: number;
  /** What the batch was chosen by, and why; `name` in short. Absent where there was nothing to choose. */
  readonly decision?: Decision & { readonly name: string };
  readonly passedOver?: readonly PassedOverMolecule[];
  readonly prospects?: Prospects;
  /** Of a campaign with constraints: how the batch stands to them. */
  readonly rules?: RulesReport;
  /** Why the rules left nothing to pick. */
  readonly nothing?: NothingToPick;
}

interface Beat {
  readonly signal: AbortSignal;
  readonly progress: (details: unknown) => void;
}

/** Chooses a batch by the round's new surrogate: a pure function of configuration, seed and cut. */
export function createAcquire(ports: TrainingPorts) {
  const { objects, learning, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const reader = featureReader(objects);
  const stockOf = stockReader(objects);

  /** Shard by shard, so that memory follows the size of a shard and not of the pool. */
  async function* matricesOf(features: FeatureSet): AsyncGenerator<FeatureMatrix> {
    for (const shard of await reader.shardsOf(features)) yield await reader.matrixOf(shard);
  }

  /** Gives the round's model to `work`; null where there is none, or nothing to choose. */
  async function withSurrogate<T>(
    model: AcquireRequest['model'],
    work: (surrogate: Surrogate | null) => Promise<T>,
  ): Promise<T> {
    if (!model) return work(null);
    const loaded = await learning.load(model.family, await objects.get(model.weights));
    try {
      return await work({ model: loaded, calibrationScale: model.calibrationScale });
    } finally {
      loaded.dispose();
    }
  }

  async function choose(
    request: AcquireRequest,
    { candidates, training, measured, pending }: Stock,
    surrogate: Surrogate | null,
    rules: CompiledRules | undefined,
    { signal, progress }: Beat,
  ): Promise<ChosenBatch> {
    const { model, design, objective, acquisition, batchSize, cut, seed, evidence } = request;
    const features = model?.features ?? design;
    const shared = {
      ...{ moleculeIds: candidates, measured, pending, batchSize, rules, seed },
      featuresOf: (moleculeIds: readonly string[]) => reader.rowsFor(features!, moleculeIds),
    };
    if (!model && design) return designBatch(shared);
    const { incumbent, spread, found } = knownOf(objective, training);
    return chooseBatch({
      ...shared,
      surrogate,
      features: () => (model ? matricesOf(model.features) : []),
      direction: objective.direction,
      acquisition,
      goal: goalOf(objective),
      incumbent,
      ...(evidence && {
        evidence: {
          ...{ labels: cut.labels, round: evidence.round, roundsLeft: evidence.roundsLeft, found },
          ...(evidence.heldOut && { heldOut: { ...evidence.heldOut, spread } }),
        },
      }),
      signal,
      onScored: (scored, of) => progress({ scored, of }),
    });
  }

  async function lookAhead(
    { model, objective, cut, prospects, seed }: AcquireRequest,
    { candidates }: Stock,
    surrogate: Surrogate | null,
    picks: readonly Pick[],
    signal: AbortSignal,
  ): Promise<Prospects | null> {
    if (!prospects || !model || !surrogate || !cut.best || candidates.length === 0) return null;
    const found = await prospectsOf({
      moleculeIds: candidates,
      batch: picks.map(({ moleculeId }) => moleculeId),
      surrogate,
      features: () => matricesOf(model.features),
      featuresOf: (moleculeIds) => reader.rowsFor(model.features, moleculeIds),
      direction: objective.direction,
      best: cut.best.value,
      ...{ margin: prospects.margin, seed, signal },
    });
    const prices = picks.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
    return {
      ...found,
      ...(prices.length > 0 && { batchPrice: prices.reduce((sum, price) => sum + price, 0) }),
    };
  }

  async function rulesOf({ acquisition, rules, pool }: AcquireRequest, excluded: ReadonlySet<string>) {
    const { constraints } = acquisition;
    return constraints && rules ? loadRules(objects, { constraints, ...rules, pool, excluded }) : null;
  }

  /** What the lab orders and where it goes: price, plate and well. */
  const orderOf = ({ priceOf, layout }: CompiledRules, moleculeId: string, index: number): Partial<Pick> => {
    const cost = priceOf(moleculeId);
    return { ...(cost !== undefined && { cost }), ...(layout && placeOf(layout, index)) };
  };

  async function acquireBatch(request: AcquireRequest): Promise<StepOutcome<AcquiredBatch>> {
    const { cut, model, objective, acquisition, batchSize, seed } = request;
    const key = {
      inputs: {
        cut: cut.cutId,
        excluded: cut.excluded.sha256,
        ...(request.design && { design: request.design.digest }),
        pool: request.dataVersion,
        weights: model ? model.weights.sha256 : 'none',
        features: model ? model.features.digest : 'none',
        ...(request.rules && { rules: rulesDigest(request.rules.inputs) }),
      },
      parameters: {
        acquisition,
        batchSize,
        direction: objective.direction,
        goal: goalOf(objective),
        evidence: request.evidence ?? null,
        ...(request.prospects && { prospects: request.prospects }),
        incumbent: cut.best?.value ?? null,
        scale: model?.calibrationScale ?? null,
        ...(request.rules && { spent: request.rules.spent }),
      },
      seed,
      runtime: model ? request.runtime : {},
    };
    const work = {
      task: 'acquireBatch',
      step: STEPS.acquireBatch,
      key,
      request,
      labels: cut.labels,
    } as const;
    return withHeartbeat((signal, progress) =>
      training.run({ ...work, signal, onProgress: progress }, async () => {
        const stock = await stockOf(request);
        const { candidates, smiles } = stock;
        const ruled = await rulesOf(request, stock.excluded);
        return withSurrogate(candidates.length ? model : null, async (surrogate) => {
          const chosen = await choose(request, stock, surrogate, ruled?.rules, { signal, progress });
          const smilesOf = (moleculeId: string) => smiles.get(moleculeId);
          const picks = chosen.picks.map((pick, i) => ({
            ...pickOf(pick, i + 1, smilesOf),
            ...(ruled && orderOf(ruled.rules, pick.moleculeId, i)),
          }));
          const passedOver = passedOverOf(chosen.picks, chosen.passedOver, smilesOf);
          const prospects = await lookAhead(request, stock, surrogate, picks, signal);
          const report =
            ruled &&
            rulesReport(
              ruled.rules,
              batchSize,
              picks.map(({ moleculeId }) => moleculeId),
              ruled.notes,
            );
          return {
            picks: await artifacts.putRows(picks),
            size: picks.length,
            candidates: candidates.length,
            ...(picks.length > 0 && {
              decision: { ...chosen.decision, name: decisionName(chosen.decision) },
            }),
            ...(passedOver.length > 0 && { passedOver }),
            ...(prospects && { prospects }),
            ...(report && { rules: report }),
            ...(ruled && report && picks.length === 0 && { nothing: whyNothing(ruled.rules, report) }),
          };
        });
      }),
    );
  }

  return { acquireBatch };
}
