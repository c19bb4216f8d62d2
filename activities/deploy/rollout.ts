import {
  asTitrateError,
  type GateVerdict,
  type ModelVersion,
  type RolloutConfig,
  type TrialMode,
  type TrialVerdict,
  type VersionFigures,
} from '../../src/contracts';
import {
  examineCandidate,
  judgeTrial,
  PRODUCTION,
  type Deployment,
  type Production,
} from '../../src/rollout';
import { withHeartbeat } from '../shared/heartbeat';
import type { DeployPorts } from '../shared/ports';

export interface JudgeRequest {
  readonly campaignId: string;
  readonly version: ModelVersion;
  /** Campaigns that were started earlier have fewer of them. */
  readonly limits: Partial<RolloutConfig>;
}

export interface DeployModelRequest {
  readonly campaignId: string;
  readonly version: ModelVersion;
  readonly operationId: string;
  readonly reason: string;
  /** Who asked for it; left out, titrate itself. */
  readonly author?: string;
}

/** How things stand before a trial. */
export interface TrialPlan {
  /** Version that serves; null where none does, and there is nothing to compare with. */
  readonly stable: string | null;
  /** Requests that it was given lately: none means that there would be nothing to watch. */
  readonly requests: number;
  /** Why it must not begin. */
  readonly obstacle: Pick<Deployment, 'status' | 'message'> | null;
}

export interface TrialLook {
  /** gone: something else is on trial, or nothing. */
  readonly state: 'on' | 'starting' | 'failed' | 'gone';
  readonly message: string;
  readonly figures: readonly VersionFigures[];
  readonly verdicts: readonly TrialVerdict[];
}

/** Requests of this long ago still say that a campaign is asked, seconds. */
const LATELY_S = 600;

/** Gates, trials and promotion: each reconciles to a desired state under its operation id. */
export function createRolloutActivities(ports: DeployPorts, production: Production) {
  const { registry, deployer, evidence } = ports;

  async function judgeCandidate(input: JudgeRequest): Promise<GateVerdict[]> {
    return withHeartbeat(async () => {
      const live = await registry.alias(input.campaignId, PRODUCTION);
      const other = live && live.id !== input.version.id ? live : null;
      return examineCandidate(ports, input.version, other, input.limits);
    });
  }

  async function planTrial(input: Omit<DeployModelRequest, 'reason'>): Promise<TrialPlan> {
    const { campaignId, version, author } = input;
    const request = { ...input, author: author ?? 'titrate', reason: '', byHand: author !== undefined };
    const head = await production.obstacle(request);
    const stable = (await deployer.observe(campaignId)).version;
    const obstacle = head && {
      status: head.held ? ('held' as const) : ('superseded' as const),
      message: head.held
        ? `${version.id} was not rolled out: ${head.author} holds ${head.version} (${head.reason}) until titrate models rollback ${campaignId} --release`
        : `${version.id} was superseded: ${head.version} of a later round serves`,
    };
    if (obstacle || stable === null) return { stable, requests: 0, obstacle };
    const seen = await figuresOf(campaignId, [stable], LATELY_S);
    return { stable, requests: seen?.[0]?.requests ?? 0, obstacle };
  }

  async function startTrial(
    input: DeployModelRequest & { mode: TrialMode; share: number },
  ): Promise<Deployment> {
    const { campaignId, version, mode, share, author = 'titrate', operationId, reason } = input;
    return withHeartbeat(async (signal, onProgress) => {
      const { candidate } = await deployer.observe(campaignId);
      if (candidate && candidate.version !== version.id && input.author === undefined) {
        const other = await registry.resolve(candidate.version);
        if (other.number > version.number) {
          const message = `${version.id} was superseded: ${other.id} of a later round is on trial`;
          return { version: other.id, status: 'superseded', endpoint: '', message };
        }
      }
      return deployer.trial({
        ...{
          campaignId,
          candidate: { version, mode, share },
          operationId,
          author,
          reason,
          signal,
          onProgress,
        },
      });
    });
  }

  /** What the candidate did since, beside what serves. Figures that cannot be had are no verdict. */
  async function lookAtTrial(input: {
    campaignId: string;
    version: ModelVersion;
    stable: string | null;
    sinceSeconds: number;
    limits: RolloutConfig['trial'];
  }): Promise<TrialLook> {
    return withHeartbeat(async () => {
      const { campaignId, version, stable, sinceSeconds, limits } = input;
      const { candidate } = await deployer.observe(campaignId);
      if (!candidate || candidate.version !== version.id) {
        const message = candidate ? `${candidate.version} is on trial now` : 'the trial was ended';
        return { state: 'gone', message, figures: [], verdicts: [] };
      }
      if (candidate.failed) {
        const message = `${version.id} on trial: ${candidate.message}`;
        const verdict: TrialVerdict = { check: 'process', verdict: 'bad', evidence: message };
        return { state: 'failed', message, figures: [], verdicts: [verdict] };
      }
      const asked = [version.id, ...(stable === null ? [] : [stable])];
      const figures = (await figuresOf(campaignId, asked, sinceSeconds)) ?? [];
      const [own, live] = figures;
      const rmse =
        stable === null ? null : (await registry.card(await registry.resolve(stable))).metrics.rmse;
      const verdicts = own
        ? judgeTrial({ candidate: own, stable: live ?? null, heldOutRmse: rmse, limits })
        : [];
      const state = candidate.ready ? 'on' : 'starting';
      return { state, message: candidate.message, figures, verdicts };
    });
  }

  async function endTrial(input: DeployModelRequest): Promise<Deployment> {
    const { campaignId, version, operationId, reason, author = 'titrate' } = input;
    return withHeartbeat((signal) =>
      deployer.trial({
        ...{ campaignId, candidate: null, only: version.id, operationId, author, reason, signal },
      }),
    );
  }

  async function deployModel(input: DeployModelRequest): Promise<Deployment> {
    const { author = 'titrate' } = input;
    const byHand = input.author !== undefined;
    return withHeartbeat((signal, onProgress) =>
      production.advance({ ...input, author, byHand, signal, onProgress }),
    );
  }

  async function figuresOf(
    campaignId: string,
    versions: readonly string[],
    sinceSeconds: number,
  ): Promise<readonly VersionFigures[] | null> {
    try {
      return await evidence.figures(campaignId, versions, sinceSeconds);
    } catch (error) {
      // Nobody to ask: there is not enough data, and the next look asks again.
      if (asTitrateError(error).code === 'unavailable') return null;
      throw error;
    }
  }

  return { judgeCandidate, planTrial, startTrial, lookAtTrial, endTrial, deployModel };
}
