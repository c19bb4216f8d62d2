import { createVizierTuning, type SearchSpace, type TuningService } from '../../src/training';
import { startVizierServer, type ServerTrial, type VizierServer } from './support/vizier-server';

const SPACE: SearchSpace = {
  parameters: [{ name: 'learning_rate', kind: 'real', low: 0.001, high: 0.1, scale: 'log' }],
  metric: { name: 'rmse', goal: 'minimise' },
};

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('a study whatever goes wrong, against a server made from the published protos', () => {
  let server: VizierServer;
  let [here, there]: TuningService[] = [];
  beforeAll(async () => {
    server = await startVizierServer('a-project', 'us-central1');
    const place = { projectId: 'a-project', region: 'us-central1', endpoint: server.endpoint };
    // Two, as two processes have.
    [here, there] = [createVizierTuning(place), createVizierTuning(place)];
  });
  afterAll(async () => {
    await Promise.all([here!.close(), there!.close()]);
    await server.stop();
  });

  /** Uses every method of a study, with two trials that end well, one that is stopped and one that has no value. */
  async function story(): Promise<unknown> {
    server.hopeless.clear();
    const first = await here!.study('round-3', SPACE);
    const suggested = await first.suggest('rung-0', 4);
    const [one, two, bad, none] = suggested as [(typeof suggested)[0], ...typeof suggested];
    server.hopeless.add(bad!.id);
    for (const [step, value] of [
      [1, 0.9],
      [2, 0.8],
    ] as const)
      await first.report(one.id, step, value);
    const stopped = [await first.shouldStop(one.id), await first.shouldStop(bad!.id)];
    await first.complete(one.id, { value: 0.7 });
    const second = await there!.study('round-3', SPACE);
    await second.complete(two!.id, { value: 0.6 });
    await second.complete(bad!.id, { value: 2 });
    await second.complete(none!.id, { infeasible: 'too few labels' });
    const again = await second.suggest('rung-0', 4);
    expect(again).toEqual(suggested);
    const best = await second.optimal();
    return { best: best.map(({ id, value }) => [id, value]), stopped };
  }
  const outline = ({
    id,
    state,
    measurements,
    finalMeasurement,
    infeasibleReason,
    clientId,
  }: ServerTrial) => ({
    ...{ id, state, clientId, infeasibleReason },
    steps: measurements.map(({ stepCount, metrics }) => [stepCount, metrics[0]!.value]),
    final: finalMeasurement?.metrics[0]!.value,
  });
  async function told() {
    server.studies.length = 0;
    server.trials.length = 0;
    for (const name of Object.keys(server.calls)) delete server.calls[name];
    const answers = await story();
    return { answers, studies: server.studies.length, trials: server.trials.map(outline) };
  }

  const METHODS = [
    ...['LookupStudy', 'CreateStudy', 'ListTrials', 'SuggestTrials', 'GetOperation', 'GetTrial'],
    ...[
      'AddTrialMeasurement',
      'CheckTrialEarlyStoppingState',
      'StopTrial',
      'CompleteTrial',
      'ListOptimalTrials',
    ],
  ];
  test('the story asks for everything a study can do, and ends as it should', async () => {
    const right = await told();
    expect(right).toMatchObject({ studies: 1, answers: { best: [['2', 0.6]], stopped: [false, true] } });
    expect(right.trials.map(({ state }) => state)).toEqual([
      ...['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'INFEASIBLE'],
    ]);
    expect(Object.keys(server.calls).sort()).toEqual([...METHODS].sort());
  });

  test.each(METHODS)(
    '%s failing, carried out or not, leaves the same study and the same trials',
    async (method) => {
      const right = await told();
      for (const [code, lost] of [
        ['UNAVAILABLE', true],
        ['UNAVAILABLE', false],
        ['DEADLINE_EXCEEDED', true],
        ['INTERNAL', true],
        ['RESOURCE_EXHAUSTED', false],
      ] as const) {
        server.faults.push({ method, code, message: 'fault', lost });
        expect({ code, lost, ...(await told()) }).toEqual({ code, lost, ...right });
        expect(server.faults).toEqual([]);
      }
    },
  );

  test.each([true, false])('ALREADY_EXISTS on making the study (made: %s) leaves one', async (lost) => {
    const right = await told();
    server.faults.push({ method: 'CreateStudy', code: 'ALREADY_EXISTS', message: 'there', lost });
    expect(await told()).toEqual(right);
  });
});
