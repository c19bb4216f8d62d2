import { TitrateError } from '../../contracts';
import { standardDeviation } from '../../foundation';
import type { ChooseRequest, FurtherObjective, Surrogate } from '../acquisition';
import { frontOf } from './front';
import { completeOf, referenceOf, signOf, type Traded } from './reference';

/** Properties that can be traded off at a time. */
export const MOST_OBJECTIVES = 4;

/** A property of the campaign with all that is known of it. */
export interface Objective extends FurtherObjective {
  readonly surrogate: Surrogate;
}

/** A property of a trade-off, in its own scale: 0 is the reference point, 1 about the best that was measured, more is better. */
export interface Scaled extends Objective {
  readonly sign: 1 | -1;
  readonly reference: number;
  /** One of the scale, in the property's unit. */
  readonly unit: number;
}

/** What is traded off against what. */
export interface TradeOff {
  /** In the order of their names, so that a batch does not depend on how they are listed. */
  readonly objectives: readonly Scaled[];
  /** What measured molecules with every value reach, as far as it is beyond the reference point and not dominated; scaled. */
  readonly front: readonly Float64Array[];
  /** Molecules with some value and not all, sorted. */
  readonly partial: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly property: string;
  readonly why: string;
}

/** The name of the first property, where the request has none. */
const UNNAMED = 'the first property';

/** All properties of the request, the first one first. */
export function propertiesOf(request: ChooseRequest): readonly FurtherObjective[] {
  const {
    property = UNNAMED,
    direction,
    surrogate,
    values = new Map(),
    reference,
    evidence,
    others = [],
  } = request;
  const first = {
    ...{ property, direction, surrogate, values },
    ...(reference !== undefined && { reference }),
    ...(evidence?.heldOut && { heldOut: evidence.heldOut }),
  };
  return [first, ...others];
}

/** Why a property cannot be traded off yet; null where it can. */
function lacking({ surrogate, values }: FurtherObjective): string | null {
  if (!surrogate) return 'there is no model of it yet';
  if (values.size === 0) return 'nothing uncensored was measured of it yet';
  const [any] = values.values();
  return [...values.values()].every((value) => value === any) ? 'all values of it are alike' : null;
}

export interface Sorted {
  readonly usable: readonly Objective[];
  readonly leftOut: readonly LeftOut[];
}

/** The properties that can be traded off, by name, and those that cannot yet. @throws internal for properties that a campaign cannot have */
export function sortProperties(request: ChooseRequest): Sorted {
  const all = propertiesOf(request);
  const names = new Set(all.map(({ property }) => property));
  if (all.length < 2 || all.length > MOST_OBJECTIVES || names.size < all.length) {
    throw new TitrateError('internal', {
      what: `goal 'pareto' over ${all.map(({ property }) => `'${property}'`).join(', ')}; expected 2 to ${MOST_OBJECTIVES} different properties`,
      where: 'acquisition',
    });
  }
  const sorted = [...all].sort((a, b) => (a.property < b.property ? -1 : 1));
  return {
    usable: sorted.filter((each): each is Objective => lacking(each) === null),
    leftOut: sorted.flatMap((each) => {
      const why = lacking(each);
      return why === null ? [] : [{ property: each.property, why }];
    }),
  };
}

/** A value in the scale of its property. */
export const scaled = ({ sign, reference, unit }: Scaled, value: number): number =>
  (sign * (value - reference)) / unit;

const traded = ({ property, direction, reference, values }: Objective): Traded & { property: string } => ({
  ...{ property, direction, values },
  ...(reference !== undefined && { reference }),
});

/** The trade-off of two properties or more that can be traded off. */
export function tradeOffOf({ usable, leftOut }: Sorted): TradeOff {
  const reference = referenceOf(usable.map(traded))!;
  const objectives = usable.map((objective, i): Scaled => {
    const sign = signOf(objective);
    const own = [...objective.values.values()];
    const best = own.reduce((most, value) => Math.max(most, sign * (value - reference[i]!)), -Infinity);
    // Where nothing measured is of interest yet, the values' deviation: none that is traded off is constant.
    return { ...objective, sign, reference: reference[i]!, unit: best > 0 ? best : standardDeviation(own) };
  });
  const complete = completeOf(usable);
  const points = complete
    .map((id) => Float64Array.from(objectives, (each) => scaled(each, each.values.get(id)!)))
    .filter((point) => point.every((coordinate) => coordinate > 0));
  const whole = new Set(complete);
  const some = new Set(usable.flatMap(({ values }) => [...values.keys()]));
  return {
    objectives,
    front: frontOf(points).map((at) => points[at]!),
    partial: [...some].filter((id) => !whole.has(id)).sort(),
    leftOut,
  };
}
