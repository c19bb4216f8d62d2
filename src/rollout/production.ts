import { TitrateError, type Authorship, type ModelVersion } from '../contracts';
import type { PointerLog } from '../objects/pointers';
import type { AliasMove, ModelRegistry } from '../tracking/registry';
import type { Deployer, Deployment } from './deployer';
import { servingPointer } from './pointer-names';

/** The alias of the version that serves a campaign. */
export const PRODUCTION = 'production';
/** The alias of the newest version. */
export const CANDIDATE = 'candidate';

export interface ProductionPorts {
  readonly registry: ModelRegistry;
  readonly deployer: Deployer;
  readonly pointers: PointerLog;
}

export interface ProductionRequest extends Authorship {
  readonly campaignId: string;
  readonly version: ModelVersion;
  /** Of one decision: a retry moves once, and there, on and back again are three decisions. */
  readonly operationId: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

export interface AdvanceRequest extends ProductionRequest {
  /** A person asks: an earlier version than the one that serves is meant. */
  readonly byHand?: boolean;
}

export interface PutRequest extends ProductionRequest {
  /** Whether it stays there until somebody releases it. */
  readonly held: boolean;
  /** Where the asker believes production to be. @throws contradiction when it is not. */
  readonly expected?: string | null;
}

const aliasOperation = ({ operationId }: ProductionRequest) => `${operationId}/${PRODUCTION}`;

/** Which version serves a campaign: moved by what a person decides, and by rollouts as long as no person holds it. */
export function createProduction({ registry, deployer, pointers }: ProductionPorts) {
  const moverOf = (request: ProductionRequest) => ({
    operationId: aliasOperation(request),
    author: request.author,
    reason: request.reason,
  });
  const headOf = async (campaignId: string) =>
    (await registry.aliasMoves(campaignId, PRODUCTION)).at(-1) ?? null;

  /**
   * What stands in the way of a rollout: production is held at another version, or of a later round (a slow rollout of an earlier
   * one does not undo it). Where the rollout has moved what serves and not the alias, because somebody came in between or its
   * worker was killed in between, it puts that back.
   */
  async function giveWay(request: AdvanceRequest, head: AliasMove): Promise<Deployment> {
    const { campaignId, version, operationId } = request;
    const serving = await pointers.head(servingPointer(campaignId));
    let endpoint = '';
    if (serving?.operationId === operationId && serving.target !== head.version) {
      ({ endpoint } = await deployer.deploy({
        ...request,
        version: await registry.resolve(head.version),
        operationId: `${operationId}/gave-way`,
        reason: `back to ${head.version}, which is in production`,
      }));
    }
    const message = head.held
      ? `${version.id} was not rolled out: ${head.author} holds ${head.version} (${head.reason}) until titrate models rollback ${campaignId} --release`
      : `${version.id} was superseded: ${head.version} of a later round serves`;
    return { version: head.version, status: head.held ? 'held' : 'superseded', endpoint, message };
  }

  /**
   * A version that the server cannot load must not stay the desired one: it would be all that a server knows that starts later.
   * Where no server answers at all nothing is known against it, and it is loaded when one starts.
   */
  async function backTo(
    before: AliasMove | null,
    request: AdvanceRequest,
    failure: Deployment,
  ): Promise<Deployment> {
    const { campaignId, operationId, version } = request;
    const serving = await pointers.head(servingPointer(campaignId));
    const isOurs = serving?.operationId === operationId;
    if (!before || before.version === version.id || failure.version === null || !isOurs) return failure;
    await deployer.deploy({
      ...request,
      version: await registry.resolve(before.version),
      operationId: `${operationId}/failed`,
      reason: `back to ${before.version}: ${failure.message}`,
    });
    return { ...failure, message: `${failure.message}; ${before.version} stays in production` };
  }

  /** @returns null where somebody else has moved it since */
  async function moveByHand(request: AdvanceRequest, before: AliasMove | null): Promise<AliasMove | null> {
    const expected = before?.version ?? null;
    try {
      return await registry.moveAlias(request.campaignId, PRODUCTION, request.version, moverOf(request), {
        expected,
      });
    } catch (error) {
      if (error instanceof TitrateError && error.code === 'contradiction') return null;
      throw error;
    }
  }

  /** Whom a rollout has to give way to before it begins; null where it may go on. */
  async function obstacle(request: AdvanceRequest): Promise<AliasMove | null> {
    const before = await headOf(request.campaignId);
    if (!before || before.version === request.version.id) return null;
    const later = (await registry.resolve(before.version)).number > request.version.number;
    return before.held || (later && !request.byHand) ? before : null;
  }

  return {
    obstacle,

    /**
     * What a person decides: the alias first, since it is the authority, then what serves. An operation that has done so before is
     * looked at again and moves nothing.
     * @throws contradiction when production is not where the asker expects it
     */
    async put(request: PutRequest): Promise<{ move: AliasMove; deployment: Deployment }> {
      const { campaignId, version, held, expected } = request;
      const move = await registry.moveAlias(campaignId, PRODUCTION, version, moverOf(request), {
        held,
        expected,
      });
      // A candidate on trial would go on answering its share.
      const { operationId, author, reason, signal } = request;
      await deployer.trial({
        ...{ campaignId, candidate: null, operationId: `${operationId}/end-trial`, author, reason, signal },
      });
      return { move, deployment: await deployer.deploy(request) };
    },

    /** What a rollout does with a version that passed its gates. */
    async advance(request: AdvanceRequest): Promise<Deployment> {
      const { campaignId, version } = request;
      const inTheWay = await obstacle(request);
      if (inTheWay) return giveWay(request, inTheWay);
      const before = await headOf(campaignId);
      const deployment = await deployer.deploy(request);
      if (deployment.status === 'failed') return backTo(before, request, deployment);
      if (deployment.status !== 'ready') return deployment;
      const moved = request.byHand
        ? await moveByHand(request, before)
        : await registry.advanceAlias(campaignId, PRODUCTION, version, moverOf(request));
      if (moved) return deployment;
      const standing = (await headOf(campaignId))!;
      return standing.version === version.id ? deployment : giveWay(request, standing);
    },

    /** Lets rollouts move production again. @throws contradiction when nothing holds it. */
    release: (campaignId: string, by: Authorship & { operationId: string }): Promise<AliasMove> =>
      registry.releaseAlias(campaignId, PRODUCTION, by),

    /** The last move; null while nothing was ever put into production. */
    head: headOf,
  };
}

export type Production = ReturnType<typeof createProduction>;
