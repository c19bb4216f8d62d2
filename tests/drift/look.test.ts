import fc from 'fast-check';
import { driftLookSchema, type DriftFinding } from '../../src/contracts';
import { driftReference, emptySample, look, type DriftSample } from '../../src/drift';
import { isCreeping } from '../../src/drift/onset';
import { createRandom, type Random } from '../../src/foundation';

interface Row {
  readonly id: string;
  readonly weight: number;
  readonly other: number;
  readonly observed: number;
  readonly plate: string;
}

/** Rows whose value is predicted as 0 with a deviation of 1. */
const drawn = (
  n: number,
  random: Random,
  prefix: string,
  change: Partial<{ weight: number; noise: number }> = {},
): Row[] =>
  Array.from({ length: n }, (_, i) => ({
    id: `${prefix}${i}-${Math.floor(random.next() * 1e9)}`,
    weight: 300 + 50 * (random.normal() + (change.weight ?? 0)),
    other: random.normal(),
    observed: random.normal() * (change.noise ?? 1),
    plate: `P${Math.floor(i / 24)}`,
  }));

const sampleOf = (rows: readonly Row[], scale = 1): DriftSample => ({
  ...emptySample,
  rows: rows.length,
  smiles: rows.map(({ id }) => id),
  descriptors: {
    names: ['amw', 'tpsa'],
    values: Float64Array.from(rows.flatMap(({ weight, other }) => [weight, other])),
  },
  predicted: new Float64Array(rows.length),
  deviation: new Float64Array(rows.length).fill(scale),
  observed: Float64Array.from(rows, ({ observed }) => scale * observed),
  plates: rows.map(({ plate }) => plate),
});

const referenceRows = drawn(600, createRandom(1), 'r');
const reference = driftReference(sampleOf(referenceRows));
const finding = (sample: DriftSample, name: DriftFinding['name'], history: DriftSample[] = []) =>
  look(reference, history, sample).findings.find((each) => each.name === name)!;

test('nothing has changed: ok, in the published form, and a look takes a decision for every detector', () => {
  const found = look(reference, [], sampleOf(drawn(200, createRandom(2), 'w')));
  expect(driftLookSchema.parse(found).verdict).toBe('ok');
  expect(found.diagnosis).toBeNull();
  expect(new Set(found.findings.map(({ name }) => name)).size).toBe(16);
});

test('heavier molecules are acted on and named; a shift that is certain and tiny is watched', () => {
  const heavy = look(reference, [], sampleOf(drawn(200, createRandom(3), 'w', { weight: 0.9 })));
  expect(heavy).toMatchObject({ verdict: 'act', diagnosis: { cause: 'heavier-molecules', subject: 'amw' } });
  const inputs = (rows: readonly Row[]): DriftSample => ({ ...sampleOf(rows), observed: null });
  const large = driftReference(inputs(drawn(20_000, createRandom(4), 'r')));
  const tiny = look(large, [], inputs(drawn(20_000, createRandom(5), 'w', { weight: 0.12 })));
  expect(tiny.findings.find(({ name }) => name === 'descriptors')).toMatchObject({ verdict: 'watch' });
  expect(tiny.verdict).toBe('watch');
});

test('one plate, all plates, noise and a unit are told apart', () => {
  const rows = drawn(96, createRandom(6), 'w');
  const moved = (by: number, plates: string[]) =>
    sampleOf(rows.map((row) => (plates.includes(row.plate) ? { ...row, observed: row.observed + by } : row)));
  expect(look(reference, [], moved(2, ['P2'])).diagnosis).toMatchObject({
    cause: 'plate-offset',
    subject: 'P2',
  });
  expect(look(reference, [], moved(1.2, ['P0', 'P1', 'P2', 'P3'])).diagnosis?.cause).toBe('assay-shift');
  expect(
    look(reference, [], sampleOf(drawn(96, createRandom(7), 'w', { noise: 2.2 }))).diagnosis?.cause,
  ).toBe('noise-up');
  const thousand = sampleOf(rows.map((row) => ({ ...row, observed: 1000 * row.observed })));
  expect(look(reference, [], thousand).diagnosis).toMatchObject({
    cause: 'unit-error',
    subject: 'times 1000',
  });
});

test('too few rows are not enough data, and of several windows together they are', () => {
  const few = (seed: number) => sampleOf(drawn(12, createRandom(seed), `w${seed}`));
  expect(look(reference, [], { ...few(1), observed: null }).verdict).toBe('not-enough-data');
  expect(finding(few(1), 'descriptors').verdict).toBe('not-enough-data');
  expect(finding(few(4), 'descriptors', [few(1), few(2), few(3)])).toMatchObject({
    verdict: 'ok',
    windows: 4,
    rows: 48,
  });
});

test('a served column that is not what is computed is named, however few descriptors move', () => {
  const window = sampleOf(drawn(50, createRandom(8), 'w'));
  const recomputed = Float64Array.from({ length: 50 }, (_, i) => 60 + i);
  const served = [
    { name: 'descriptors/amw', served: recomputed.slice(), recomputed },
    {
      name: 'descriptors/tpsa',
      served: recomputed.map((value, i) => (i % 5 ? value : value * 0.9)),
      recomputed,
    },
  ];
  expect(look(reference, [], { ...window, served }).diagnosis).toMatchObject({
    cause: 'serving-skew',
    subject: 'descriptors/tpsa',
  });
  expect(finding({ ...window, served: served.slice(0, 1) }, 'skew').verdict).toBe('ok');
});

test('a creep is found by its accumulated windows and called one', () => {
  const random = createRandom(9);
  const history: DriftSample[] = [];
  let found = look(reference, [], sampleOf(drawn(100, random, 'x')));
  for (let step = 0; step < 16 && found.verdict !== 'act'; step++) {
    const sample = sampleOf(drawn(100, random, `c${step}-`, { weight: 0.05 * step }));
    found = look(reference, history, sample);
    history.push(sample);
  }
  expect(found).toMatchObject({ verdict: 'act', diagnosis: { cause: 'creep', of: 'heavier-molecules' } });
});

test('a change that is over is no verdict on the next window, nor on a rest of a few rows', () => {
  const heavy = [1, 2, 3].map((i) => sampleOf(drawn(100, createRandom(20 + i), `h${i}-`, { weight: 1 })));
  expect(look(reference, heavy.slice(0, 2), heavy[2]!).verdict).toBe('act');
  expect(look(reference, heavy, sampleOf(drawn(100, createRandom(10), 'back'))).verdict).toBe('ok');
  expect(
    finding(sampleOf(drawn(3, createRandom(11), 'rest', { weight: 1 })), 'descriptors', heavy).verdict,
  ).toBe('not-enough-data');
});

test.each([
  [[0, 0.1, 0, 0.1, 0.5], false],
  [[0, 0, 0, 0.5, 0.5, 0.5, 0.5], false],
  [[0, 0.05, 0.12, 0.2, 0.25, 0.31, 0.4], true],
])('%j creeps: %s', (effects, creeps) => expect(isCreeping(effects)).toBe(creeps));

test('property: the order of rows, of the reference and of the window, never changes a verdict', () => {
  const rows = drawn(80, createRandom(11), 'w', { weight: 0.5 });
  const plain = look(reference, [], sampleOf(rows));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
      const random = createRandom(seed);
      const other = look(
        driftReference(sampleOf(random.shuffle(referenceRows))),
        [],
        sampleOf(random.shuffle(rows)),
      );
      expect(other.verdict).toBe(plain.verdict);
      expect(other.findings.map(({ verdict }) => verdict)).toEqual(
        plain.findings.map(({ verdict }) => verdict),
      );
    }),
    { numRuns: 10 },
  );
});

test('property: another unit, of values, predictions and reference alike, changes nothing', () => {
  const rows = drawn(96, createRandom(12), 'w', { noise: 1.6 });
  const plain = look(reference, [], sampleOf(rows));
  fc.assert(
    fc.property(fc.constantFrom(0.001, 0.25, 4, 1024), (scale) => {
      const other = look(driftReference(sampleOf(referenceRows, scale)), [], sampleOf(rows, scale));
      expect(other.findings.map(({ verdict }) => verdict)).toEqual(
        plain.findings.map(({ verdict }) => verdict),
      );
    }),
    { numRuns: 4 },
  );
});

test('more of the same data stays ok: no alarm in 30 looks with their histories', () => {
  const random = createRandom(13);
  const history: DriftSample[] = [];
  for (let at = 0; at < 30; at++) {
    const sample = sampleOf(drawn(50, random, `q${at}-`));
    expect(look(reference, history, sample).verdict).toBe('ok');
    history.push(sample);
  }
});
