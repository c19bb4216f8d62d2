import { designBatch, type BatchRules, type DesignRequest } from '../../../src/acquisition';
import { createRandom, selectFeatureRows } from '../../../src/foundation';
import { bitPool } from '../support/bit-pool';

const { features, groups } = bitPool(400, 12);
const place = new Map(features.moleculeIds.map((id, row) => [id, row]));
const request = (overrides: Partial<DesignRequest> = {}): DesignRequest => ({
  moleculeIds: features.moleculeIds,
  featuresOf: (ids) =>
    selectFeatureRows(
      features,
      ids.map((id) => place.get(id)!),
    ),
  batchSize: 12,
  seed: 3,
  ...overrides,
});
const idsOf = async (overrides: Partial<DesignRequest> = {}) =>
  (await designBatch(request(overrides))).picks.map(({ moleculeId }) => moleculeId);
const groupsOf = (ids: readonly string[]) => new Set(ids.map((id) => groups[place.get(id)!]));

describe('a batch before anything is measured', () => {
  test('is half by chance, half where a measurement tells most, and says so pick by pick', async () => {
    const { picks, decision } = await designBatch(request());
    expect(picks.map(({ strategy }) => strategy)).toEqual([
      ...Array<string>(6).fill('random'),
      ...Array<string>(6).fill('nipv'),
    ]);
    expect(decision.why).toMatch(/no model yet: half by chance, half where .* 400 candidates/);
    const designed = picks.slice(6);
    for (const { teaches, reason } of designed) {
      expect(teaches).toBeGreaterThan(0);
      expect(reason).toMatch(/takes \d+(\.\d+)? % of what is not known of 400 candidates/);
    }
    // Each is told the gain that is left after those before it.
    const teaches = designed.map((pick) => pick.teaches!);
    expect(teaches).toEqual([...teaches].sort((a, b) => b - a));
  });

  test('reaches more kinds of molecules than chance does', async () => {
    let [designed, byChance] = [0, 0];
    for (let seed = 0; seed < 20; seed++) {
      designed += groupsOf(await idsOf({ seed })).size;
      byChance += groupsOf(
        createRandom(seed)
          .shuffle([...features.moleculeIds])
          .slice(0, 12),
      ).size;
    }
    expect(designed).toBeGreaterThan(1.2 * byChance);
  });

  test('depends on the pool and the seed, not on the order in which molecules are listed', async () => {
    const shuffled = createRandom(9).shuffle([...features.moleculeIds]);
    expect(await idsOf({ moleculeIds: shuffled })).toEqual(await idsOf());
    expect(await idsOf({ seed: 4 })).not.toEqual(await idsOf());
  });

  test('stays away from what is measured or at the lab', async () => {
    const ofFirst = features.moleculeIds.filter((_, row) => groups[row] === 0);
    const known = ofFirst.slice(20);
    const moleculeIds = features.moleculeIds.filter((id) => !known.includes(id));
    /** Designed picks of ten batches that are of the first group. */
    const fromFirst = async (overrides: Partial<DesignRequest>) => {
      let count = 0;
      for (let seed = 0; seed < 10; seed++) {
        const { picks } = await designBatch(request({ moleculeIds, seed, ...overrides }));
        count += picks.filter((pick) => pick.strategy === 'nipv' && ofFirst.includes(pick.moleculeId)).length;
      }
      return count;
    };
    const unaware = await fromFirst({});
    expect(unaware).toBeGreaterThan(4);
    expect(await fromFirst({ pending: known })).toBeLessThan(unaware / 2);
    expect(await fromFirst({ measured: known })).toBeLessThan(unaware / 2);
  });

  test('keeps the rules, and goes beyond its sample where they leave nothing of it', async () => {
    const allowed = new Set(features.moleculeIds.slice(40, 50));
    const required = features.moleculeIds[45]!;
    const taken = new Set<string>();
    const rules: BatchRules = {
      admits: (id) => id !== features.moleculeIds[41],
      begin: () => ({
        required: [required],
        size: 8,
        fits: (id) => allowed.has(id) && taken.size < 8,
        whyNot: () => 'not allowed',
        take: (id) => void taken.add(id),
      }),
    };
    const ids = await idsOf({ rules });
    expect(ids[0]).toBe(required);
    expect(ids).toHaveLength(8);
    expect(ids.every((id) => allowed.has(id) && id !== features.moleculeIds[41])).toBe(true);
  });

  test('takes all where fewer are left than asked for, and none where none are', async () => {
    const few = features.moleculeIds.slice(0, 3);
    expect((await idsOf({ moleculeIds: few })).sort()).toEqual([...few]);
    expect(await idsOf({ moleculeIds: [] })).toEqual([]);
  });
});
