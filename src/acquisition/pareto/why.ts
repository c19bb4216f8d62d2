import { grouped, joinedBy, short } from '../reasons';
import type { LeftOut, TradeOff } from './trade-off';

const leftOutOf = (leftOut: readonly LeftOut[]) =>
  leftOut.map(({ property, why }) => ` ${property} is left out: ${why}.`).join('');

/** What a batch trades off, in plain sentences: the properties, where the front begins, and what is left out. */
export function whyTradeOff({
  objectives,
  front,
  leftOut,
}: Pick<TradeOff, 'objectives' | 'front' | 'leftOut'>): string {
  const names = joinedBy(
    objectives.map(
      ({ property, direction }) => `${property} (${direction === 'maximize' ? 'maximised' : 'minimised'})`,
    ),
    'and',
  );
  const begins = objectives.map(({ property, reference }) => `${property} ${short(reference)}`).join(', ');
  const size =
    front.length === 0
      ? 'nothing that has all values is beyond it yet'
      : `${grouped(front.length)} measured ${front.length === 1 ? 'molecule is' : 'molecules are'} on the front beyond it`;
  return `The goal is the best trade-offs of ${names}, from ${begins} on; ${size}.${leftOutOf(leftOut)}`;
}

/** Where one property or none can be gone by. */
export function whyNoTradeOff(left: string | undefined, leftOut: readonly LeftOut[]): string {
  const rest = left === undefined ? 'no property to go by yet' : `${left} alone to go by`;
  return `The goal is the best trade-offs of several properties, and there is ${rest}.${leftOutOf(leftOut)}`;
}
