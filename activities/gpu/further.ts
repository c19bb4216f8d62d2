import type { Evidence, FurtherObjective, Surrogate } from '../../src/acquisition';
import type { ArtifactRef, CampaignConfig, Cut, ModelFamily, TrainingRow } from '../../src/contracts';
import { standardDeviation } from '../../src/foundation';
import type { FittedModel, Learning } from '../../src/learning';
import type { ObjectStore } from '../../src/objects';
import { valuesOf } from '../shared/values';

/** The model of a further property; null while it has too few labels. It reads the features of the first one's model. */
export interface FurtherModel {
  readonly property: string;
  readonly model: {
    readonly family: ModelFamily;
    readonly weights: ArtifactRef;
    readonly calibrationScale: number;
    /** On molecules it had not seen. */
    readonly heldOut: Omit<NonNullable<Evidence['heldOut']>, 'spread'>;
  } | null;
}

interface Known {
  readonly cut: Pick<Cut, 'others'>;
  readonly objective: CampaignConfig['objective'];
  readonly others?: readonly FurtherModel[];
}

/** What of the further properties a batch depends on: nothing where there are none, so that keys stay what they were. */
export function furtherKey({ cut, objective, others }: Known) {
  if (!cut.others || !objective.others) return null;
  return {
    inputs: {
      others: cut.others.map(({ training }) => training.sha256),
      otherWeights: cut.others.map((_, i) => others?.[i]?.model?.weights.sha256 ?? 'none'),
    },
    parameters: {
      reference: objective.reference ?? null,
      others: objective.others.map(({ property, direction, reference }, i) => ({
        property,
        direction,
        reference: reference ?? null,
        scale: others?.[i]?.model?.calibrationScale ?? null,
        heldOut: others?.[i]?.model?.heldOut ?? null,
      })),
    },
  };
}

/** Loads the further properties' models, and gives them to `work`; null for one without a model. */
export async function withFurther<T>(
  { objects, learning }: { readonly objects: ObjectStore; readonly learning: Learning },
  others: readonly FurtherModel[],
  work: (surrogates: readonly (Surrogate | null)[]) => Promise<T>,
): Promise<T> {
  const loaded: FittedModel[] = [];
  try {
    const surrogates: (Surrogate | null)[] = [];
    for (const { model } of others) {
      if (model) loaded.push(await learning.load(model.family, await objects.get(model.weights)));
      surrogates.push(model && { model: loaded.at(-1)!, calibrationScale: model.calibrationScale });
    }
    return await work(surrogates);
  } finally {
    for (const model of loaded) model.dispose();
  }
}

/** The part of a request to choose a batch that several properties add. */
export function severalProperties(
  { cut, objective, others: models }: Known,
  known: { readonly training: readonly TrainingRow[]; readonly others: readonly (readonly TrainingRow[])[] },
  surrogates: readonly (Surrogate | null)[],
) {
  const { property, others, reference } = objective;
  if (!cut.others || !others) return {};
  return {
    property,
    values: valuesOf(known.training),
    ...(reference !== undefined && { reference }),
    others: others.map((other, i): FurtherObjective => {
      const values = valuesOf(known.others[i]!);
      const heldOut = models?.[i]?.model?.heldOut;
      return {
        ...{ property: other.property, direction: other.direction },
        surrogate: surrogates[i] ?? null,
        values,
        ...(other.reference !== undefined && { reference: other.reference }),
        ...(heldOut && { heldOut: { ...heldOut, spread: standardDeviation([...values.values()]) } }),
      };
    }),
  };
}
