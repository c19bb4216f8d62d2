import {
  chooseBatch,
  decisionName,
  designBatch,
  goalOf,
  passedOverOf,
  pickOf,
  placeOf,
  rulesReport,
  whyNothing,
  type ChosenBatch,
  type CompiledRules,
  type Decision,
  type NothingToPick,
} from '../../src/acquisition';
import {
  STEPS,
  type ArtifactRef,
  type PassedOverMolecule,
  type Pick,
  type Prospects,
  type RulesReport,
} from '../../src/contracts';
import type { StepOutcome } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { rulesDigest } from '../shared/rules';
import type { AcquireRequest } from './acquire-request';
import { chooseRequestOf, choosingFor, type ChoosingParts } from './choosing';
import { furtherKey } from './further';
import { lookAhead } from './look-ahead';
import { listReader } from './score';
import { stockReader, type Stock } from './stock';

export type { AcquireRequest } from './acquire-request';

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

/** Chooses a batch by the round's new surrogate: a pure function of configuration, seed and cut. */
export function createAcquire(ports: TrainingPorts) {
  const { objects, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const stockOf = stockReader(objects);
  const readLists = listReader(objects);
  const { reader, matricesOf, withSurrogates, rulesOf } = choosingFor(ports);

  async function choose(
    request: AcquireRequest,
    parts: Omit<ChoosingParts, 'features' | 'featuresOf'> & { readonly stock: Stock },
  ): Promise<ChosenBatch> {
    const { model, design, batchSize, seed } = request;
    const features = model?.features ?? design;
    const shardOf = (moleculeId: string) => parts.stock.shardOf.get(moleculeId);
    const featuresOf = (moleculeIds: readonly string[]) => reader.rowsFor(features!, moleculeIds, shardOf);
    if (!model && design) {
      const { candidates, measured, pending } = parts.stock;
      const { rules } = parts;
      return designBatch({ moleculeIds: candidates, measured, pending, batchSize, rules, seed, featuresOf });
    }
    const whole = { ...parts, features: () => (model ? matricesOf(model.features) : []), featuresOf };
    return chooseBatch(chooseRequestOf(request, whole));
  }

  /** What the lab orders and where it goes: price, plate and well. */
  const orderOf = ({ priceOf, layout }: CompiledRules, moleculeId: string, index: number): Partial<Pick> => {
    const cost = priceOf(moleculeId);
    return { ...(cost !== undefined && { cost }), ...(layout && placeOf(layout, index)) };
  };

  async function acquireBatch(request: AcquireRequest): Promise<StepOutcome<AcquiredBatch>> {
    const { cut, model, objective, acquisition, batchSize, seed } = request;
    const further = furtherKey(request);
    const key = {
      inputs: {
        cut: cut.cutId,
        excluded: cut.excluded.sha256,
        ...(request.design && { design: request.design.digest }),
        pool: request.dataVersion,
        weights: model ? model.weights.sha256 : 'none',
        features: model ? model.features.digest : 'none',
        ...(request.rules && { rules: rulesDigest(request.rules.inputs) }),
        ...further?.inputs,
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
        ...further?.parameters,
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
        const scored = await readLists(request);
        return withSurrogates(candidates.length ? request : { model: null }, async (surrogates) => {
          const parts = { stock, surrogates, signal, progress };
          const chosen = await choose(request, {
            ...{ ...parts, ...(ruled && { rules: ruled.rules }), ...(scored && { scored }) },
          });
          const smilesOf = (moleculeId: string) => smiles.get(moleculeId);
          const picks = chosen.picks.map((pick, i) => ({
            ...pickOf(pick, i + 1, smilesOf),
            ...(ruled && orderOf(ruled.rules, pick.moleculeId, i)),
          }));
          const passedOver = passedOverOf(chosen.picks, chosen.passedOver, smilesOf);
          const prospects = await lookAhead(request, {
            ...{ candidates, surrogate: surrogates.first, picks, signal },
            features: () => matricesOf(model!.features),
            featuresOf: (ids) => reader.rowsFor(model!.features, ids, (id) => stock.shardOf.get(id)),
          });
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
