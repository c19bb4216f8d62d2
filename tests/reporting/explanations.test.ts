import { sealBatch } from '../../src/acquisition';
import type { BatchSheet, CampaignRecord } from '../../src/contracts';
import { renderReport } from '../../src/reporting';
import { simulateCampaign } from './support/campaign';
import { rdkitDepict } from './support/depict';
import { parsePage, readable } from './support/page';

/** A campaign of three rounds whose last batch says all that a batch can say. */
async function told(end: Partial<CampaignRecord> = {}): Promise<string> {
  const sim = simulateCampaign({ rounds: 3, poolSize: 120 });
  const { rounds } = sim.record;
  const last = rounds.at(-1)!;
  const { seal: _, ...sheet } = JSON.parse((await sim.load(last.sheet!)).toString('utf8')) as BatchSheet;
  const [first, ...rest] = sheet.picks;
  const nearest = { moleculeId: rest[0]!.moleculeId, smiles: 'c1ccccc1O', similarity: 0.714 };
  const sealed = sealBatch({
    ...sheet,
    picks: [
      {
        ...first!,
        ...{ terms: { exploit: 0.3, explore: 0.1 }, nearest, teaches: 0.042 },
        ...{ plate: 2, well: 'C07', cost: 12.5 },
      },
      ...rest,
    ],
    passedOver: [
      {
        moleculeId: `mol_${'e'.repeat(32)}`,
        smiles: 'CC<script>',
        value: 0.25,
        why: 'its scaffold has been picked twice',
      },
    ],
  });
  const summary = {
    ...last.summary,
    chosenBy: { strategy: 'log-ei', why: 'The model ranks molecules well (0.71).' },
    prospects: {
      ...{ best: 1.5, margin: 0.2, left: 96, drawn: 96, chance: 0.0345 },
      ...{ batchGain: 0.012, batchSize: 8 },
    },
  };
  const round = { ...last, summary, sheet: sim.put(JSON.stringify(sealed), 'application/json') };
  const record = { ...sim.record, ...end, rounds: [...rounds.slice(0, -1), round] };
  const html = await renderReport({
    ...{ record, load: sim.load, generatedAt: '2026-11-11T14:30:00Z' },
    depict: await rdkitDepict(),
  });
  return readable(parsePage(html));
}

test('a pick says what decided it, what it is like and where it goes; a batch who was passed over, and a round what chose it', async () => {
  const text = await told();
  expect(text).toContain('75 % from its prediction, 25 % from its uncertainty');
  expect(text).toContain('teaches 4.2 % of what is not known of the candidates');
  expect(text).toContain('nearest measured: c1ccccc1O, similarity 0.71');
  expect(text).toContain('plate 2, well C07');
  expect(text).toContain('price 12.5');
  expect(text).toContain('1 molecule passed over');
  expect(text).toContain('its scaffold has been picked twice');
  expect(text).toContain('log-ei. The model ranks molecules well (0.71).');
  expect(text).toMatch(/3\.5 % chance that any of 96 molecules is better than 1\.5.* by more than 0\.2/);
});

test('a campaign that ended says why, with its numbers', async () => {
  const why =
    'the next batch of 8 is expected to improve the best value by 0.01, worth 10, and would cost 80';
  expect(await told({ stopReason: 'gain-below-cost', stopWhy: why })).toContain(
    `Finished: what the next batch could gain was not worth its cost: ${why}`,
  );
  expect(await told({ stopReason: 'budget' })).not.toContain('undefined');
});
