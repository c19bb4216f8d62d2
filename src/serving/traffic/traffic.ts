import type { ChildProcess } from 'node:child_process';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { ModelVersion } from '../../contracts';
import { createRandom } from '../../foundation';
import type { PointerLog } from '../../objects/pointers';
import type { ModelRegistry } from '../../tracking/registry';
import type { Access } from '../access';
import type { BlockPredictor } from '../batch-stream';
import type { ServingLogger } from '../logger';
import { valuesIn } from './answers';
import { askedOf, INFER, INFER_VERSION, moleculesIn, PREDICT, PREDICT_BATCH } from './asked';
import { createTrafficCounters, outcomeOf, type TrafficCounters } from './counters';
import { createForwarder, passing, type Forwarded, type ForwardedAnswer } from './forward';
import { labelsOf } from './metric-names';
import { KeptBody } from './raw-body';
import { fallsTo } from './shares';
import { RoutedStream } from './streams';
import { Trials, type RunningTrial } from './trials';

export interface TrafficOptions {
  /** Starts the process in which a version is tried; left out, nothing is tried here. */
  readonly launch?: (version: ModelVersion) => ChildProcess;
  /** How long a candidate may take until it can answer, milliseconds. Default 120,000. */
  readonly readyWithinMs?: number;
  /** Longest wait for a candidate's answer; after it the stable model answers, milliseconds. Default 10,000. */
  readonly answerWithinMs?: number;
  /** Resident memory that a candidate may take beyond what it had when it was ready, bytes. Default 1 GiB. */
  readonly maxGrowthBytes?: number;
}

export interface TrafficPorts {
  readonly registry: Pick<ModelRegistry, 'campaigns' | 'resolve'>;
  readonly pointers: PointerLog;
  readonly logger: ServingLogger;
  readonly metrics: Registry;
  readonly pollMs: number;
  /** Largest request body, bytes. */
  readonly bodyLimit: number;
  /** The versions that answer now, one a campaign. */
  readonly live: () => readonly ModelVersion[];
}

export interface Traffic {
  /** Puts the router in front of the prediction routes of `app`. After the access, before any route is added. */
  attach(app: FastifyInstance, access: Access): void;
  /**
   * What answers the lines of a request to /predict/batch, and counts them.
   * @param version the one that it asks for, or that serves
   * @param here predicts in this process
   */
  stream(request: FastifyRequest, version: ModelVersion, here: BlockPredictor): RoutedStream;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const ROUTED = new Set([PREDICT, PREDICT_BATCH, INFER, INFER_VERSION]);
/** Names the version that made an answer. */
const MODEL_HEADER = 'x-titrate-model';
/** Copies for candidates in shadow that are under way at once; beyond it requests are not copied, and that is counted. */
const MAX_COPIES = 8;
const SEED = 1;

/** What the router knows of one request. */
interface Passage {
  readonly started: number;
  /** What is read whole is kept, for it may be asked again. */
  readonly body: KeptBody | null;
  campaignId: string | null;
  values: (number | null)[] | null;
  /** Answered by a candidate, which has been counted already. */
  forwarded: boolean;
  shadow: RunningTrial | null;
  /** The candidate that a stream of lines fell to. */
  streamTo: RunningTrial | null;
  stream: RoutedStream | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null on a route that asks no model. */
    passage: Passage | null;
  }
}

/**
 * The router in front of the models: a campaign's candidate runs in a process of its own and gets its share of the requests that
 * name no version (canary), or a copy of them (shadow). A request that its process cannot answer is answered by the stable model
 * and counted against the candidate. Everything is counted by version.
 */
export function createTraffic(ports: TrafficPorts, options: TrafficOptions = {}): Traffic {
  const { logger, bodyLimit, live } = ports;
  const counters = createTrafficCounters(ports.metrics);
  const forwarder = createForwarder(options.answerWithinMs ?? 10_000);
  const random = createRandom(SEED);
  const { launch } = options;
  const trials = launch
    ? new Trials({
        ...ports,
        launch,
        limits: {
          readyWithinMs: options.readyWithinMs ?? 120_000,
          maxGrowthBytes: options.maxGrowthBytes ?? 2 ** 30,
        },
      })
    : null;
  let access: Access;
  let copies = 0;

  const didNotAnswer = ({ version }: RunningTrial, started: number, error: unknown) => {
    counters.answered(labelsOf(version), 'error', (performance.now() - started) / 1000, null);
    logger.warn({ version, error: (error as Error).message }, 'candidate did not answer');
  };

  const shadow = async (trial: RunningTrial, request: Forwarded, stable: (number | null)[]) => {
    const labels = labelsOf(trial.version);
    if (copies >= MAX_COPIES) return counters.skipped(labels);
    copies += 1;
    const started = performance.now();
    try {
      const answer = await forwarder.ask(trial, request);
      const values = count(counters, trial, answer);
      if (values) counters.compared(labels, values, stable);
    } catch (error) {
      didNotAnswer(trial, started, error);
    } finally {
      copies -= 1;
    }
  };

  /** @returns the candidate's answer; null where the stable model is to answer */
  const canary = async (
    trial: RunningTrial,
    request: Forwarded,
    { started }: Passage,
    reply: FastifyReply,
  ): Promise<ForwardedAnswer | null> => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    try {
      const answer = await forwarder.ask(trial, request, gone.signal);
      count(counters, trial, answer);
      // Too much at once for it, or broken: the stable model stands in.
      if (answer.status < 500 && answer.status !== 429) return answer;
    } catch (error) {
      // The client's own going away says nothing about the candidate.
      if (gone.signal.aborted) return null;
      didNotAnswer(trial, started, error);
    }
    counters.fellBack(labelsOf(trial.version));
    return null;
  };

  /** @returns whether the candidate has answered the request */
  const forward = async (trial: RunningTrial, request: FastifyRequest, reply: FastifyReply) => {
    const passage = request.passage!;
    const { method, url, headers } = request;
    // Its caller's limits are this server's to keep; the candidate knows nobody.
    const caller = access.callerOf(request);
    const molecules = moleculesIn(request);
    await access.rates.molecules(caller, molecules);
    const answer = await canary(trial, { method, url, headers, body: passage.body!.bytes! }, passage, reply);
    if (!answer) {
      await access.rates.giveBack(caller, molecules);
      return false;
    }
    passage.forwarded = true;
    void reply.code(answer.status).headers(passing(answer.headers)).send(answer.body);
    return true;
  };

  return {
    attach(app, to) {
      access = to;
      app.decorateRequest('passage', null);
      app.addHook('preParsing', (request, _reply, payload, done) => {
        const { url = '' } = request.routeOptions;
        if (request.method !== 'POST' || !ROUTED.has(url)) return done(null, payload);
        const body = trials?.any && url !== PREDICT_BATCH ? new KeptBody(bodyLimit) : null;
        request.passage = {
          ...{ started: performance.now(), body, campaignId: null, values: null, forwarded: false },
          ...{ shadow: null, streamTo: null, stream: null },
        };
        done(null, body ? payload.pipe(body) : payload);
      });

      app.addHook('preHandler', async (request, reply) => {
        const { passage } = request;
        if (!passage) return;
        const { campaignId, version } = askedOf(request, live);
        passage.campaignId = campaignId;
        const trial = campaignId === null ? null : (trials?.running(campaignId) ?? null);
        if (!trial || version === 'other') return;
        const isNamed = version === trial.version;
        if (version !== null && !isNamed) return;
        if (!isNamed && !fallsTo(trial.version, trial.share, request.headers, random.next)) return;
        const isStream = request.routeOptions.url === PREDICT_BATCH;
        if (!isStream && !passage.body?.bytes) return;
        if (!isNamed && trial.mode === 'shadow') {
          // What has no end cannot be kept for a copy.
          if (isStream) counters.skipped(labelsOf(trial.version));
          else passage.shadow = trial;
        } else if (isStream) passage.streamTo = trial;
        else if (await forward(trial, request, reply)) return reply;
      });

      const keepValues = (request: FastifyRequest, reply: FastifyReply, body: unknown) => {
        const { passage } = request;
        if (passage && !passage.forwarded && !passage.stream && reply.statusCode === 200)
          passage.values = valuesIn({ body, headers: reply.getHeaders() });
      };
      // JSON before it is text; tensors, which never are, as they are sent.
      app.addHook('preSerialization', (request, reply, payload, done) => {
        keepValues(request, reply, payload);
        done(null, payload);
      });
      app.addHook('onSend', (request, reply, payload, done) => {
        if (Buffer.isBuffer(payload)) keepValues(request, reply, payload);
        done(null, payload);
      });

      const countAnswer = (request: FastifyRequest, reply: FastifyReply) => {
        const { passage } = request;
        if (!passage || passage.forwarded || !passage.campaignId || !reply.raw.writableFinished) return;
        const named = reply.getHeader(MODEL_HEADER);
        const { model, version } =
          typeof named === 'string' ? labelsOf(named) : { model: passage.campaignId, version: '' };
        const { stream } = passage;
        if (stream) return counters.answered({ model, version }, stream.outcome, stream.firstSeconds, null);
        const seconds = (performance.now() - passage.started) / 1000;
        counters.answered({ model, version }, outcomeOf(reply.statusCode), seconds, passage.values);
        if (passage.shadow && passage.values && passage.body?.bytes) {
          const { method, url, headers } = request;
          void shadow(passage.shadow, { method, url, headers, body: passage.body.bytes }, passage.values);
        }
      };
      app.addHook('onResponse', (request, reply, done) => {
        countAnswer(request, reply);
        done();
      });

      if (!trials) return;
      const config = { scope: 'read', internal: true } as const;
      app.get<{ Params: { name: string } }>('/v2/models/:name/trial', { config }, ({ params }) =>
        trials.refresh(params.name),
      );
    },

    stream(request, version, here) {
      const { rates } = access;
      const { passage } = request;
      const stream = new RoutedStream(
        { counters, forwarder, logger, trials, rates, live, here },
        version,
        passage?.streamTo ?? null,
      );
      if (passage) passage.stream = stream;
      return stream;
    },

    async start() {
      await trials?.start();
    },

    async stop() {
      await trials?.stop();
      forwarder.close();
    },
  };
}

function count(counters: TrafficCounters, trial: RunningTrial, answer: ForwardedAnswer) {
  const values = answer.status === 200 ? valuesIn(answer) : null;
  counters.answered(labelsOf(trial.version), outcomeOf(answer.status), answer.seconds, values);
  return values;
}
