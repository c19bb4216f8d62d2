import type { FeaturizerSpec } from '../../src/contracts';
import { createVizierTuning, ensembleSpace, ensembleTrial, type TuningStudy } from '../../src/training';
import { startVizierServer, type VizierServer } from './support/vizier-server';

const FEATURIZERS: FeaturizerSpec[] = [
  { kind: 'morgan', radius: 2, bits: 2048, counts: 'none' },
  { kind: 'morgan', radius: 3, bits: 4096, counts: 'none' },
];
const FIXED = { members: 5, epochs: 30, batchSize: 32 };

/** The server is made from published protos: it checks transport and message shape, and suggests at random. */
describe('studies of Vizier, against a server made from the published protos', () => {
  let server: VizierServer;
  const opened: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    server = await startVizierServer('a-project', 'us-central1');
  });
  afterAll(async () => {
    for (const tuning of opened) await tuning.close();
    await server.stop();
  });
  beforeEach(() => {
    server.studies.length = 0;
    server.trials.length = 0;
    server.faults.length = 0;
    for (const name of Object.keys(server.calls)) delete server.calls[name];
  });

  /** As another process would: with a client of its own. */
  async function study(name = 'round-3'): Promise<TuningStudy> {
    const place = { projectId: 'a-project', region: 'us-central1', endpoint: server.endpoint };
    const tuning = createVizierTuning(place);
    opened.push(tuning);
    return tuning.study(name, ensembleSpace(FEATURIZERS));
  }

  test('a study is made of the space, and its suggestions are trials in that space', async () => {
    const suggestions = await (await study()).suggest('rung-0', 20);
    expect(server.studies).toHaveLength(1);
    expect(server.studies[0]).toMatchObject({
      displayName: expect.stringMatching(/^round-3-[0-9a-f]{12}$/),
      studySpec: {
        metrics: [{ metricId: 'relative_rmse', goal: 'MINIMIZE' }],
        medianAutomatedStoppingSpec: { useElapsedDuration: false },
        parameters: expect.arrayContaining([
          expect.objectContaining({
            parameterId: 'learning_rate',
            scaleType: 'UNIT_LOG_SCALE',
            doubleValueSpec: expect.objectContaining({ minValue: 0.001, maxValue: 0.003 }),
          }),
        ]),
      },
    });
    const trials = suggestions.map((suggestion) => ensembleTrial(suggestion, FEATURIZERS, FIXED));
    expect(new Set(trials.map(({ trialId }) => trialId)).size).toBe(20);
    for (const { settings, featurizer } of trials) {
      expect(FEATURIZERS).toContain(featurizer);
      if (settings.family !== 'mlp-ensemble') throw new Error('another family');
      expect(settings).toMatchObject(FIXED);
      expect(settings.hidden.every((width) => [64, 128, 256].includes(width))).toBe(true);
      expect(settings.dropout).toBeLessThanOrEqual(0.2);
      expect(settings.learningRate).toBeGreaterThanOrEqual(0.001);
    }
    const [first] = suggestions;
    const foreign = { ...first!, settings: { ...first!.settings, hidden: '7' } };
    expect(() => ensembleTrial(foreign, FEATURIZERS, FIXED)).toThrow(/'hidden' is "7"/);
  });

  test.each([
    ['the answer is lost', { code: 'UNAVAILABLE', message: 'reset', lost: true }],
    ['the service is away for a moment', { code: 'UNAVAILABLE', message: 'away' }],
    ['somebody else is first', { code: 'ALREADY_EXISTS', message: 'there', lost: true }],
    ['a quota is used up for a moment', { code: 'RESOURCE_EXHAUSTED', message: 'quota' }],
  ] as const)('one study is made when %s', async (_, fault) => {
    server.faults.push({ method: 'CreateStudy', ...fault });
    await study();
    expect(server.studies).toHaveLength(1);
  });

  test('four processes at the same moment have one study and one set of trials', async () => {
    const asked = await Promise.all([1, 2, 3, 4].map(async () => (await study()).suggest('rung-0', 3)));
    expect(server.studies).toHaveLength(1);
    expect(server.trials).toHaveLength(3);
    for (const suggestions of asked) expect(suggestions).toEqual(asked[0]);
  });

  test('the same question gets the same trials: after a lost answer, and after they have been judged', async () => {
    server.faults.push({ method: 'SuggestTrials', code: 'DEADLINE_EXCEEDED', message: 'late', lost: true });
    const first = await (await study()).suggest('rung-0', 3);
    expect(first).toHaveLength(3);
    for (const { id } of first) await (await study()).complete(id, { value: Number(id) });
    expect(await (await study()).suggest('rung-0', 3)).toEqual(first);
    expect(server.trials).toHaveLength(3);
    const next = await (await study()).suggest('rung-1', 1);
    expect(first.map(({ id }) => id)).not.toContain(next[0]!.id);
  });

  test('a trial is reported step by step, once each, and ends once', async () => {
    const tuning = await study();
    const [one, two] = await tuning.suggest('rung-0', 2);
    for (const method of ['AddTrialMeasurement', 'CompleteTrial'])
      server.faults.push({ method, code: 'UNAVAILABLE', message: 'reset', lost: true });
    await tuning.report(one!.id, 1, 0.9);
    await tuning.report(one!.id, 2, 0.8);
    await (await study()).report(one!.id, 2, 0.8);
    await tuning.complete(one!.id, { value: 0.7 });
    await (await study()).complete(one!.id, { value: 123 });
    await tuning.complete(two!.id, { infeasible: 'too few labels' });
    expect(server.trials[0]).toMatchObject({
      state: 'SUCCEEDED',
      measurements: [{ stepCount: 1 }, { stepCount: 2 }],
      finalMeasurement: { metrics: [{ metricId: 'relative_rmse', value: 0.7 }] },
    });
    expect(server.trials[1]).toMatchObject({ state: 'INFEASIBLE', infeasibleReason: 'too few labels' });
    expect(await tuning.optimal()).toEqual([{ ...one, value: 0.7 }]);
  });

  test('a hopeless trial is told to stop', async () => {
    const tuning = await study();
    const [good, bad] = await tuning.suggest('rung-0', 2);
    server.hopeless.clear();
    server.hopeless.add(bad!.id);
    expect(await tuning.shouldStop(good!.id)).toBe(false);
    expect(await tuning.shouldStop(bad!.id)).toBe(true);
    expect(await tuning.shouldStop(bad!.id)).toBe(true);
    expect(server.trials.map(({ state }) => state)).toEqual(['ACTIVE', 'STOPPING']);
    expect(server.calls.StopTrial).toBe(1);
  });

  test('a refusal says what to do', async () => {
    server.faults.push({ method: 'LookupStudy', code: 'PERMISSION_DENIED', message: 'no' });
    await expect(study()).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/roles\/aiplatform\.user/),
    });
  });
});
