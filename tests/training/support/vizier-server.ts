import { protos } from '@google-cloud/aiplatform';
import { createRandom } from '../../../src/foundation';
import { operations, pageOf, Refusal, startVertexServer, type VertexServer } from './vertex-server';

const { SuggestTrialsResponse, CheckTrialEarlyStoppingStateResponse } = protos.google.cloud.aiplatform.v1;

interface ServerStudy {
  readonly name: string;
  readonly displayName: string;
  readonly studySpec: {
    readonly metrics: { metricId: string; goal: string }[];
    readonly parameters: {
      parameterId: string;
      scaleType: string;
      doubleValueSpec?: { minValue: number; maxValue: number };
      integerValueSpec?: { minValue: number; maxValue: number };
      categoricalValueSpec?: { values: string[] };
    }[];
  };
}
interface Measurement {
  stepCount: number;
  metrics: { metricId: string; value: number }[];
}
export interface ServerTrial {
  readonly name: string;
  readonly id: string;
  readonly clientId: string;
  readonly parameters: { parameterId: string; value: { numberValue?: number; stringValue?: string } }[];
  readonly measurements: Measurement[];
  state: string;
  finalMeasurement?: Measurement;
  infeasibleReason?: string;
}

export interface VizierServer extends VertexServer {
  readonly studies: ServerStudy[];
  readonly trials: ServerTrial[];
  /** Trials that should stop. */
  readonly hopeless: Set<string>;
}

const ended = ({ state }: ServerTrial) => state === 'SUCCEEDED' || state === 'INFEASIBLE';

/** Studies and trials as the protos describe them: one study of a display name; the same pending trials to the same client. */
export async function startVizierServer(project: string, region: string): Promise<VizierServer> {
  const studies: ServerStudy[] = [];
  const trials: ServerTrial[] = [];
  const hopeless = new Set<string>();
  const running = operations();
  const random = createRandom(11);
  const studyOf = (name: string) => {
    const study = studies.find((each) => each.name === name);
    if (!study) throw new Refusal('NOT_FOUND', `${name} is not there`);
    return study;
  };
  const trialOf = (name: string) => {
    const trial = trials.find((each) => each.name === name);
    if (!trial) throw new Refusal('NOT_FOUND', `${name} is not there`);
    return trial;
  };
  const draw = ({ studySpec }: ServerStudy) =>
    studySpec.parameters.map(({ parameterId, doubleValueSpec, integerValueSpec, categoricalValueSpec }) => {
      const range = doubleValueSpec ?? integerValueSpec;
      if (!range)
        return {
          parameterId,
          value: {
            stringValue: categoricalValueSpec!.values[random.below(categoricalValueSpec!.values.length)],
          },
        };
      const value = range.minValue + random.next() * (range.maxValue - range.minValue);
      return { parameterId, value: { numberValue: integerValueSpec ? Math.round(value) : value } };
    });
  const final = (trial: ServerTrial, metric: string) =>
    trial.finalMeasurement!.metrics.find(({ metricId }) => metricId === metric)!.value;

  const methods = {
    LookupStudy({ displayName }: { displayName: string }) {
      const study = studies.find((each) => each.displayName === displayName);
      if (!study) throw new Refusal('NOT_FOUND', `no study ${displayName}`);
      return study;
    },
    CreateStudy({ parent, study }: { parent: string; study: ServerStudy }) {
      if (studies.some(({ displayName }) => displayName === study.displayName))
        throw new Refusal('ALREADY_EXISTS', `study ${study.displayName}`);
      if (!study.displayName || study.studySpec.metrics.length === 0)
        throw new Refusal('INVALID_ARGUMENT', 'a display name and metrics are required');
      const created = { ...study, name: `${parent}/studies/${studies.length + 1}` };
      studies.push(created);
      return created;
    },
    SuggestTrials(request: { parent: string; suggestionCount: number; clientId: string }) {
      const { parent, suggestionCount, clientId } = request;
      const study = studyOf(parent);
      const asked = trials.filter(
        (each) => each.name.startsWith(`${parent}/`) && each.clientId === clientId && !ended(each),
      );
      while (asked.length < suggestionCount) {
        const id = String(trials.length + 1);
        const trial = {
          name: `${parent}/trials/${id}`,
          id,
          clientId,
          parameters: draw(study),
          measurements: [],
        };
        trials.push({ ...trial, state: 'ACTIVE' });
        asked.push(trials.at(-1)!);
      }
      const response = {
        trials: asked.map(({ name, id, parameters }) => ({ name, id, parameters, clientId })),
      };
      const bytes = SuggestTrialsResponse.encode(SuggestTrialsResponse.fromObject(response)).finish();
      return running.start(parent, 'SuggestTrialsResponse', bytes);
    },
    ListTrials({ parent, pageToken }: { parent: string; pageToken: string }) {
      const { items, nextPageToken } = pageOf(
        trials.filter(({ name }) => name.startsWith(`${parent}/`)),
        pageToken,
      );
      return { trials: items, nextPageToken };
    },
    GetTrial: ({ name }: { name: string }) => trialOf(name),
    AddTrialMeasurement({ trialName, measurement }: { trialName: string; measurement: Measurement }) {
      const trial = trialOf(trialName);
      if (ended(trial)) throw new Refusal('FAILED_PRECONDITION', 'the trial has ended');
      trial.measurements.push(measurement);
      return trial;
    },
    CheckTrialEarlyStoppingState({ trialName }: { trialName: string }) {
      const shouldStop = hopeless.has(trialOf(trialName).id);
      const bytes = CheckTrialEarlyStoppingStateResponse.encode({ shouldStop }).finish();
      return running.start(trialName, 'CheckTrialEarlyStoppingStateResponse', bytes);
    },
    StopTrial({ name }: { name: string }) {
      const trial = trialOf(name);
      trial.state = 'STOPPING';
      return trial;
    },
    CompleteTrial(request: {
      name: string;
      finalMeasurement?: Measurement;
      trialInfeasible: boolean;
      infeasibleReason: string;
    }) {
      const trial = trialOf(request.name);
      if (ended(trial)) throw new Refusal('FAILED_PRECONDITION', 'the trial has ended');
      trial.state = request.trialInfeasible ? 'INFEASIBLE' : 'SUCCEEDED';
      if (request.finalMeasurement) trial.finalMeasurement = request.finalMeasurement;
      trial.infeasibleReason = request.infeasibleReason;
      return trial;
    },
    ListOptimalTrials({ parent }: { parent: string }) {
      const { metricId, goal } = studyOf(parent).studySpec.metrics[0]!;
      const sign = goal === 'MINIMIZE' ? 1 : -1;
      const complete = trials.filter(({ state }) => state === 'SUCCEEDED');
      const best = Math.min(...complete.map((trial) => sign * final(trial, metricId)));
      return { optimalTrials: complete.filter((trial) => sign * final(trial, metricId) === best) };
    },
  };
  const plain = await startVertexServer(project, region, {
    'google/cloud/aiplatform/v1/vizier_service#google.cloud.aiplatform.v1.VizierService': methods,
    ...running.services,
  });
  return Object.assign(plain, { studies, trials, hopeless });
}
