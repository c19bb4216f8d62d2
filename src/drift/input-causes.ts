import type { DriftCause, DriftFinding } from '../contracts';
import { ACT_FROM } from './budget';
import { CLASSIFIER } from './detectors/fingerprints';
import { compareDescriptors } from './detectors/descriptors';
import { knownScaffolds } from './detectors/scaffolds';
import { short } from './finding';
import { isCompared, type DriftReference } from './reference';
import type { DriftSample } from './sample';

/** Descriptors that grow with the molecule and say little else. */
const SIZE: ReadonlySet<string> = new Set([
  'exactmw',
  'amw',
  'NumHeavyAtoms',
  'NumAtoms',
  'labuteASA',
  'CrippenMR',
  'chi0v',
  'chi1v',
  'chi0n',
  'chi1n',
  'kappa1',
]);
const HEAVY_ATOMS = 'NumHeavyAtoms';
/** Molecules are matched in so many classes of size, with as many of the reference in each. */
const CLASSES = 5;
/** Standard errors by which new scaffolds must exceed what the molecules' size explains. */
const CERTAIN = 3;
/** One descriptor that moves so far while no other moves at all is no chemistry. */
const ALONE = { moved: 0.4, others: 0.15, among: 10 } as const;

export interface InputCause {
  readonly cause: DriftCause;
  readonly subject: string | null;
  readonly sentence: string;
  /** The descriptor whose course over the windows tells how it came about; null: the finding's own effect does. */
  readonly descriptor: string | null;
}

function sizes({ descriptors }: DriftSample): Float64Array | null {
  const column = descriptors?.names.indexOf(HEAVY_ATOMS) ?? -1;
  if (!descriptors || column < 0) return null;
  const width = descriptors.names.length;
  return Float64Array.from(
    { length: descriptors.values.length / width },
    (_, row) => descriptors.values[row * width + column]!,
  );
}

/**
 * How many molecules with a known scaffold are missing, of those that molecules of this size usually include: as a part of them, and in
 * standard errors.
 */
export function newnessBeyondSize(
  reference: DriftReference,
  window: DriftSample,
): { excess: number; z: number } {
  const scaffoldsKnown = knownScaffolds(reference);
  const [own, other] = [sizes(window), sizes(reference.sample)];
  const none = { excess: 0, z: 0 };
  if (!scaffoldsKnown || !own || !other || !window.scaffolds) return none;
  const sorted = Float64Array.from(other).filter(Number.isFinite).sort();
  const classOf = (size: number) => {
    let of = 0;
    while (of < CLASSES - 1 && size >= sorted[Math.floor(((of + 1) * sorted.length) / CLASSES)]!) of++;
    return of;
  };
  const usual = Array.from({ length: CLASSES }, () => ({ n: 0, fresh: 0 }));
  const { scaffolds, smiles } = reference.sample;
  scaffolds!.forEach((scaffold, row) => {
    if (
      scaffold === null ||
      smiles![row] == null ||
      !isCompared(smiles![row]) ||
      !Number.isFinite(other[row]!)
    )
      return;
    const size = usual[classOf(other[row]!)]!;
    size.n++;
    if (!scaffoldsKnown.known.has(scaffold)) size.fresh++;
  });
  const overall = scaffoldsKnown.fresh / Math.max(1, scaffoldsKnown.compared);
  // A class of few molecules leans on the share of all of them.
  const expected = usual.map(({ n, fresh }) => (fresh + overall) / (n + 1));
  let [rows, fresh, should, variance] = [0, 0, 0, 0];
  window.scaffolds.forEach((scaffold, row) => {
    if (scaffold === null || !Number.isFinite(own[row]!)) return;
    const of = classOf(own[row]!);
    rows++;
    if (!scaffoldsKnown.known.has(scaffold)) fresh++;
    should += expected[of]!;
    variance += expected[of]! * (1 - expected[of]!);
  });
  if (rows === 0) return none;
  const uncertain = usual.reduce((sum, { n }, of) => {
    const share = window.scaffolds!.filter((_, row) => classOf(own[row]!) === of).length / rows;
    return sum + (share ** 2 * expected[of]! * (1 - expected[of]!)) / (n + 1);
  }, 0);
  const excess = (fresh - should) / rows;
  const known = 1 - should / rows;
  return { excess: known > 0 ? excess / known : 0, z: excess / Math.sqrt(variance / rows ** 2 + uncertain) };
}

/**
 * What the inputs' findings come from. Larger molecules have rarer scaffolds, and a new series has its own size: new scaffolds speak for a
 * switch by what exceeds the share that molecules of that size would have, and of switch and size the stronger one is named.
 */
export function inputCause(
  reference: DriftReference,
  window: DriftSample,
  findings: ReadonlyMap<string, DriftFinding>,
): InputCause | null {
  const acts = (name: string) => findings.get(name)?.verdict === 'act';
  if (!['descriptors', 'fingerprints', 'scaffolds', 'similarity', 'predictions', 'uncertainty'].some(acts))
    return null;
  const compared = compareDescriptors(reference, window).sort(
    (a, b) => Math.abs(b.found.delta) - Math.abs(a.found.delta),
  );
  const [most] = compared;
  const structural = acts('fingerprints') || acts('scaffolds');
  if (acts('descriptors') && !structural && most && compared.length >= ALONE.among) {
    const alone =
      Math.max(Math.abs(most.found.delta), most.found.distance) >= ALONE.moved &&
      compared
        .slice(1)
        .every(({ found }) => Math.abs(found.delta) < ALONE.others && found.distance < 2 * ALONE.others);
    if (alone)
      return {
        ...{ cause: 'serving-skew', subject: `descriptors/${most.name}`, descriptor: most.name },
        sentence: `${most.name} alone has changed, and nothing else of the molecules: what computes it, not the molecules, is the likely cause.`,
      };
  }
  const ofSize = compared.filter(({ name }) => SIZE.has(name));
  const size = ofSize.reduce((sum, { found }) => sum + found.delta / ofSize.length, 0);
  const scaffold = findings.get('scaffolds');
  const { excess, z } = newnessBeyondSize(reference, window);
  const series =
    scaffold?.verdict === 'act' && scaffold.test.startsWith('share of one') ? scaffold.effectSize! : 0;
  const told = findings.get('fingerprints');
  const separation =
    told?.verdict === 'act' ? told.evidence.find(({ what }) => what === CLASSIFIER)!.effectSize! : 0;
  const switched = Math.max(
    acts('scaffolds') && z >= CERTAIN ? excess / ACT_FROM.newScaffolds : 0,
    series / ACT_FROM.oneScaffold,
    separation / ACT_FROM.separation,
  );
  const grown = Math.abs(size) / ACT_FROM.delta;
  const changed = Math.abs(most?.found.delta ?? 0) / ACT_FROM.delta;
  if (switched >= 1 && switched >= Math.max(grown, changed)) {
    const [top] = scaffold?.evidence ?? [];
    const named = top ? `, most often ${top.what} (${top.rows} molecules)` : '';
    return {
      ...{ cause: 'scaffold-switch', subject: top?.what ?? null, descriptor: null },
      sentence: `The molecules come from other series than the reference's${named}.`,
    };
  }
  if (acts('descriptors') && grown >= 1) {
    const weight = compared.find(({ name }) => name === 'amw') ?? ofSize[0]!;
    const cause = size > 0 ? 'heavier-molecules' : 'lighter-molecules';
    return {
      ...{ cause, subject: weight.name, descriptor: weight.name },
      sentence: `The molecules are ${size > 0 ? 'heavier' : 'lighter'} than the reference's: Cliff's delta of their size is ${short(size)}.`,
    };
  }
  if (acts('descriptors') && most)
    return {
      ...{ cause: 'property-shift', subject: most.name, descriptor: most.name },
      sentence: `The molecules differ from the reference's in ${most.name}: Cliff's delta ${short(most.found.delta)}.`,
    };
  return {
    ...{ cause: 'input-shift', subject: null, descriptor: null },
    sentence: structural
      ? "The molecules are made of other substructures than the reference's, of the same size."
      : 'What the model answers has changed, and none of the descriptors has: look at the model and at what it is given.',
  };
}
