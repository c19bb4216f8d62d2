import type { FrontSummary, Objective } from '../contracts';

const short = (value: number) => String(Number(value.toPrecision(4)));

/** The front in words: what stands where a campaign of one property tells its best value. */
export function frontWords(front: FrontSummary | null | undefined): string {
  if (!front) return 'no molecule with every value yet';
  return `a front of ${front.size} (hypervolume ${short(front.hypervolume)} beyond ${front.reference.map(short).join(', ')})`;
}

/** What a campaign looks for, in words: `maximize logS (log(mol/L)) and minimize logP`. */
export function aimWords({ property, direction, unit, others = [] }: Objective): string {
  return [{ property, direction, unit }, ...others]
    .map((each) => `${each.direction} ${each.property}${each.unit ? ` (${each.unit})` : ''}`)
    .join(' and ');
}
