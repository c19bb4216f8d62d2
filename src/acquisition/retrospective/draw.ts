import { TitrateError } from '../../contracts';
import { createRandom, deriveSeed } from '../../foundation';
import type { ReplayTable } from './protocol';

/** Rows measured first: those given, or drawn by the seed from the candidates. @throws usage for rows that cannot be */
export function firstRows(
  candidates: readonly number[],
  count: number,
  seed: number,
  given?: readonly number[],
): readonly number[] {
  if (given) return checked(given, new Set(candidates), 'first molecules');
  return createRandom(deriveSeed(seed, 'initial')).shuffle(candidates).slice(0, count);
}

/**
 * Rows to judge models on: those given, or `count` drawn by the seed from the rows with a value; never one of the first molecules.
 * Of a screen, actives and inactives in the proportion they have, an active at least, so that both are there to tell apart.
 * @throws usage for rows that cannot be held out
 */
export function heldOutRows(
  { values, kind }: ReplayTable,
  count: number,
  seed: number,
  first: readonly number[] = [],
  given?: readonly number[],
): readonly number[] {
  const spoken = new Set(first);
  const open = [...values.keys()].filter((row) => values[row] !== null && !spoken.has(row));
  if (given) return checked(given, new Set(open), 'held-out molecules');
  if (count === 0) return [];
  if (count >= open.length) {
    throw new TitrateError('usage', {
      what: `${count} of ${open.length} molecules with a value are to be held out: none would be left to choose from`,
      where: 'held-out molecules',
    });
  }
  const random = createRandom(deriveSeed(seed, 'held-out'));
  if (kind === 'property') return random.shuffle(open).slice(0, count);
  const [inactive, active] = [0, 1].map((value) =>
    random.shuffle(open.filter((row) => values[row] === value)),
  );
  const actives = Math.min(count, Math.max(1, Math.round((count * active!.length) / open.length)));
  return [...active!.slice(0, actives), ...inactive!.slice(0, count - actives)];
}

function checked(given: readonly number[], allowed: ReadonlySet<number>, where: string): readonly number[] {
  const wrong = given.find((row) => !allowed.has(row));
  if (wrong === undefined && new Set(given).size === given.length) return given;
  throw new TitrateError('usage', {
    what:
      wrong === undefined
        ? 'a row comes twice'
        : `row ${wrong} is none of the ${allowed.size} that there are`,
    where,
    remedy:
      'Give row numbers of the file, from 0, each once; a molecule is measured first or held out, not both',
  });
}
