/**
 * Streams of real molecules: undisturbed ones, and ones in which one thing changes at a known row by a known amount. Seeded; every
 * stream takes its reference and its windows from one population in random order, no molecule twice but where a draw is weighted.
 */
import { DESCRIPTOR_NAMES } from '../../../src/chemistry';
import type { DriftCause } from '../../../src/contracts';
import { emptySample, type DriftSample } from '../../../src/drift';
import { createRandom, type Random } from '../../../src/foundation';
import type { BenchMolecule, Population } from './molecules';

export interface StreamRow extends BenchMolecule {
  readonly plate: string | null;
  /** What serving says of one descriptor. */
  readonly servedTpsa: number;
}

export interface Stream {
  readonly reference: readonly StreamRow[];
  readonly rows: readonly StreamRow[];
  /** Rows before anything changes. */
  readonly changeAt: number;
  readonly window: number;
}

export interface Scenario {
  readonly name: string;
  readonly population: string;
  readonly cause: DriftCause;
  /** Where the cause is a creep: what creeps. */
  readonly of?: DriftCause;
  /** In words, with the unit. */
  readonly effect: string;
  /** What creeps is to be found before this row after the change began: there the shift is as large as the abrupt one. */
  readonly within: number;
  readonly make: (populations: ReadonlyMap<string, Population>, seed: number) => Stream;
}

export const REFERENCE_ROWS = 1000;
const WINDOW = 200;
const BATCH = 96;
const PLATE = 24;
const TPSA = DESCRIPTOR_NAMES.indexOf('tpsa');
const WEIGHT = DESCRIPTOR_NAMES.indexOf('amw');
const RINGS = DESCRIPTOR_NAMES.indexOf('NumAromaticHeterocycles');

const served = (molecule: BenchMolecule): StreamRow => ({
  ...molecule,
  plate: null,
  servedTpsa: molecule.descriptors[TPSA]!,
});

/** Rows on plates of 24, one after the other. */
const onPlates = (rows: readonly StreamRow[]): StreamRow[] =>
  rows.map((row, i) => ({ ...row, plate: `P${Math.floor(i / PLATE) + 1}` }));

function parted(population: Population, random: Random): { reference: StreamRow[]; rest: StreamRow[] } {
  const rows = random.shuffle(population.molecules).map(served);
  return { reference: onPlates(rows.slice(0, REFERENCE_ROWS)), rest: rows.slice(REFERENCE_ROWS) };
}

/** Nothing changes. */
export function undisturbed(population: Population, window: number, seed: number): Stream {
  const { reference, rest } = parted(population, createRandom(seed));
  return { reference, rows: onPlates(rest), changeAt: rest.length, window };
}

function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  return { mean, deviation: Math.sqrt(square) };
}

/** Draws with replacement by weight, so that the mean molecular weight rises by `by` standard deviations. */
function heavier(pool: readonly StreamRow[], by: number, n: number, random: Random): StreamRow[] {
  const { mean, deviation } = spreadOf(pool.map(({ descriptors }) => descriptors[WEIGHT]!));
  const z = pool.map(({ descriptors }) => Math.min(3, (descriptors[WEIGHT]! - mean) / deviation));
  const shiftOf = (tilt: number) => {
    const weights = z.map((value) => Math.exp(tilt * value));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { weights, shift: z.reduce((sum, value, i) => sum + (value * weights[i]!) / total, 0) };
  };
  let [low, high] = [0, 5];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (shiftOf(middle).shift < by) low = middle;
    else high = middle;
  }
  const { weights } = shiftOf((low + high) / 2);
  let sum = 0;
  const cumulative = weights.map((weight) => (sum += weight));
  return Array.from({ length: n }, () => {
    const at = random.next() * sum;
    return pool[cumulative.findIndex((each) => each >= at)]!;
  });
}

const residualDeviation = (rows: readonly StreamRow[]) =>
  spreadOf(rows.map(({ observed, predicted }) => observed! - predicted!)).deviation;

/** Changes what comes after so many rows of an undisturbed stream. */
const changed =
  (
    population: string,
    window: number,
    before: number,
    change: (rest: StreamRow[], random: Random, reference: StreamRow[]) => StreamRow[],
  ): Scenario['make'] =>
  (populations, seed) => {
    const random = createRandom(seed);
    const { reference, rest } = parted(populations.get(population)!, random);
    const after = change(rest.slice(before), random, reference);
    return {
      reference,
      rows: [...onPlates(rest.slice(0, before)), ...onPlates(after)],
      changeAt: before,
      window,
    };
  };

const withValue = (row: StreamRow, value: number): StreamRow => ({ ...row, observed: value });

/** Scaffolds that make up this share of the molecules are kept out of the reference and come in all at once. */
const HELD_OUT = 0.3;

function switched(name: string): Scenario['make'] {
  return (populations, seed) => {
    const random = createRandom(seed);
    const { molecules } = populations.get(name)!;
    const scaffolds = random.shuffle([...new Set(molecules.map(({ scaffold }) => scaffold))].filter(Boolean));
    const held = new Set<string | null>();
    let count = 0;
    for (const scaffold of scaffolds) {
      if (count >= HELD_OUT * molecules.length) break;
      held.add(scaffold);
      count += molecules.filter((each) => each.scaffold === scaffold).length;
    }
    const own = { name, molecules: molecules.filter(({ scaffold }) => !held.has(scaffold)) };
    const { reference, rest } = parted(own, random);
    const after = random
      .shuffle(molecules.filter(({ scaffold }) => held.has(scaffold)))
      .slice(0, 2 * WINDOW)
      .map(served);
    return {
      reference,
      rows: [...onPlates(rest.slice(0, 3 * WINDOW)), ...onPlates(after)],
      changeAt: 3 * WINDOW,
      window: WINDOW,
    };
  };
}

const CREEP_ROWS = 2000;

export const SCENARIOS: readonly Scenario[] = [
  ...(['lipophilicity', 'docking'] as const).flatMap((population): Scenario[] => [
    {
      ...{ name: 'scaffold switch', population, cause: 'scaffold-switch', within: WINDOW },
      effect: 'every molecule of a scaffold the reference lacks',
      make: switched(population),
    },
    {
      ...{ name: 'another series', population, cause: 'scaffold-switch', within: WINDOW },
      effect: 'half of the molecules from a library of benzimidazoles',
      make: (populations, seed) => {
        const series = createRandom(seed).shuffle(populations.get('idorsia')!.molecules).map(served);
        return changed(population, WINDOW, 3 * WINDOW, (rest, random) =>
          rest
            .slice(0, 2 * WINDOW)
            .map((row, i) => (random.next() < 0.5 ? { ...series[i]!, plate: null } : row)),
        )(populations, seed);
      },
    },
    {
      ...{ name: 'heavier molecules', population, cause: 'heavier-molecules', within: WINDOW },
      effect: 'mean weight up by 0.75 standard deviations',
      make: changed(population, WINDOW, 3 * WINDOW, (rest, random) =>
        heavier(rest, 0.75, 2 * WINDOW, random),
      ),
    },
    {
      ...{ name: 'plate offset', population, cause: 'plate-offset', within: BATCH },
      effect: 'one plate of 24 in a batch of 96 off by 2 residual standard deviations',
      make: changed(population, BATCH, 5 * BATCH, (rest) => {
        const by = 2 * residualDeviation(rest);
        return rest.slice(0, BATCH).map((row, i) => (i < PLATE ? withValue(row, row.observed! + by) : row));
      }),
    },
    {
      ...{ name: 'assay shift', population, cause: 'assay-shift', within: BATCH },
      effect: 'every value of a batch of 96 up by one residual standard deviation',
      make: changed(population, BATCH, 5 * BATCH, (rest) => {
        const by = residualDeviation(rest);
        return rest.slice(0, BATCH).map((row) => withValue(row, row.observed! + by));
      }),
    },
    {
      ...{ name: 'unit error', population, cause: 'unit-error', within: BATCH },
      effect:
        population === 'docking' ? 'kJ/mol for kcal/mol in one batch' : 'log of mM for log of M in one batch',
      make: changed(population, BATCH, 5 * BATCH, (rest) =>
        rest
          .slice(0, BATCH)
          .map((row) => withValue(row, population === 'docking' ? row.observed! * 4.184 : row.observed! + 3)),
      ),
    },
    {
      ...{ name: 'noise up', population, cause: 'noise-up', within: BATCH },
      effect: 'standard deviation of the residuals doubled in one batch of 96',
      make: changed(population, BATCH, 5 * BATCH, (rest, random) => {
        const added = Math.sqrt(3) * residualDeviation(rest);
        return rest.slice(0, BATCH).map((row) => withValue(row, row.observed! + added * random.normal()));
      }),
    },
    {
      ...{ name: 'creep of weight', population, cause: 'creep', of: 'heavier-molecules', within: CREEP_ROWS },
      effect: 'mean weight up bit by bit, 0.75 standard deviations after 2,000',
      make: changed(population, WINDOW, 3 * WINDOW, (rest, random) =>
        Array.from({ length: CREEP_ROWS / 50 }, (_, part) =>
          heavier(rest, (0.75 * (part + 1)) / (CREEP_ROWS / 50), 50, random),
        ).flat(),
      ),
    },
    {
      ...{ name: 'creep of the assay', population, cause: 'creep', of: 'assay-shift', within: 10 * BATCH },
      effect: 'values up bit by bit, one residual standard deviation after 10 batches of 96',
      make: changed(population, BATCH, 5 * BATCH, (rest) => {
        const by = residualDeviation(rest) / (10 * BATCH);
        return rest.slice(0, 10 * BATCH).map((row, i) => withValue(row, row.observed! + by * (i + 1)));
      }),
    },
    {
      ...{ name: 'serving bug', population, cause: 'serving-skew', within: WINDOW },
      effect: 'tpsa 10 % too low where a molecule has an aromatic heterocycle',
      make: changed(population, WINDOW, 3 * WINDOW, (rest) =>
        rest
          .slice(0, 2 * WINDOW)
          .map((row) => ({ ...row, servedTpsa: row.servedTpsa * (row.descriptors[RINGS]! > 0 ? 0.9 : 1) })),
      ),
    },
  ]),
];

const numbers = (rows: readonly StreamRow[], of: (row: StreamRow) => number | null) =>
  Float64Array.from(rows, (row) => of(row) ?? NaN);

/** Rows as the detectors take them. */
export function sampleOf(rows: readonly StreamRow[]): DriftSample {
  const values = new Float32Array(rows.length * DESCRIPTOR_NAMES.length);
  rows.forEach(({ descriptors }, row) => values.set(descriptors, row * DESCRIPTOR_NAMES.length));
  return {
    ...emptySample,
    rows: rows.length,
    smiles: rows.map(({ smiles }) => smiles),
    descriptors: { names: DESCRIPTOR_NAMES, values },
    fingerprints: rows.map(({ bits }) => Uint16Array.from(bits)),
    scaffolds: rows.map(({ scaffold }) => scaffold),
    similarity: numbers(rows, ({ similarity }) => similarity),
    predicted: numbers(rows, ({ predicted }) => predicted),
    deviation: numbers(rows, ({ deviation }) => deviation),
    observed: numbers(rows, ({ observed }) => observed),
    plates: rows.map(({ plate }) => plate),
    columns: [{ name: 'smiles', present: true, rows: rows.length, missing: 0, unreadable: 0, examples: [] }],
    served: [
      {
        name: 'descriptors/tpsa',
        served: numbers(rows, ({ servedTpsa }) => servedTpsa),
        recomputed: numbers(rows, ({ descriptors }) => descriptors[TPSA]!),
      },
    ],
  };
}
