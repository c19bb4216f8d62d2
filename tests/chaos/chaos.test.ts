import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { killRuns, playCampaign, PROCESSES, STAGES, writePool, type ChaosOutcome } from './chaos';

/**
 * kill -9 of every process at every stage, on two-round campaigns of 100 molecules. One run here, in which every stage loses
 * one process; TITRATE_CHAOS=all (npm run chaos) plays all seven, which makes every process × every stage.
 */
const runs =
  process.env.TITRATE_CHAOS === 'all' ? killRuns() : [killRuns()[Number(process.env.TITRATE_CHAOS ?? 0)]!];

describe('a campaign whose processes are killed', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-chaos-'));
  let undisturbed: ChaosOutcome;

  const play = async (name: string, kills: ReturnType<typeof killRuns>[number]) => {
    const at = path.join(directory, name);
    mkdirSync(at, { recursive: true });
    return playCampaign(at, writePool(at, 100), kills);
  };

  beforeAll(async () => {
    undisturbed = await play('undisturbed', []);
  }, 300_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('undisturbed, it measures two batches and trains on the first', () => {
    expect(undisturbed).toMatchObject({ labelled: 32, restarts: 0, kills: [] });
    expect(undisturbed.batches.map((batch) => batch.picks.length)).toEqual([16, 16]);
    expect(undisturbed.batches[1]!.modelSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('all runs together kill every process at every stage', () => {
    const pairs = new Set(
      killRuns()
        .flat()
        .map(({ process, stage }) => `${process} × ${stage}`),
    );
    expect(pairs.size).toBe(PROCESSES.length * Object.keys(STAGES).length);
  });

  test.each(runs.map((kills, run) => [run, kills] as const))(
    'run %i: goes on after each kill and chooses the same batches',
    async (run, kills) => {
      const outcome = await play(`run-${run}`, kills);
      expect(outcome.kills).toHaveLength(kills.length);
      expect(outcome.restarts).toBeGreaterThan(0);
      expect(outcome.batches).toEqual(undisturbed.batches);
      expect(outcome.labelled).toBe(32);
    },
    900_000,
  );

  test('everything killed at once, in the middle of training, chooses the same batches', async () => {
    // The gpu worker strikes, so it comes last.
    const victims = [...PROCESSES.filter((name) => name !== 'gpu'), 'gpu' as const];
    const outcome = await play(
      'power-cut',
      victims.map((process) => ({ stage: 'training', process })),
    );
    expect(outcome.kills).toHaveLength(PROCESSES.length);
    expect(outcome.batches).toEqual(undisturbed.batches);
  }, 300_000);
});
