import { renderReport, type ReportRequest } from '../../src/reporting';
import {
  TitrateError,
  type CampaignRecord,
  type HeldOutPrediction,
  type TrainingRow,
} from '../../src/contracts';
import { decodeNdjson } from '../../src/foundation';
import { simulateCampaign, type Simulation, type SimulationOptions } from './support/campaign';
import { rdkitDepict } from './support/depict';
import { byId, find, parsePage, readable, tableRows, withClass, type PageElement } from './support/page';

const AT = '2026-11-11T14:30:00Z';
let depict: ReportRequest['depict'];
beforeAll(async () => {
  depict = await rdkitDepict();
});

async function pageOf(
  sim: Simulation,
  extra: Partial<ReportRequest> = {},
): Promise<{ html: string; page: PageElement }> {
  const html = await renderReport({ record: sim.record, load: sim.load, depict, generatedAt: AT, ...extra });
  return { html, page: parsePage(html) };
}
const small = (options: SimulationOptions = {}) => simulateCampaign({ rounds: 3, poolSize: 120, ...options });
const tiles = (page: PageElement) =>
  Object.fromEntries(
    withClass(page, 'tile').map((tile) => [
      readable(find(tile, (e) => e.name === 'dt')[0]!),
      readable(withClass(tile, 'value')[0]!),
    ]),
  );

describe('the report of a campaign', () => {
  it('is one page that fetches nothing and runs nothing', async () => {
    const { html, page } = await pageOf(small());
    expect(html.startsWith('<!doctype html>')).toBe(true);
    expect(
      find(page, (e) => ['script', 'link', 'iframe', 'object', 'embed', 'base', 'form'].includes(e.name)),
    ).toEqual([]);
    expect(html).not.toMatch(/https?:\/\/|@import|url\((?!#)|javascript:/i);
    for (const element of find(page, () => true)) {
      for (const [key, value] of Object.entries(element.attributes)) {
        expect(key.startsWith('on')).toBe(false);
        if (key === 'src') expect(value.startsWith('data:image/svg+xml,')).toBe(true);
        if (key === 'href') expect(value.startsWith('#')).toBe(true);
      }
    }
    const policy = find(page, (e) => e.attributes['http-equiv'] === 'Content-Security-Policy')[0]!.attributes
      .content;
    expect(policy).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  });

  it('tells where trials came from, how they were held out, and what mattered among their settings', async () => {
    const sim = small();
    const rounds = sim.record.rounds.map((round) => {
      if (!round.exploration) return round;
      // All on the first rung, and only the family decides.
      const { trials } = round.exploration;
      const results = trials.map(({ trialId, settings }) => ({
        ...round.exploration!.results[0]!,
        ...{ trialId, rung: round.exploration!.rungs[0]!.rung },
        metrics: {
          ...round.exploration!.results[0]!.metrics,
          rmse: settings.family === 'gaussian-process' ? 0.5 : 0.9,
        },
      }));
      const exploration = {
        ...round.exploration,
        results,
        warmStart: {
          read: [],
          trials: [{ trialId: 't', campaignId: 'logs', round: 3, was: 'mlp-2' }],
          notes: ["campaign '<b>' is gone"],
        },
        split: { kind: 'time' as const, notes: ['2 of 9 labels have no date: they count as the earliest'] },
        tuner: {
          kind: 'vizier' as const,
          study: 'logs',
          trials: ['mlp-vizier-1'],
          stopped: [],
          notes: ['away'],
        },
      };
      return { ...round, exploration };
    });
    const { html, page } = await pageOf({ ...sim, record: { ...sim.record, rounds } });
    const text = readable(page);
    for (const told of [
      'Warm start: t was mlp-2 of logs, round 3.',
      "campaign '<b>' is gone.",
      'Folds by time.',
      '2 of 9 labels have no date',
      'Settings asked of Vizier, study logs: mlp-vizier-1.',
    ])
      expect(text).toContain(told);
    expect(html).not.toContain("'<b>'");
    expect(text).toMatch(/What mattered in the exploration of round \d+/);
    const mattered = text.slice(text.indexOf('What mattered in the'));
    expect(mattered.slice(0, 400)).toMatch(
      /family100\s?%4gaussian-process: 0\.500 \(2 trials\); mlp-ensemble: 0\.900/,
    );
  });

  it('leads every inner link somewhere, uses no id twice, and describes every picture', async () => {
    const { page } = await pageOf(small());
    const ids = find(page, (e) => e.attributes.id !== undefined).map((e) => e.attributes.id!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of find(page, (e) => e.name === 'a'))
      expect(ids).toContain(link.attributes.href!.slice(1));
    for (const image of find(page, (e) => e.name === 'img'))
      expect(image.attributes.alt).toMatch(/^Structure of .+/);
    for (const svg of find(page, (e) => e.name === 'svg')) {
      expect(
        svg.attributes['aria-hidden'] === 'true' ||
          (svg.attributes.role === 'img' && svg.attributes['aria-label']!.length > 10),
      ).toBe(true);
    }
    for (const figure of find(page, (e) => e.name === 'figure')) {
      expect(find(figure, (e) => e.name === 'table')).toHaveLength(1);
      // One that is a table has no picture to read.
      const isPicture = find(figure, (e) => e.name === 'svg').length > 0;
      expect(find(figure, (e) => e.name === 'text').length > 4).toBe(isPicture);
    }
  });

  it('shows the numbers of the record', async () => {
    const sim = small({ outsiders: 9 });
    const { record } = sim;
    const { page } = await pageOf(sim, { truth: { values: sim.truth, topFraction: 0.1 } });
    const final = decodeNdjson<TrainingRow>(await sim.load(record.finalCut!.training));
    const inPool = final.filter((row) => sim.truth.has(row.moleculeId));
    const sorted = [...sim.truth.values()].sort((a, b) => b - a);
    const found = inPool.filter((row) => sim.truth.get(row.moleculeId)! >= sorted[11]!).length;
    expect(final.length - inPool.length).toBe(9);
    expect(tiles(page)).toMatchObject({
      Measured: `${inPool.length} of 120`,
      'Top 10 % found': `${found} of 12`,
      Rounds: '3',
      Model: record.rounds.at(-1)!.model!.id.split('/').at(-1),
      'TensorFlow.js backend': 'tensorflow',
    });
    expect(tiles(page)['Best measured']).toBe(
      `${Number(record.finalCut!.best!.value.toPrecision(4))} log mol/l`,
    );

    const curve = tableRows(page, 'Top molecules found and expected at each cut');
    expect(curve).toHaveLength(4);
    expect(curve.at(-1)!.slice(0, 4)).toEqual([
      'at the end',
      String(inPool.length),
      String(found),
      String(Number((0.1 * inPool.length).toPrecision(4))),
    ]);

    const evaluated = record.rounds.filter((round) => round.evaluation);
    const quality = tableRows(page, 'Held-out figures by round');
    expect(quality.map((row) => row[0])).toEqual(evaluated.map((round) => String(round.summary.round)));
    for (const [i, round] of evaluated.entries()) {
      const rows = decodeNdjson<HeldOutPrediction>(await sim.load(round.evaluation!.predictions));
      const mean = rows.reduce((sum, p) => sum + p.observed, 0) / rows.length;
      const sd = Math.sqrt(rows.reduce((sum, p) => sum + (p.observed - mean) ** 2, 0) / rows.length);
      expect(quality[i]!.slice(1, 4)).toEqual([
        String(rows.length),
        round.evaluation!.metrics.rmse.toFixed(3),
        sd.toFixed(3),
      ]);
    }
    const calibration = tableRows(page, 'Observed coverage of central intervals');
    const ninety = calibration.find((row) => row[0] === '90 %')!;
    const last = evaluated.at(-1)!.evaluation!.calibration;
    // 1.645 is the record's 90 % quantile; a bound among the held-out values shifts the share a little.
    expect(Math.abs(parseFloat(ninety[2]!) / 100 - last.coverage90After)).toBeLessThan(0.05);
    expect(Math.abs(parseFloat(ninety[1]!) / 100 - last.coverage90Before)).toBeLessThan(0.05);
  });

  it('shows every pick with what became of it, and why it was picked', async () => {
    const sim = simulateCampaign({ rounds: 5, poolSize: 200 });
    const { page } = await pageOf(sim);
    const fates = new Set<string>();
    for (const [i, round] of sim.record.rounds.entries()) {
      const cards = withClass(byId(page, `round-${round.summary.round}`), 'card');
      const { picks } = sim.sheets[i]!;
      expect(cards).toHaveLength(picks.length);
      for (const [k, pick] of picks.entries()) {
        const text = readable(cards[k]!);
        const later = sim.sheets
          .slice(i + 1)
          .some((sheet) => sheet.picks.some((p) => p.moleculeId === pick.moleculeId));
        const fate = later ? 'abandoned' : sim.fates.get(pick.moleculeId)!;
        fates.add(fate);
        expect(cards[k]!.attributes.class).toContain(`s-${fate}`);
        expect(text).toContain(pick.compoundId);
        expect(text).toContain(pick.reason);
        expect(text).toContain(pick.smiles);
        if (pick.predicted !== undefined)
          expect(text).toContain(
            `${pick.predicted.toFixed(pick.standardDeviation! >= 1 ? 1 : 2)} ±`.replace('-0.00', '0.00'),
          );
      }
    }
    expect([...fates].sort()).toEqual(['abandoned', 'failed', 'measured', 'pending']);
  });

  it('takes the batch that is out with the lab as pending', async () => {
    const sim = small({ finished: false });
    const { page } = await pageOf(sim);
    expect(withClass(byId(page, 'round-3'), 's-pending')).toHaveLength(16);
    expect(withClass(byId(page, 'round-2'), 's-pending')).toHaveLength(0);
    expect(readable(withClass(page, 'meta')[0]!)).toContain('Running');
    expect(readable(byId(page, 'key-figures'))).toContain('16 pending');
  });

  it('lists what exploration tried, rung by rung, and the gates of the rollout', async () => {
    const sim = small();
    const { page } = await pageOf(sim);
    const rows = tableRows(page, 'Exploration of round 3');
    const { exploration, summary } = sim.record.rounds[2]!;
    const rmse = (trial: number, rung: number) =>
      exploration!.results
        .find((r) => r.trialId === `t3-${trial}` && r.rung === rung)!
        .metrics.rmse.toFixed(3);
    expect(rows.map((row) => row[0])).toEqual(['t3-1', 't3-2', 't3-3', 't3-4']);
    expect(rows.map((row) => [...row.slice(5, 7), row[8]])).toEqual([
      [rmse(1, 1), rmse(1, 2), 'chosen'],
      [rmse(2, 1), rmse(2, 2), 'ran to the end'],
      [rmse(3, 1), '–', 'stopped after rung 1'],
      ['–', '–', 'failed: the kernel matrix is not positive definite'],
    ]);
    const gates = readable(withClass(byId(page, 'round-3'), 'gates')[0]!);
    for (const gate of summary.deployment!.gates)
      expect(gates).toContain(`${gate.passed ? 'passed' : 'not passed'} ${gate.gate}: ${gate.evidence}`);
  });

  it('names every artifact it read by its full hash, and says whether seals hold', async () => {
    const sim = small();
    const { page } = await pageOf(sim);
    const listed = tableRows(page, 'Artifacts that this page cites').map((row) => row[1]);
    for (const round of sim.record.rounds) {
      for (const ref of [
        round.cut.training,
        round.cut.resultIds,
        round.sheet,
        round.model?.card,
        round.evaluation?.predictions,
      ])
        if (ref) expect(listed).toContain(ref.sha256);
    }
    expect(listed).toContain(sim.record.finalCut!.training.sha256);
    const seals = tableRows(page, 'Versions and seals by round');
    expect(seals.slice(0, 3).map((row) => row[5])).toEqual(sim.sheets.map((sheet) => `${sheet.seal} holds`));

    const forged = { ...sim.sheets[1]!, picks: sim.sheets[1]!.picks.slice(1) };
    const rounds = sim.record.rounds.map((round, i) =>
      i === 1 ? { ...round, sheet: sim.put(JSON.stringify(forged), 'application/json') } : round,
    );
    const after = await pageOf({ ...sim, record: { ...sim.record, rounds } });
    expect(tableRows(after.page, 'Versions and seals by round')[1]![5]).toMatch(/broken$/);
    expect(readable(byId(after.page, 'round-2'))).toContain(
      'broken: the sheet is not the one that was sealed',
    );
  });

  it('marks stages that came from the cache', async () => {
    const sim = small();
    const { page } = await pageOf(sim);
    const rows = tableRows(page, 'Seconds by stage and round');
    expect(rows[1]!.slice(0, 3)).toEqual(['2', '0.2 cached', '0.6 cached']);
    expect(withClass(byId(page, 'time'), 'hatched')).toHaveLength(4);
  });

  it.each([
    ['no round', small({ rounds: 0 })],
    ['one round, out with the lab', small({ rounds: 1, finished: false })],
    ['one round, finished', small({ rounds: 1 })],
    ['a round without a model', small({ withoutModel: [2] })],
    ['no model at all', small({ withoutModel: [1, 2, 3] })],
  ])('is sound with %s', async (_, sim) => {
    for (const truth of [undefined, { values: sim.truth, topFraction: 0.05 }]) {
      const { html, page } = await pageOf(sim, { truth });
      expect(tiles(page).Rounds).toBe(String(sim.record.rounds.length));
      expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }
  });

  it('shows hostile ids, SMILES, titles and messages as text', async () => {
    const attack = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;\u202e\u0000`;
    const sim = small({ title: attack, compoundId: (_, i) => `${attack}${i}` });
    const record: CampaignRecord = {
      ...sim.record,
      stopReason: attack,
      rounds: sim.record.rounds.map((round) => ({
        ...round,
        exploration: round.exploration && {
          ...round.exploration,
          rule: attack,
          failures: [{ trialId: round.exploration.failures[0]!.trialId, message: attack }],
        },
        summary: {
          ...round.summary,
          backend: attack,
          deployment: round.summary.deployment && { ...round.summary.deployment, message: attack },
        },
        timings: [...round.timings, { stage: attack, round: round.summary.round, seconds: 3, cached: false }],
      })),
    };
    const drawn = async (smiles: string[]) =>
      smiles.map((_, i) => (i % 2 ? `<svg><script>alert(3)</script>"'><b></svg>` : attack));
    const { html, page } = await pageOf({ ...sim, record }, { depict: drawn });
    expect(
      find(page, (e) => e.name === 'script' || e.name === 'b' || e.attributes.onerror !== undefined),
    ).toEqual([]);
    for (const forbidden of ['<script', '<img src=x', '\u202e', '\u0000'])
      expect(html).not.toContain(forbidden);
    const shown = attack.replace('\u202e', '\ufffd').replace('\u0000', '\ufffd');
    expect(readable(find(page, (e) => e.name === 'h1')[0]!)).toBe(shown);
    expect(readable(withClass(byId(page, 'round-1'), 'card')[0]!)).toContain(shown);
  });

  it('draws a large batch only in part, and says so', async () => {
    const sim = simulateCampaign({
      rounds: 1,
      poolSize: 300,
      finished: false,
      config: { acquisition: { batchSize: 260 } },
    });
    let asked = 0;
    const { page } = await pageOf(sim, {
      depict: async (smiles) => ((asked += smiles.length), depict(smiles)),
    });
    expect(asked).toBe(200);
    expect(withClass(byId(page, 'round-1'), 'card')).toHaveLength(200);
    expect(readable(byId(page, 'round-1'))).toContain(
      'The first 200 of 260 molecules are drawn; the other 60 are in the table.',
    );
    expect(tableRows(page, 'Molecules of round 1 without a drawing')).toHaveLength(60);
  });

  it('shows a molecule that cannot be drawn by its SMILES', async () => {
    const sim = small({ rounds: 1 });
    const { page } = await pageOf(sim, { depict: async (smiles) => smiles.map(() => null) });
    const [card] = withClass(byId(page, 'round-1'), 'card');
    expect(readable(card!)).toContain('no drawing');
    expect(readable(card!)).toContain(sim.sheets[0]!.picks[0]!.smiles);
  });

  it('estimates hits from the first random batch where the truth is not known', async () => {
    const sim = small();
    const { page } = await pageOf(sim);
    const learning = readable(byId(page, 'learning'));
    const measured = sim.sheets[0]!.picks.filter(
      (pick) => sim.fates.get(pick.moleculeId) === 'measured',
    ).length;
    expect(learning).toContain(`An estimate from ${measured} random picks, ${Math.round(measured / 10)} hit`);
    expect(learning).not.toContain('of the top');
    const target = await pageOf(
      small({ config: { objective: { property: 'logS', direction: 'maximize', target: 99 } } }),
    );
    expect(readable(byId(target.page, 'learning'))).toMatch(
      /0 of \d+ labels are hits \(at least 99, the target\)/,
    );
  });

  it('gives the same page for the same record', async () => {
    expect((await pageOf(small())).html).toBe((await pageOf(small())).html);
  });

  it('refuses an artifact whose bytes are not those its hash names', async () => {
    const sim = small();
    const bad = sim.record.rounds[1]!.cut.training.sha256;
    const load: Simulation['load'] = async (ref) =>
      ref.sha256 === bad ? Buffer.from('[]\n') : sim.load(ref);
    await expect(renderReport({ record: sim.record, load, depict, generatedAt: AT })).rejects.toMatchObject({
      code: 'artifact-corrupt',
    });
    await expect(renderReport({ record: sim.record, load, depict, generatedAt: AT })).rejects.toBeInstanceOf(
      TitrateError,
    );
  });
});
