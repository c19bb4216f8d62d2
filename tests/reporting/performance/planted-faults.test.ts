import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describePerformance } from '../../../src/cli/performance/words';
import { homePaths } from '../../../src/platform/settings';
import { reportPerformance } from '../../../src/platform/performance';
import { readRoundWork } from '../../../src/tracking';
import { SmallInstallation } from './support/small-campaigns';

const PLANTED = ['batch-size', 'exploration-size', 'queue-slots'];
const CAMPAIGN = {
  featurizers: [{ kind: 'morgan' as const, radius: 2, bits: 512 }],
  rollout: { enabled: false },
  drift: { enabled: false },
};

describe('a campaign that is badly configured on purpose, and one that is not', () => {
  let installation: SmallInstallation;
  beforeAll(async () => {
    installation = await SmallInstallation.open(120);
  }, 120_000);
  afterAll(() => installation.close(), 60_000);

  test('the three planted faults come first, and the good one has none of them', async () => {
    const { config, ports } = installation;
    // One slot for learning; a large search among forests that are all alike; two molecules a turn of a slow lab.
    await installation.play(
      'bad',
      {
        ...config,
        ...CAMPAIGN,
        exploration: { families: ['random-forest'], trialsPerFamily: 12, folds: 8, maxRows: 5000 },
        acquisition: { initialSize: 40, batchSize: 2 },
        budget: { rounds: 4 },
      },
      { slots: 1, labMilliseconds: 1000 },
    );
    await installation.play(
      'good',
      {
        ...config,
        ...CAMPAIGN,
        exploration: { families: ['random-forest'] },
        acquisition: { initialSize: 32, batchSize: 16 },
        budget: { rounds: 2 },
      },
      { slots: os.availableParallelism(), labMilliseconds: 0 },
    );
    const bad = await reportPerformance(ports, 'bad');
    expect(
      bad.suggestions
        .slice(0, 3)
        .map(({ rule }) => rule)
        .sort(),
    ).toEqual(PLANTED);
    for (const { suggestion, figure, gain } of bad.suggestions) {
      expect(suggestion).not.toBe('');
      expect(figure).toMatch(/\d/);
      expect(gain.share).toBeGreaterThanOrEqual(0.05);
      expect(gain.share).toBeLessThanOrEqual(1);
    }
    expect(bad.roundsWithHistories).toBe(bad.recordedRounds);
    expect(bad.queues.find(({ queue }) => queue === 'gpu')!.mostAtOnce).toBe(1);
    expect(bad.labels).toMatchObject({
      picks: 46,
      labels: 46,
      intake: { received: 46, accepted: 46, duplicates: 0 },
    });

    const shown = describePerformance(bad);
    for (const { suggestion, figure } of bad.suggestions.slice(0, 3)) {
      expect(shown).toContain(suggestion);
      expect(shown).toContain(figure.slice(1).replaceAll('\u00a0', ' '));
    }

    const good = await reportPerformance(ports, 'good');
    expect(good.suggestions.filter(({ rule }) => PLANTED.includes(rule))).toEqual([]);

    // What was kept at the end of a round is what the server still says of it.
    const [kept] = (await ports.log.work('bad')).filter(({ round }) => round === 3);
    const asked = await readRoundWork(installation.env.client, {
      campaignId: 'bad',
      round: 3,
      intake: false,
    });
    const trials = ({ activities }: { activities: readonly { activity: string }[] }) =>
      activities.find(({ activity }) => activity === 'runTrial');
    expect(trials(kept!)).toEqual(trials(asked!));

    const page = readFileSync(path.join(homePaths(ports.settings).reports, 'bad.html'), 'utf8');
    expect(page).toContain('Where time, money and labels went');
    expect(page).toContain(bad.suggestions[0]!.suggestion);
  }, 180_000);
});
