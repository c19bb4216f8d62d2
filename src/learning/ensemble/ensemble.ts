import { TitrateError, type RuntimePin } from '../../contracts';
import { deriveSeed } from '../../foundation';
import type { BackendChoice, BackendReport } from '../backends';
import type { FitRequest, FittedModel, ModelFamilyAdapter } from '../learning';
import { FittedEnsemble } from './fitted';
import { decodeEnsemble, memberShapes, sizeOf } from './format';
import { assertTrainable, standardiseAll } from './labels';
import type { NetworkPlan } from './network-kind';
import { shareData, shareMembers } from './shared-memory';
import { ThreadPool } from './thread-pool';

export interface EnsembleOptions {
  /** Worker threads, from 1. Each costs about 100 MB with WASM, plus what its members weigh. Results do not depend on it. */
  readonly threads: number;
  readonly backend: BackendChoice;
}

export interface NetworkEnsemble extends ModelFamilyAdapter {
  /** What a campaign pins. @throws runtime-mismatch when the backend asked for does not work here */
  runtime(): Promise<Pick<RuntimePin, 'backend' | 'backendVersion' | 'cpu' | 'memberThreads'>>;
  /** The backend in use, and the better ones that were passed over with the reasons. @throws as `runtime` */
  backendReport(): Promise<BackendReport>;
}

/**
 * Member threads that several families may share; hand them to `createNetworkEnsemble`.
 * @throws config-invalid when `threads` is no positive integer
 */
export function createMemberThreads({ threads, backend }: EnsembleOptions): ThreadPool {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new TitrateError('config-invalid', {
      what: `threads is ${threads}; expected an integer from 1`,
      where: 'ensembles of networks',
    });
  }
  return new ThreadPool(threads, { backend });
}

/**
 * Deep ensembles (Lakshminarayanan et al., NeurIPS 2017) of heteroscedastic networks on TensorFlow.js, one
 * member a job in worker threads. Members differ by their seed: starting weights, order of the batches, dropout, and the
 * share of the measured labels that each keeps out of its mean to learn the noise from.
 * The same request with the same seed on the same backend gives the same bits, whatever the number of threads.
 */
export function createNetworkEnsemble(plan: NetworkPlan, pool: ThreadPool): NetworkEnsemble {
  return {
    family: plan.family,

    async runtime() {
      const { report } = await pool.run('report', {});
      const { backend: name, backendVersion, cpu } = report;
      return { backend: name, backendVersion, cpu, memberThreads: pool.size };
    },

    backendReport: async () => (await pool.run('report', {})).report,

    fit: (request) => fit(plan, pool, request),

    async load(bytes) {
      const model = new FittedEnsemble(plan, decodeEnsemble(plan, bytes), pool, 0);
      await model.warmUp();
      return model;
    },

    close: () => pool.close(),
  };
}

async function fit(plan: NetworkPlan, pool: ThreadPool, request: FitRequest): Promise<FittedModel> {
  const settings = assertTrainable(plan, request);
  const { features, task = 'regression' } = request.labelled;
  const { scales: targets, labels } = standardiseAll(request.labelled);
  const { spec: featurizer, ...rows } = features;
  const shared = { ...rows, data: shareData(features.data) };

  // When one member fails the others need not go on.
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  const jobs = Array.from({ length: settings.members }, (_, member) =>
    pool.run(
      'train',
      {
        settings,
        task,
        features: shared,
        labels,
        seed: deriveSeed(request.seed, 'member', member),
      },
      { signal },
    ),
  );
  const trained = await Promise.all(jobs).catch(async (error: unknown) => {
    stop.abort();
    await Promise.allSettled(jobs);
    throw error;
  });

  const [{ encoding, report }] = trained as [(typeof trained)[number]];
  for (const { report: other } of trained) {
    if (other.backend === report.backend && other.backendVersion === report.backendVersion) continue;
    throw new TitrateError('runtime-mismatch', {
      what: `Members trained on different backends: ${report.backend} and ${other.backend}`,
      where: `${plan.family} training`,
      remedy: `Ask for one backend by name instead of 'auto'`,
    });
  }
  const average = (of: (member: (typeof trained)[number]) => number) =>
    trained.reduce((sum, member) => sum + of(member), 0) / trained.length;
  const scales = trained.map(({ logitScales }) => (task === 'classification' ? logitScales : targets));
  const shapes = memberShapes(plan, { encoding, settings, task, scales });
  const state = {
    backend: report.backend,
    backendVersion: report.backendVersion,
    settings,
    featurizer,
    encoding,
    task,
    scales,
    facts: {
      members: settings.members,
      epochs: settings.epochs,
      inputs: plan.inputs(encoding),
      bestEpoch: average((member) => member.bestEpoch),
      parameters: shapes.reduce((sum, shape) => sum + sizeOf(shape), 0),
      trainingLoss: average((member) => member.trainingLoss),
      heldOutLoss: average((member) => member.heldOutLoss),
    },
    members: shareMembers(trained.map(({ parameters }) => parameters)),
  };
  const seconds = trained.reduce((sum, member) => sum + member.seconds, 0);
  return new FittedEnsemble(plan, state, pool, seconds);
}
