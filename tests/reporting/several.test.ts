import { decodeNdjson, encodeNdjson } from '../../src/foundation';
import { MEDIA_TYPES, type CampaignRecord, type Cut, type TrainingRow } from '../../src/contracts';
import { renderReport, type ReportRequest } from '../../src/reporting';
import { simulateCampaign, type Simulation } from './support/campaign';
import { rdkitDepict } from './support/depict';

/** The value of the second property: it rises with the first one, but for something of its own. */
const second = ({ moleculeId, value }: TrainingRow) => value + (parseInt(moleculeId.slice(-2), 16) % 7) / 4;
/** Every fourth molecule has none. */
const isMissing = ({ moleculeId }: TrainingRow) => parseInt(moleculeId.slice(-4), 16) % 4 === 0;

/** The simulated campaign as if it had measured a second property, evaluated from the round that the first one was. */
async function twoProperties(sim: Simulation): Promise<CampaignRecord> {
  const cutOf = async (cut: Cut): Promise<Cut> => {
    const rows = decodeNdjson<TrainingRow>(await sim.load(cut.training)).filter((row) => !isMissing(row));
    const table = rows.map((row) => ({ ...row, value: second(row), qualifier: '=' }));
    const training = sim.put(encodeNdjson(table), MEDIA_TYPES.ndjson);
    const known = { labels: table.length, measured: table.length, censored: 0, failed: 2 };
    return {
      ...cut,
      others: [{ property: 'logD <7.4>', training, ...known }],
      front: { size: 3, hypervolume: 1.5, reference: [0, 0] },
    };
  };
  const { objective } = sim.record.config;
  return {
    ...sim.record,
    config: {
      ...sim.record.config,
      objective: {
        ...objective,
        goal: 'pareto',
        others: [{ property: 'logD <7.4>', direction: 'minimize' }],
      },
    },
    rounds: await Promise.all(
      sim.record.rounds.map(async (round) => ({
        ...round,
        cut: await cutOf(round.cut),
        others: [{ property: 'logD <7.4>', evaluation: round.evaluation, weights: null }],
      })),
    ),
    finalCut: sim.record.finalCut && (await cutOf(sim.record.finalCut)),
  };
}
let options: Pick<ReportRequest, 'depict' | 'generatedAt'>;
beforeAll(async () => {
  options = { depict: await rdkitDepict(), generatedAt: '2026-11-28T12:00:00Z' };
});

describe('the report of a campaign of several properties', () => {
  test('draws the front, says how much it covers, and has a section for each property', async () => {
    const sim = simulateCampaign({ rounds: 3, poolSize: 150 });
    const html = await renderReport({ record: await twoProperties(sim), load: sim.load, ...options });
    const name = 'logD &lt;7.4&gt;';
    expect(html).toContain(`Maximise logS (log mol/l) and minimise ${name}`);
    expect(html).toContain('<h2 id="front-title">The front</h2>');
    expect(html).toContain('How good the model of logS is');
    expect(html).toContain(`How good the model of ${name} is`);
    expect(html).not.toContain('logD <7.4>');
    const [, own] = /<section id="property-2"([\s\S]*?)<\/section>/.exec(html)!;
    for (const figure of ['Held-out error by round', 'Calibration (round', `measured ${name}`])
      expect(own).toContain(figure);

    // The front that is told is the front of the molecules with both values.
    const rows = decodeNdjson<TrainingRow>(await sim.load(sim.record.finalCut!.training));
    const complete = rows.filter((row) => row.qualifier === '=' && !isMissing(row));
    const beaten = (a: TrainingRow) =>
      complete.some(
        (b) =>
          b !== a &&
          b.value >= a.value &&
          second(b) <= second(a) &&
          (b.value > a.value || second(b) < second(a)),
      );
    const front = complete.filter((row) => !beaten(row));
    expect(html).toContain(`${front.length} molecules of ${complete.length} with every value`);
    const [, table] = /Molecules on the front([\s\S]*?)<\/table>/.exec(html)!;
    expect(table!.match(/<tr>/g)).toHaveLength(front.length + 1);
  });

  test('before any molecule has every value it says so; of one property nothing is said of a front', async () => {
    const sim = simulateCampaign({ rounds: 1, poolSize: 60, finished: false });
    const html = await renderReport({ record: await twoProperties(sim), load: sim.load, ...options });
    expect(html).toContain('No molecule has a value of every property yet.');
    const plain = await renderReport({ record: sim.record, load: sim.load, ...options });
    expect(plain).not.toContain('front');
    expect(plain).toContain('How good the model is');
  });
});
