import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  roundSpanId,
  roundTraceId,
  TASK_QUEUES,
  type CampaignHistory,
  type CampaignOutcome,
  type CampaignStatus,
  type CurrentBatch,
} from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { readTrace, type StoredSpan } from '../../src/observability/tracing/read-spans';
import { findTemporalCli, startLocalStack, type LocalStack } from '../../src/platform/local-stack';
import { homePaths, loadSettings } from '../../src/platform/settings';
import { writePool } from '../chaos/chaos';
import { eventually } from '../support/eventually';

const run = promisify(execFile);

/** The whole stack, driven by nothing but Temporal's own command line. */
describe('the temporal CLI alone', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-e2e-'));
  let stack: LocalStack;

  beforeAll(async () => {
    mkdirSync(directory, { recursive: true });
    const settings = loadSettings(
      {
        home: path.join(directory, '.titrate'),
        workingDirectory: directory,
        threads: { chemistry: 1, learning: 1 },
      },
      {},
    );
    stack = await startLocalStack({ settings, ports: 'free' });
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  async function temporal(...args: string[]): Promise<string> {
    const { stdout } = await run(findTemporalCli().path, [...args, '--address', stack.address], {
      maxBuffer: 1 << 26,
    });
    return stdout;
  }
  const file = (name: string, content: unknown) => {
    const at = path.join(directory, name);
    writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
    return at;
  };
  const start = (id: string, config: unknown) =>
    temporal(
      'workflow',
      'start',
      '--type',
      'activeLearningCampaign',
      '--task-queue',
      'orchestration',
      '--workflow-id',
      id,
      '--input-file',
      file(`${id}.json`, config),
    );
  async function query<T>(id: string, type: string): Promise<T> {
    const answer = JSON.parse(
      await temporal('workflow', 'query', '--workflow-id', id, '--type', type, '--output', 'json'),
    ) as { queryResult: T[] };
    return answer.queryResult[0]!;
  }
  const until = <T>(probe: () => Promise<T>, enough: (value: T) => boolean) =>
    eventually(probe, enough, { seconds: 120, every: 300 });

  /** How a workflow ended, as `temporal workflow result` tells it: it exits 1 for one that failed, having said why. */
  async function outcomeOf(id: string) {
    const shown = await temporal('workflow', 'result', '--workflow-id', id, '--output', 'json').catch(
      (e: { stdout: string }) => e.stdout,
    );
    return JSON.parse(shown) as {
      status: string;
      result?: CampaignOutcome;
      closeEvent?: {
        workflowExecutionFailedEventAttributes?: { failure: { message: string; stackTrace?: string } };
      };
    };
  }

  test('drives a campaign from start to end: start, query currentBatch, signal labResults', async () => {
    const config = writePool(directory, 60);
    const acquisition = { ...config.acquisition, strategy: 'ei' };
    await start('cli-1', { ...config, acquisition, budget: { rounds: 2 } });
    for (let round = 1; round <= 2; round++) {
      const batch = await until(
        () => query<CurrentBatch>('cli-1', 'currentBatch'),
        (b) => b.batchId === `cli-1/batch/${round}`,
      );
      expect(batch.sheet!.seal).toMatch(/^[0-9a-f]{64}$/);
      expect(batch.sheet!.picks[0]).toMatchObject({ rank: 1, strategy: round === 1 ? 'random' : 'ei' });
      const results = batch.sheet!.picks.map((pick) => ({
        resultId: `r${round}-${pick.rank}`,
        moleculeId: pick.moleculeId,
        value: -pick.smiles.length,
      }));
      const input = file(`results-${round}.json`, { results });
      await temporal(
        'workflow',
        'signal',
        '--workflow-id',
        'cli-1',
        '--name',
        'labResults',
        '--input-file',
        input,
      );
    }
    const outcome = await outcomeOf('cli-1');
    expect(outcome).toMatchObject({
      status: 'COMPLETED',
      result: { stopReason: 'budget', rounds: 2, labelled: 32 },
    });
    const listed = await temporal(
      'workflow',
      'list',
      '--query',
      `CampaignStage='finished' AND CampaignRound=3`,
    );
    expect(listed).toContain('cli-1');
    // The model of the last round serves predictions over HTTP.
    const answer = await fetch(`${stack.inferenceUrl}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'cli-1', smiles: ['CCO', 'not a molecule'] }),
    });
    const predicted = (await answer.json()) as {
      version: string;
      predictions: { value?: number; standardDeviation?: number; error?: unknown }[];
    };
    expect(predicted.version).toBe('v2');
    expect(predicted.predictions[0]!.standardDeviation).toBeGreaterThan(0);
    expect(predicted.predictions[1]!.error).toBeDefined();
    expect(readFileSync(path.join(directory, '.titrate/reports/cli-1.html'), 'utf8')).toContain('<svg');
  }, 240_000);

  test('one trace shows the round that was just played, over all workers and the inference server', async () => {
    const directory = homePaths(stack.settings).traces;
    const traceId = roundTraceId('cli-1', 2);
    // Each process writes on its own seconds after a span has ended, and what goes on beside the round ends later.
    const isWhole = (all: readonly StoredSpan[]) =>
      ['round', 'lab', 'rollout'].every((wanted) => all.some(({ name }) => name === wanted)) &&
      all.some(({ kind }) => kind === 'server') &&
      all.every(({ parentSpanId }) => !parentSpanId || all.some(({ spanId }) => spanId === parentSpanId));
    const spans = await until(() => readTrace(directory, traceId), isWhole);
    const workers = new Map(
      spans
        .filter(({ kind }) => kind !== 'server')
        .map((span) => [span.attributes['temporal.task_queue'], span.process]),
    );
    expect([...workers.keys()].sort()).toEqual([...TASK_QUEUES].sort());
    expect(new Set(workers.values()).size).toBe(TASK_QUEUES.length);
    const served = spans.filter(({ service }) => service === 'titrate-inference');
    expect(served.length).toBeGreaterThan(0);
    expect(new Set([...workers.values(), served[0]!.process]).size).toBe(TASK_QUEUES.length + 1);

    // Nobody's parent is missing, and what is waited for lies within what waits.
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const clock = 5;
    for (const span of spans) {
      if (span.name === 'round') {
        expect(span.parentSpanId).toBeNull();
        expect(span.links).toEqual([
          { traceId: roundTraceId('cli-1', 1), spanId: roundSpanId('cli-1', 1, 'round') },
        ]);
        continue;
      }
      const parent = byId.get(span.parentSpanId!);
      expect({ name: span.name, parent: parent?.name }).toEqual({
        name: span.name,
        parent: expect.any(String),
      });
      expect(span.startMs).toBeGreaterThanOrEqual(parent!.startMs - clock);
      if (!span.attributes['titrate.beside']) expect(span.endMs).toBeLessThanOrEqual(parent!.endMs + clock);
    }
    const trained = spans.find(({ name }) => name === 'trainModel')!;
    expect(trained.attributes).toMatchObject({
      'titrate.campaign': 'cli-1',
      'titrate.round': 2,
      'titrate.stage': 'training',
      'temporal.attempt': 1,
      'temporal.task_queue': 'gpu',
    });

    const { stdout } = await run(process.execPath, [
      compiledEntry('src/cli/main'),
      ...['trace', 'cli-1', '--round', '2', '--home', stack.settings.home],
    ]);
    expect(stdout).toMatch(/cli-1, round 2: .* to the batch/);
    expect(stdout).toMatch(/^\* {5}training .*orchestration/m);
    expect(stdout).toMatch(/^ {10,}GET \/v2\/models\/:name\/.*ready \(\d+\) .* inference /m);
  }, 130_000);

  test('rolls the data of a running campaign back and forward again: the next rounds learn from just that', async () => {
    await start('rolled', { ...writePool(directory, 60), budget: { rounds: 4 } });
    const picks: number[] = [];
    const playRound = async (round: number) => {
      const { sheet } = await until(
        () => query<CurrentBatch>('rolled', 'currentBatch'),
        (b) => b.batchId === `rolled/batch/${round}`,
      );
      picks.push(sheet!.picks.length);
      return sheet!;
    };
    const answer = async (sheet: NonNullable<CurrentBatch['sheet']>) => {
      const results = sheet.picks.map((pick) => ({
        resultId: `${sheet.batchId}-${pick.rank}`,
        moleculeId: pick.moleculeId,
        value: -pick.smiles.length,
      }));
      const input = file('rolled-results.json', { results });
      const target = ['--workflow-id', 'rolled', '--name', 'labResults'];
      await temporal('workflow', 'signal', ...target, '--input-file', input);
    };
    const moveTo = async (to: string, reason: string) => {
      const target = ['--workflow-id', 'rolled', '--name', 'rollbackData', '--output', 'json'];
      const input = file('move.json', { to, by: 'ada', reason });
      await temporal('workflow', 'update', 'execute', ...target, '--input-file', input);
    };

    await answer(await playRound(1));
    const second = await playRound(2);
    await answer(second);
    const third = await playRound(3);
    await moveTo('round/2', 'the plate of batch 2 was mislabelled');
    await answer(third);
    const fourth = await playRound(4);
    await moveTo('latest', 'it was not');
    await answer(fourth);
    expect(await outcomeOf('rolled')).toMatchObject({
      status: 'COMPLETED',
      result: { rounds: 4 },
    });
    const { rounds, events } = await query<CampaignHistory>('rolled', 'history');
    const [one, two, three] = picks as [number, number, number];
    // Round 4 knew what round 2 had known, and what came after the rollback; the closing round knew everything.
    expect(rounds.slice(0, 4).map(({ labels }) => labels)).toEqual([0, one, one + two, one + three]);
    const again = fourth.picks.filter(({ moleculeId }) =>
      second.picks.some((pick) => pick.moleculeId === moleculeId),
    );
    expect(rounds[4]!.labels).toBe(one + two + three + fourth.picks.length - again.length);
    expect(rounds[3]!.modelVersion).toBe('rolled/v3');
    const moves = events.filter(({ kind }) => kind === 'data-moved');
    expect(moves.map(({ message }) => message)).toEqual([
      expect.stringMatching(/moved to round\/2 by ada: the plate of batch 2 was mislabelled \(branch 1/),
      expect.stringMatching(/moved to latest by ada: it was not \(branch 2/),
    ]);
    expect(moves[0]!.at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  }, 240_000);

  test.each([
    ['an unknown key', { objectve: { property: 'x' } }, /unknown key 'objectve'; did you mean 'objective'\?/],
    [
      'a missing file',
      { pool: { sources: [{ uri: 'nowhere.csv' }] } },
      /nowhere\.csv: there is no such file/,
    ],
    [
      'a column that is not there',
      { pool: { sources: [{ uri: 'pool.csv', smilesColumn: 'structure' }] } },
      /structure/,
    ],
    ['an empty pool', { pool: { sources: [{ uri: 'hopeless.csv' }] } }, /no molecule|empty|quarantine/i],
  ])(
    '%s ends a campaign with the place and the remedy, and no stack trace',
    async (name, change, message) => {
      const config = writePool(directory, 20);
      file('hopeless.csv', 'smiles\nnot-a-molecule\nC1CC\n');
      const id = `bad-${name.replace(/ /g, '-')}`;
      await start(id, { ...config, ...change });
      const { closeEvent } = await outcomeOf(id);
      const { failure } = closeEvent!.workflowExecutionFailedEventAttributes!;
      expect(failure.message).toMatch(message);
      expect(failure.message).not.toMatch(/\n\s+at /);
    },
    60_000,
  );

  test('rows that cannot be used go to quarantine with their line, and the good ones are all kept', async () => {
    const { pool: _pool, ...config } = writePool(directory, 40);
    const alcohols = Array.from({ length: 40 }, (_, n) => `${'C'.repeat(n + 1)}O`);
    const bad = ['C1CC', 'C'.repeat(700), '[NaCl'];
    file('mixed.csv', ['smiles', ...alcohols.slice(0, 20), ...bad, ...alcohols.slice(20)].join('\n'));
    await start('mixed', { ...config, pool: { sources: [{ uri: 'mixed.csv' }] } });
    await until(
      () => query<CampaignStatus>('mixed', 'status'),
      (s) => s.stage === 'awaiting-results',
    );
    const { events } = await query<CampaignHistory>('mixed', 'history');
    const told = events.map((event) => event.message).join('\n');
    expect(told).toMatch(/40 molecules from 40 rows; 3 rows in quarantine/);
    for (const line of [22, 23, 24]) expect(told).toContain(`line ${line}`);
    const posted = [
      { resultId: 'x1', smiles: 'CCO', value: '1e999' },
      { resultId: 'x2', smiles: 'C1CC', value: 1 },
      { resultId: 'x3', value: 1 },
    ];
    // 1e999 is a number to JSON and infinite to everybody else.
    const input = file(
      'bad-results.json',
      JSON.stringify({ results: [...posted, { resultId: 'ok', smiles: 'CCO', value: 1 }] }).replace(
        '"1e999"',
        '1e999',
      ),
    );
    await temporal(
      'workflow',
      'signal',
      '--workflow-id',
      'mixed',
      '--name',
      'labResults',
      '--input-file',
      input,
    );
    const { intake } = await until(
      () => query<CampaignStatus>('mixed', 'status'),
      (s) => s.intake.received === 4,
    );
    expect(intake).toMatchObject({ accepted: 1, rejected: 3 });
    await temporal('workflow', 'terminate', '--workflow-id', 'mixed');
  }, 120_000);
});
