import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { runCampaign, type Arm } from '../../../scripts/peers/drift/recovery/campaign';
import { libraryOf, type Library } from '../../../scripts/peers/drift/recovery/library';
import { figuresOfRuns, renderRecovery } from '../../../scripts/peers/drift/recovery/report';
import { quiet, type RecoveryScenario } from '../../../scripts/peers/drift/recovery/scenarios';
import { surrogateOf } from '../../../src/cli/models/replay-surrogate';
import { packageRoot } from '../../../src/foundation';
import { createLearning } from '../../../src/learning';

const MOLECULES = 450;
const sizes = {
  ...({ dataSet: 'solubility', direction: 'maximize', goal: 'learn', rounds: 3 } as const),
  ...{ initial: 40, batch: 24, top: 20, asked: 80 },
};
const SHIFT: RecoveryScenario = {
  ...{ name: 'shift', title: 'heavier molecules', ...sizes },
  shift: { descriptor: 'NumHeavyAtoms', share: 0.6, from: 2 },
};
const OFFSET: RecoveryScenario = {
  ...{ name: 'offset', title: 'a laboratory is off', ...sizes, batch: 48 },
  offset: { by: 0.9, from: 2 },
};

describe('a campaign in the middle of which something changes', () => {
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  const fit = surrogateOf(learning, 'gaussian-process');
  let library: Library;
  beforeAll(async () => {
    const file = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'));
    const rows = parse(file, { columns: true }) as { smiles: string; logS: string }[];
    library = await libraryOf(
      'solubility',
      rows.slice(0, MOLECULES).map(({ smiles, logS }) => ({ smiles, value: Number(logS) })),
    );
  });
  afterAll(() => learning.close());
  const run = (scenario: RecoveryScenario, arm: Arm) => runCampaign(library, scenario, fit, { seed: 1, arm });

  test('the pool: it is seen at once, answered, and paid for by no more molecules than without', async () => {
    const [withIt, without] = [await run(SHIFT, 'with'), await run(SHIFT, 'without')];
    expect(withIt.detected).toBe(2);
    expect(withIt.actions.slice(0, 2).map(({ action }) => action)).toEqual(['widen-pool', 're-explore']);
    expect(withIt.measured).toEqual(without.measured);
    // Until then they are the same campaign.
    expect(withIt.rmse[0]).toBe(without.rmse[0]);
    expect(withIt.rmse.at(-1)!).toBeLessThan(without.rmse.at(-1)!);
    const figures = figuresOfRuns(SHIFT, [withIt, without]);
    expect(figures).toMatchObject({ seeds: 1, changedIn: 2, detected: [2] });
    expect(figures.rmseDifference.mean).toBeCloseTo(withIt.rmse.at(-1)! - without.rmse.at(-1)!, 12);
    expect(renderRecovery([figures])).toMatch(/\| heavier molecules \| .*2; 2 \|/);
  });

  test('a laboratory: controls put its values right', async () => {
    const [withIt, without] = [await run(OFFSET, 'with'), await run(OFFSET, 'without')];
    expect(withIt.detected).toBe(3);
    expect(withIt.actions[0]).toMatchObject({ action: 'control-plate', cause: 'lab-offset', subject: 'B' });
    expect(withIt.measured.at(-1)).toBe(without.measured.at(-1));
    expect(withIt.rmse.at(-1)!).toBeLessThan(without.rmse.at(-1)!);
  });

  test('nothing: nothing is done', async () => {
    for (const scenario of [SHIFT, OFFSET]) {
      const still = await run(quiet(scenario), 'with');
      expect([still.actions, still.detected]).toEqual([[], null]);
      expect(figuresOfRuns(quiet(scenario), [still, { ...still, arm: 'without' }]).looks).toEqual({
        asked: { looks: 3, acts: 0 },
        returned: { looks: 2, acts: 0 },
      });
    }
  });
});
