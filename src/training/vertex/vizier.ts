import type { protos } from '@google-cloud/aiplatform';
import { canonicalJson, TitrateError } from '../../contracts';
import { grpcStatus, sha256 } from '../../foundation';
import type {
  JudgedSuggestion,
  SearchParameter,
  SearchSpace,
  SuggestedSettings,
  Suggestion,
  TuningService,
  TuningStudy,
} from '../tuning/tuning';
import { BY_PAGES, vertexConnection, type VertexConnection, type VertexPlace } from './service';

type V1Study = protos.google.cloud.aiplatform.v1.IStudy;
type V1Trial = protos.google.cloud.aiplatform.v1.ITrial;
type ParameterSpec = protos.google.cloud.aiplatform.v1.StudySpec.IParameterSpec;

async function loadClient(clientOptions: VertexConnection['clientOptions']) {
  const { v1, protos } = await import('@google-cloud/aiplatform');
  return {
    vizier: new v1.VizierServiceClient({ ...clientOptions }),
    states: protos.google.cloud.aiplatform.v1.Trial.State,
  };
}
type Client = Awaited<ReturnType<typeof loadClient>>;

/** Of the space's hash in a study's name: another space is another study. */
const SPACE_DIGITS = 12;

/**
 * Studies of Vertex AI's Vizier. A study is found by its display name, of which a region has one: who is second to create it is answered
 * ALREADY_EXISTS. Trials are asked for under a client's name made of the question, which Vizier answers with the same trials as long as
 * they are pending; those that were judged meanwhile are found by that name.
 */
export function createVizierTuning(place: VertexPlace): TuningService {
  const connection = vertexConnection(place);
  const { parent, where, read } = connection;
  let loading: ReturnType<typeof loadClient> | undefined;
  const client = () => (loading ??= loadClient(connection.clientOptions));

  async function findOrCreate(displayName: string, space: SearchSpace): Promise<string> {
    const { vizier } = await client();
    const lookUp = async (): Promise<V1Study | null> => {
      try {
        return (await vizier.lookupStudy({ parent, displayName }))[0];
      } catch (error) {
        if (grpcStatus(error) === 'notFound') return null;
        throw error;
      }
    };
    return read('finding or creating the study', `${where}, study '${displayName}'`, async () => {
      let study = await lookUp();
      if (!study) {
        try {
          [study] = await vizier.createStudy({ parent, study: { displayName, studySpec: specOf(space) } });
        } catch (error) {
          if (grpcStatus(error) !== 'alreadyExists') throw error;
          study = await lookUp();
        }
      }
      if (study?.name) return study.name;
      throw new TitrateError('unavailable', { what: 'the study exists and cannot be found', where });
    });
  }

  return {
    async study(name, space) {
      const displayName = `${name}-${sha256(canonicalJson(space)).slice(0, SPACE_DIGITS)}`;
      const study = await findOrCreate(displayName, space);
      return new VizierStudy(await client(), connection, study, space.metric.name);
    },
    async close() {
      if (loading) await (await loading).vizier.close();
    },
  };
}

class VizierStudy implements TuningStudy {
  constructor(
    private readonly client: Client,
    private readonly connection: VertexConnection,
    private readonly study: string,
    private readonly metric: string,
  ) {}

  suggest(question: string, count: number): Promise<Suggestion[]> {
    const { vizier } = this.client;
    return this.read('asking for trials', async () => {
      const asked: V1Trial[] = [];
      for await (const trial of vizier.listTrialsAsync({ parent: this.study }, BY_PAGES))
        if (trial.clientId === question) asked.push(trial);
      if (asked.length < count) {
        const request = { parent: this.study, suggestionCount: count, clientId: question };
        const [operation] = await vizier.suggestTrials(request);
        const [{ trials }] = await operation.promise();
        const known = new Set(asked.map(({ id }) => id));
        asked.push(...(trials ?? []).filter(({ id }) => !known.has(id)));
      }
      return asked
        .sort((a, b) => Number(a.id) - Number(b.id))
        .slice(0, count)
        .map(suggestionOf);
    });
  }

  report(id: string, step: number, value: number): Promise<void> {
    return this.read('reporting a trial', async () => {
      const trial = await this.trial(id);
      // A trial that has ended takes no more; a step that was reported stands.
      if (this.hasEnded(trial) || trial.measurements?.some(({ stepCount }) => Number(stepCount) === step))
        return;
      const measurement = { stepCount: step, metrics: [{ metricId: this.metric, value }] };
      await this.client.vizier.addTrialMeasurement({ trialName: this.nameOf(id), measurement });
    });
  }

  shouldStop(id: string): Promise<boolean> {
    const { vizier } = this.client;
    return this.read('asking whether a trial should stop', async () => {
      const trial = await this.trial(id);
      if (this.hasEnded(trial)) return false;
      if (this.stateOf(trial) === 'STOPPING') return true;
      const [operation] = await vizier.checkTrialEarlyStoppingState({ trialName: this.nameOf(id) });
      const [{ shouldStop }] = await operation.promise();
      if (shouldStop) await vizier.stopTrial({ name: this.nameOf(id) });
      return shouldStop ?? false;
    });
  }

  complete(id: string, end: { readonly value: number } | { readonly infeasible: string }): Promise<void> {
    return this.read('completing a trial', async () => {
      if (this.hasEnded(await this.trial(id))) return;
      const name = this.nameOf(id);
      const request =
        'value' in end
          ? { name, finalMeasurement: { metrics: [{ metricId: this.metric, value: end.value }] } }
          : { name, trialInfeasible: true, infeasibleReason: end.infeasible };
      try {
        await this.client.vizier.completeTrial(request);
      } catch (error) {
        // Somebody else was first.
        if (grpcStatus(error) !== 'failedPrecondition' || !this.hasEnded(await this.trial(id))) throw error;
      }
    });
  }

  optimal(): Promise<JudgedSuggestion[]> {
    return this.read('asking for the best trials', async () => {
      const [{ optimalTrials }] = await this.client.vizier.listOptimalTrials({ parent: this.study });
      return (optimalTrials ?? []).flatMap((trial) => {
        const value = trial.finalMeasurement?.metrics?.find(
          ({ metricId }) => metricId === this.metric,
        )?.value;
        return value == null ? [] : [{ ...suggestionOf(trial), value }];
      });
    });
  }

  private readonly nameOf = (id: string) => `${this.study}/trials/${id}`;

  private async trial(id: string): Promise<V1Trial> {
    return (await this.client.vizier.getTrial({ name: this.nameOf(id) }))[0];
  }

  private stateOf({ state }: V1Trial): string | undefined {
    return typeof state === 'string' ? state : this.client.states[state ?? 0];
  }

  private hasEnded(trial: V1Trial): boolean {
    const state = this.stateOf(trial);
    return state === 'SUCCEEDED' || state === 'INFEASIBLE';
  }

  private read<T>(doing: string, call: () => Promise<T>): Promise<T> {
    return this.connection.read(doing, this.study, call);
  }
}

function specOf({ parameters, metric }: SearchSpace) {
  return {
    metrics: [
      {
        metricId: metric.name,
        goal: metric.goal === 'minimise' ? ('MINIMIZE' as const) : ('MAXIMIZE' as const),
      },
    ],
    parameters: parameters.map(parameterSpec),
    // Without one of these Vizier tells no trial to stop. By steps, not by seconds: a slow worker is no bad trial.
    medianAutomatedStoppingSpec: { useElapsedDuration: false },
  };
}

function parameterSpec(parameter: SearchParameter): ParameterSpec {
  const parameterId = parameter.name;
  switch (parameter.kind) {
    case 'real':
      return {
        parameterId,
        doubleValueSpec: { minValue: parameter.low, maxValue: parameter.high },
        scaleType: parameter.scale === 'log' ? 'UNIT_LOG_SCALE' : 'UNIT_LINEAR_SCALE',
      };
    case 'integer':
      return { parameterId, integerValueSpec: { minValue: parameter.low, maxValue: parameter.high } };
    case 'choice':
      return { parameterId, categoricalValueSpec: { values: [...parameter.values] } };
  }
}

const isSet = (value: object | null | undefined, field: string) =>
  value != null && Object.hasOwn(value, field);

function suggestionOf({ id, parameters }: V1Trial): Suggestion {
  const settings: SuggestedSettings = Object.fromEntries(
    (parameters ?? []).map(({ parameterId, value }) => [
      parameterId ?? '',
      // The result of an operation is an instance, whose unset fields are not absent but empty.
      (isSet(value, 'numberValue') ? value?.numberValue : value?.stringValue) ?? '',
    ]),
  );
  return { id: id ?? '', settings };
}
