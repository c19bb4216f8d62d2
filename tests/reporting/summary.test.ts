import { summariseCampaign } from '../../src/reporting';
import { decodeNdjson } from '../../src/foundation';
import type { TrainingRow } from '../../src/contracts';
import { simulateCampaign } from './support/campaign';

describe('summariseCampaign', () => {
  it('tells a campaign in numbers that agree with its record', async () => {
    const sim = simulateCampaign({ rounds: 4, poolSize: 250, outsiders: 12 });
    const rows = decodeNdjson<TrainingRow>(await sim.load(sim.record.finalCut!.training)).filter((row) =>
      sim.truth.has(row.moleculeId),
    );
    const threshold = [...sim.truth.values()].sort((a, b) => b - a)[24]!;
    const summary = await summariseCampaign(sim.record, sim.load, { values: sim.truth });
    expect(summary).toEqual({
      campaignId: 'solubility-42',
      rounds: 4,
      labelled: rows.length,
      poolSize: 250,
      best: sim.record.finalCut!.best!.value,
      topK: 25,
      topFound: rows.filter((row) => sim.truth.get(row.moleculeId)! >= threshold).length,
      topFoundRandom: (25 * rows.length) / 250,
      modelVersion: 'solubility-42/v4',
      backend: 'tensorflow',
    });
    expect(summary.labelled).toBeLessThan(sim.record.finalCut!.labels);
  });

  it('says nothing of a top without the truth, and nothing at all before the first round', async () => {
    const sim = simulateCampaign({ rounds: 0, poolSize: 50 });
    expect(await summariseCampaign(sim.record, sim.load)).toEqual({
      campaignId: 'solubility-42',
      rounds: 0,
      labelled: 0,
      poolSize: 50,
      best: null,
      modelVersion: null,
      backend: null,
    });
  });

  it('counts molecules that tie with the last of the top as interchangeable, and never more than there are places', async () => {
    const sim = simulateCampaign({ rounds: 3, poolSize: 100 });
    const flat = new Map([...sim.truth.keys()].map((id) => [id, 7]));
    const summary = await summariseCampaign(sim.record, sim.load, { values: flat, topFraction: 0.05 });
    expect(summary).toMatchObject({ topK: 5, topFound: 5 });
    expect(summary.labelled).toBeGreaterThan(5);
  });

  it('takes the lowest values as the top when a property is minimised', async () => {
    const sim = simulateCampaign({
      rounds: 3,
      poolSize: 150,
      config: { objective: { property: 'logS', direction: 'minimize' } },
    });
    const down = await summariseCampaign(sim.record, sim.load, { values: sim.truth });
    const mirrored = new Map([...sim.truth].map(([id, value]) => [id, -value]));
    const up = await summariseCampaign(
      {
        ...sim.record,
        config: {
          ...sim.record.config,
          objective: { property: 'logS', direction: 'maximize', goal: 'best' },
        },
      },
      sim.load,
      { values: mirrored },
    );
    expect(down.topFound).toBe(up.topFound);
    expect(down.topFound).toBeGreaterThan(down.topFoundRandom!);
  });

  it('refuses a truth that says nothing', async () => {
    const sim = simulateCampaign({ rounds: 1, poolSize: 30 });
    for (const truth of [
      { values: new Map() },
      { values: sim.truth, topFraction: 0 },
      { values: new Map([['mol_x', NaN]]) },
    ]) {
      await expect(summariseCampaign(sim.record, sim.load, truth)).rejects.toMatchObject({ code: 'usage' });
    }
  });
});
