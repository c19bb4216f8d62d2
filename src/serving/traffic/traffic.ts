import type { ChildProcess } from 'node:child_process';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { modelVersionId, type ModelVersion } from '../../contracts';
import { createRandom } from '../../foundation';
import type { PointerLog } from '../../objects/pointers';
import type { ModelRegistry } from '../../tracking/registry';
import type { ServingLogger } from '../logger';
import { valuesIn } from './answers';
import { createTrafficCounters, outcomeOf, type TrafficCounters } from './counters';
import { createForwarder, passing, type Forwarded, type ForwardedAnswer } from './forward';
import { labelsOf } from './metric-names';
import { KeptBody } from './raw-body';
import { fallsTo } from './shares';
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
  /** The campaigns with a model that answers now. */
  readonly serving: () => readonly string[];
}

export interface Traffic {
  /** Puts the router in front of the prediction routes of `app`. Before any route is added. */
  attach(app: FastifyInstance): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PREDICT = '/predict';
const INFER = '/v2/models/:name/infer';
const INFER_VERSION = '/v2/models/:name/versions/:version/infer';
const ROUTED = new Set([PREDICT, INFER, INFER_VERSION]);
/** Names the version that made an answer. */
const MODEL_HEADER = 'x-titrate-model';
/** Copies for candidates in shadow that are under way at once; beyond it requests are not copied, and that is counted. */
const MAX_COPIES = 8;
const SEED = 1;

/** What the router knows of one request. */
interface Passage {
  readonly started: number;
  readonly body: KeptBody | null;
  campaignId: string | null;
  values: (number | null)[] | null;
  /** Answered by a candidate, which has been counted already. */
  forwarded: boolean;
  shadow: RunningTrial | null;
}

/**
 * The router in front of the models: a campaign's candidate runs in a process of its own and gets its share of the requests that
 * name no version (canary), or a copy of them (shadow). A request that its process cannot answer is answered by the stable model
 * and counted against the candidate. Everything is counted by version.
 */
export function createTraffic(ports: TrafficPorts, options: TrafficOptions = {}): Traffic {
  const { logger, bodyLimit } = ports;
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
  const passages = new WeakMap<FastifyRequest, Passage>();
  let copies = 0;

  const shadow = async (trial: RunningTrial, request: Forwarded, stable: (number | null)[]) => {
    const labels = labelsOf(trial.version);
    if (copies >= MAX_COPIES) return counters.skipped(labels);
    copies += 1;
    const started = performance.now();
    try {
      const answer = await forwarder.ask(trial.address, request);
      const values = count(counters, trial, answer);
      if (values) counters.compared(labels, values, stable);
    } catch (error) {
      counters.answered(labels, 'error', (performance.now() - started) / 1000, null);
      logger.warn({ version: trial.version, error: (error as Error).message }, 'candidate did not answer');
    } finally {
      copies -= 1;
    }
  };

  /** @returns whether the candidate has answered the request */
  const canary = async (
    trial: RunningTrial,
    request: Forwarded,
    passage: Passage,
    reply: FastifyReply,
  ): Promise<boolean> => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const labels = labelsOf(trial.version);
    try {
      const answer = await forwarder.ask(trial.address, request, gone.signal);
      count(counters, trial, answer);
      // Too much at once for it, or broken: the stable model stands in.
      if (answer.status >= 500 || answer.status === 429) {
        counters.fellBack(labels);
        return false;
      }
      passage.forwarded = true;
      void reply.code(answer.status).headers(passing(answer.headers)).send(answer.body);
      return true;
    } catch (error) {
      // The client's own going away says nothing about the candidate.
      if (gone.signal.aborted) return false;
      counters.answered(labels, 'error', (performance.now() - passage.started) / 1000, null);
      counters.fellBack(labels);
      logger.warn({ version: trial.version, error: (error as Error).message }, 'candidate did not answer');
      return false;
    }
  };

  return {
    attach(app) {
      app.addHook('preParsing', async (request, _reply, payload) => {
        if (request.method !== 'POST' || !ROUTED.has(request.routeOptions.url ?? '')) return payload;
        const body = trials?.any ? new KeptBody(bodyLimit) : null;
        passages.set(request, {
          started: performance.now(),
          body,
          campaignId: null,
          values: null,
          forwarded: false,
          shadow: null,
        });
        return body ? payload.pipe(body) : payload;
      });

      app.addHook('preHandler', async (request, reply) => {
        const passage = passages.get(request);
        if (!passage) return;
        const { campaignId, version } = askedOf(request, ports.serving);
        passage.campaignId = campaignId;
        const trial = campaignId === null ? null : (trials?.running(campaignId) ?? null);
        const body = passage.body?.bytes;
        if (!trial || !body || version === 'other') return;
        const copy: Forwarded = { method: request.method, url: request.url, headers: request.headers, body };
        if (version !== null) {
          if (version === trial.version && (await canary(trial, copy, passage, reply))) return reply;
          return;
        }
        if (!fallsTo(trial.version, trial.share, request.headers, random.next)) return;
        if (trial.mode === 'shadow') passage.shadow = trial;
        else if (await canary(trial, copy, passage, reply)) return reply;
      });

      app.addHook('onSend', async (request, reply, payload) => {
        const passage = passages.get(request);
        if (passage && !passage.forwarded && reply.statusCode === 200) passage.values = valuesIn(payload);
      });

      app.addHook('onResponse', async (request, reply) => {
        const passage = passages.get(request);
        if (!passage || passage.forwarded || !passage.campaignId || !reply.raw.writableFinished) return;
        const named = reply.getHeader(MODEL_HEADER);
        const { model, version } =
          typeof named === 'string' ? labelsOf(named) : { model: passage.campaignId, version: '' };
        const seconds = (performance.now() - passage.started) / 1000;
        counters.answered({ model, version }, outcomeOf(reply.statusCode), seconds, passage.values);
        if (passage.shadow && passage.values && passage.body?.bytes) {
          const { method, url, headers } = request;
          void shadow(passage.shadow, { method, url, headers, body: passage.body.bytes }, passage.values);
        }
      });

      if (!trials) return;
      app.get<{ Params: { name: string } }>('/v2/models/:name/trial', ({ params }) =>
        trials.refresh(params.name),
      );
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
  const values = answer.status === 200 ? valuesIn(answer.body) : null;
  counters.answered(labelsOf(trial.version), outcomeOf(answer.status), answer.seconds, values);
  return values;
}

/**
 * Which campaign's model a request asks for, and which version: null when it leaves that to the server, `other` for an alias.
 * Names that mean nothing are the handler's to refuse.
 */
function askedOf(
  { routeOptions, params, body }: FastifyRequest,
  serving: TrafficPorts['serving'],
): { campaignId: string | null; version: string | null } {
  const { name, version } = params as { name: string; version?: string };
  if (routeOptions.url === INFER) return { campaignId: name, version: null };
  if (routeOptions.url === INFER_VERSION) {
    const number = Number(version!.replace(/^v/, ''));
    return { campaignId: name, version: modelVersionId(name, number) };
  }
  const model = (body as { model?: unknown } | null)?.model;
  if (model === undefined) {
    const live = serving();
    return { campaignId: live.length === 1 ? live[0]! : null, version: null };
  }
  if (typeof model !== 'string') return { campaignId: null, version: null };
  if (model.includes('@')) return { campaignId: model.split('@')[0]!, version: 'other' };
  const [campaignId, number] = model.split('/v');
  return { campaignId: campaignId!, version: number === undefined ? null : model };
}
