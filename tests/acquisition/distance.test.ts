import fc from 'fast-check';
import { chooseBatch } from '../../src/acquisition';
import {
  Coverage,
  farthestFirst,
  greedyMedoids,
  similarity,
  SimilarityIndex,
  sparseRowsOf,
} from '../../src/acquisition/distance';
import { featurizerSchema, type FeatureMatrix } from '../../src/contracts';
import { fingerprintsOf, idOf, randomPool, requestOf } from './support/requests';

const moleculesOf = (count: number, seed: number) =>
  sparseRowsOf(fingerprintsOf(Array.from({ length: count }, (_, i) => idOf(`${seed}/${i}`))))!;
const ties = (a: number, b: number) => a - b;
const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sizes = fc.record({
  held: fc.nat({ max: 4 }),
  candidates: fc.integer({ min: 1, max: 20 }),
  seed: fc.nat(),
});

describe('distances', () => {
  it('are those of the sums of minima and maxima, one row at a time or all at once', () => {
    const counts: FeatureMatrix = {
      spec: featurizerSchema.parse({
        kind: 'concatenation',
        parts: [{ kind: 'morgan-counts' }, { kind: 'descriptors' }],
      }),
      ...{ moleculeIds: ['a', 'b', 'c'], rows: 3, columns: 1, layout: 'counts' },
      // A descriptor leads each row and is no part of the structure.
      data: Uint32Array.from([77, 3, 2, 9, 1, 78, 3, 1, 5, 4, 79]),
      offsets: Uint32Array.from([0, 5, 10, 11]),
    };
    const rows = sparseRowsOf(counts)!;
    expect(similarity(rows, 0, rows, 1)).toBe(1 / 7);
    expect(similarity(rows, 0, rows, 2)).toBe(0);
    expect(similarity(rows, 2, rows, 2)).toBe(1);
    const index = new SimilarityIndex(rows);
    for (const row of [0, 1, 2])
      expect([...index.similarities(rows, row, new Float64Array(3))]).toEqual(
        [0, 1, 2].map((other) => similarity(rows, row, rows, other)),
      );
  });

  it('reads the bits of dense rows and of bundles, and nothing of descriptors alone', () => {
    const dense: FeatureMatrix = {
      spec: featurizerSchema.parse({
        kind: 'concatenation',
        parts: [{ kind: 'maccs' }, { kind: 'descriptors' }],
      }),
      ...{ moleculeIds: ['a', 'b'], rows: 2, columns: 4, layout: 'dense' },
      data: Float32Array.from([1, 0, 1, 2.5, 1, 1, 0, 1]),
    };
    const rows = sparseRowsOf(dense)!;
    expect(similarity(rows, 0, rows, 1)).toBe(1 / 3);
    const alone = { ...dense, spec: featurizerSchema.parse({ kind: 'descriptors' }) };
    expect(sparseRowsOf(alone)).toBeNull();
    const bundle = { ...dense, layout: 'bundle' as const, parts: [alone, dense] };
    expect(sparseRowsOf(bundle)).toEqual(rows);
  });

  it('picks the farthest first, as a full comparison does (MaxMin)', () => {
    fc.assert(
      fc.property(sizes, ({ held, candidates, seed }) => {
        const molecules = moleculesOf(held + candidates, seed);
        const centres = span(0, held);
        const open = span(held, held + candidates);
        const picks = farthestFirst({ molecules, held: centres, candidates: open, ties });
        let taken = true;
        for (;;) {
          const { value, done } = picks.next(taken);
          if (done) break;
          const nearest = (row: number) =>
            Math.max(-1, ...centres.map((c) => similarity(molecules, row, molecules, c)));
          const best = [...open].sort((a, b) => nearest(a) - nearest(b) || a - b)[0]!;
          expect(value).toEqual({ row: best, nearest: centres.length ? nearest(best) : null });
          open.splice(open.indexOf(best), 1);
          // Every third is refused: then it is no centre.
          taken = open.length % 3 > 0;
          if (taken) centres.push(best);
        }
        expect(open).toEqual([]);
      }),
    );
  });

  it('covers the reference best pick by pick, as asking every candidate every time does', () => {
    fc.assert(
      fc.property(sizes, ({ held, candidates, seed }) => {
        const molecules = moleculesOf(held + candidates, seed);
        const coverage = new Coverage(molecules);
        const chosen = span(0, held);
        for (const row of chosen) coverage.hold(molecules, row);
        const open = span(held, held + candidates);
        const covered = (rows: readonly number[]) =>
          span(0, molecules.rows).reduce(
            (sum, i) => sum + Math.max(0, ...rows.map((row) => similarity(molecules, row, molecules, i))),
            0,
          );
        const picks = greedyMedoids({ molecules, coverage, candidates: open, ties });
        for (;;) {
          const { value, done } = picks.next(true);
          if (done) break;
          const best = Math.max(...open.map((row) => covered([...chosen, row]))) - covered(chosen);
          expect(value.gain).toBeCloseTo(best, 9);
          open.splice(open.indexOf(value.row), 1);
          chosen.push(value.row);
        }
        expect(open).toEqual([]);
      }),
    );
  });

  it('keeps away from what is measured and from what is at the lab', async () => {
    const pool = randomPool(30, 4);
    const [measured, pending] = [pool.ids.slice(0, 5), pool.ids.slice(5, 10)];
    const moleculeIds = pool.ids.slice(5);
    for (const strategy of ['maxmin', 'core-set']) {
      const request = requestOf(pool, { acquisition: { strategy }, batchSize: 4, moleculeIds });
      const alone = await chooseBatch(request);
      const aware = await chooseBatch({ ...request, measured, pending });
      expect(aware.picks.map(({ moleculeId }) => moleculeId)).not.toEqual(
        alone.picks.map(({ moleculeId }) => moleculeId),
      );
      expect(aware.picks.every(({ moleculeId }) => !pending.includes(moleculeId))).toBe(true);
    }
    const molecules = sparseRowsOf(fingerprintsOf(pool.ids))!;
    const { picks } = await chooseBatch(
      requestOf(pool, { acquisition: { strategy: 'maxmin' }, batchSize: 1, moleculeIds, measured, pending }),
    );
    const nearest = (row: number) =>
      Math.max(...span(0, 10).map((held) => similarity(molecules, row, molecules, held)));
    expect(picks[0]!.value).toBeCloseTo(1 - Math.min(...span(10, 30).map(nearest)), 12);
  });

  it('says so where features do not tell how alike molecules are', async () => {
    const pool = randomPool(4, 1);
    const descriptors = (ids: readonly string[]): FeatureMatrix => ({
      spec: featurizerSchema.parse({ kind: 'descriptors' }),
      ...{
        moleculeIds: ids,
        rows: ids.length,
        columns: 1,
        layout: 'dense',
        data: new Float32Array(ids.length),
      },
    });
    const request = requestOf(pool, { acquisition: { strategy: 'maxmin' } });
    await expect(chooseBatch({ ...request, featuresOf: descriptors })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});
