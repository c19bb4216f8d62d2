import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeaturizationActivities, type ResolvedRows } from '../../activities/featurization';
import type { FeaturizationPorts } from '../../activities/shared/ports';
import { createChemistry } from '../../src/chemistry';
import { moleculeCapsSchema } from '../../src/contracts';
import { createPointerLog, createStepCache } from '../../src/objects';
import { newHome } from '../datasets/support';

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const properties = [
  { property: 'pIC50', unit: 'pIC50' },
  { property: 'clearance', unit: 'h' },
  { property: 'logP' },
];

async function resolve(
  rows: readonly object[],
  known: readonly object[] = properties,
): Promise<ResolvedRows> {
  const { objects, datasets } = newHome();
  const activities = createFeaturizationActivities({
    ...{ objects, steps: createStepCache(objects), pointers: createPointerLog(objects), chemistry },
    processor: {} as FeaturizationPorts['processor'],
  });
  const request = { rows, caps: moleculeCapsSchema.parse({}), unit: 'pIC50', properties: known };
  const run = new MockActivityEnvironment().run(activities.resolveResults as never, request);
  const resolved = (await run) as ResolvedRows;
  await datasets.close();
  return resolved;
}
const row = (resultId: string, more: object) => ({ resultId, smiles: 'CCO', value: 1, ...more });

describe('posted results of several properties', () => {
  test('are kept in the unit of their property; the first is not named, however it was posted', async () => {
    const { rows, rejected } = await resolve([
      row('a', { value: 10, unit: 'nM' }),
      row('b', { value: 10, unit: 'nM', property: 'pIC50', qualifier: '<' }),
      row('c', { value: 90, unit: 'min', property: 'clearance' }),
      row('d', { value: 2.5, property: 'logP' }),
      row('e', { outcome: 'abandoned', value: undefined, property: 'logP' }),
    ]);
    expect(rejected).toEqual([]);
    expect(rows).toMatchObject([
      { resultId: 'a', value: 8, reported: { value: 10, unit: 'nM' } },
      { resultId: 'b', value: 8, qualifier: '>' },
      { resultId: 'c', property: 'clearance', value: 1.5, unit: 'h', reported: { value: 90, unit: 'min' } },
      { resultId: 'd', property: 'logP', value: 2.5 },
      { resultId: 'e', property: 'logP', outcome: 'abandoned' },
    ]);
    for (const at of [0, 1]) expect(rows[at]).not.toHaveProperty('property');
  });

  test('of a property that is not measured, or in a unit that is not its own, are refused with what there is', async () => {
    const { rows, rejected } = await resolve([
      row('a', { property: 'LogP' }),
      row('b', { property: 'solubility' }),
      row('c', { property: 'clearance', unit: 'nM' }),
      row('d', { property: '' }),
    ]);
    expect(rows).toEqual([]);
    expect(rejected.map(({ receipt }) => receipt.message)).toEqual([
      "the campaign does not measure 'LogP'; did you mean 'logP'? it measures 'pIC50', 'clearance', 'logP'",
      "the campaign does not measure 'solubility'; it measures 'pIC50', 'clearance', 'logP'",
      expect.stringMatching(/'nM' cannot be taken into .*'h'/),
      expect.stringMatching(/property/),
    ]);
  });

  test('a campaign of one property takes its name, and no other', async () => {
    const { rows, rejected } = await resolve(
      [row('a', { property: 'pIC50' }), row('b', { property: 'logP' })],
      properties.slice(0, 1),
    );
    expect(rows.map(({ resultId, property }) => [resultId, property])).toEqual([['a', undefined]]);
    expect(rejected[0]!.receipt.message).toContain("it measures 'pIC50'");
  });
});
