import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  MEDIA_TYPES,
  type ArtifactRef,
  type Cut,
  type ModelCard,
  type ModelMoved,
  type ModelVersion,
  type RollbackModel,
  type RoundRecord,
  type RoundSummary,
  type StopReason,
} from '../../src/contracts';
import { release, writeFileAtomic } from '../../src/foundation';
import { renderReport } from '../../src/reporting';
import { CANDIDATE, createProduction, type Deployment } from '../../src/rollout';
import { loadModel } from '../../src/serving';
import { createDriftLog, modelNameIn, type AliasMove } from '../../src/tracking';
import { withHeartbeat } from '../shared/heartbeat';
import type { DeployPorts } from '../shared/ports';
import { createModelUploadActivities } from './model-uploads';
import { createRolloutActivities } from './rollout';
import { keepRoundWork } from './round-work';
import { createTrackingActivities } from './tracking';

/** Effects are no cached steps: each reconciles to a desired state under its operation id. */
export function createDeployActivities(ports: DeployPorts) {
  const { objects, registry, log, chemistry, learning } = ports;
  const production = createProduction(ports);

  async function registerModel(input: {
    campaignId: string;
    card: ModelCard;
    operationId: string;
  }): Promise<ModelVersion> {
    const card = { ...input.card, code: release };
    const version = await registry.register(input.campaignId, card, input.operationId);
    await ports.signer?.sign(version);
    await registry.moveAlias(input.campaignId, CANDIDATE, version, {
      operationId: `${input.operationId}/${CANDIDATE}`,
      author: 'titrate',
      reason: `trained in round ${input.card.round} on ${input.card.labels} labels`,
    });
    return version;
  }

  /** Puts a version into production and holds it there, or releases what is held. */
  async function rollbackModel(
    input: RollbackModel & { campaignId: string; operationId: string },
  ): Promise<ModelMoved> {
    return withHeartbeat(async (signal, progress) => {
      const { move, deployment } = await moveModel(input, signal, progress);
      const head = (await production.head(input.campaignId))!;
      return {
        from: move.previous,
        to: move.version,
        move: move.number,
        production: { version: head.version, held: head.held },
        deployment: deployment && { status: deployment.status, message: deployment.message },
      };
    });
  }

  async function moveModel(
    input: RollbackModel & { campaignId: string; operationId: string },
    signal: AbortSignal,
    onProgress: (message: string) => void,
  ): Promise<{ move: AliasMove; deployment: Deployment | null }> {
    const { campaignId, to, by: author, reason, operationId } = input;
    if (to === undefined) {
      const by = { author, reason, operationId: `${operationId}/release` };
      return { move: await production.release(campaignId, by), deployment: null };
    }
    const version = await registry.resolve(modelNameIn(campaignId, to));
    // Loaded first: production must not be held at a version that can no longer predict.
    (await loadModel({ registry, objects, chemistry, learning }, version)).dispose();
    return production.put({
      campaignId,
      version,
      author,
      reason,
      operationId,
      held: true,
      signal,
      onProgress,
    });
  }

  async function recordRound(input: { campaignId: string; record: RoundRecord }): Promise<ArtifactRef> {
    const ref = await log.recordRound(input.campaignId, input.record);
    await keepRoundWork(log, { campaignId: input.campaignId, round: input.record.summary.round });
    return ref;
  }

  async function recordDeployment(input: {
    campaignId: string;
    round: number;
    deployment: RoundSummary['deployment'];
  }): Promise<void> {
    await log.recordDeployment(input.campaignId, input.round, input.deployment);
  }

  async function closeCampaign(input: {
    campaignId: string;
    stopReason: StopReason;
    stopWhy?: string;
    finalCut: Cut | null;
  }): Promise<void> {
    const { campaignId, ...end } = input;
    await log.close(campaignId, end);
  }

  /** Renders the report as one self-contained page: into the object store, and as a file to open. */
  async function writeReport(input: { campaignId: string; at: string }): Promise<ArtifactRef> {
    return withHeartbeat(async () => {
      const html = await renderReport({
        record: await log.read(input.campaignId),
        load: (ref) => objects.get(ref),
        depict: (smiles) => chemistry.depict(smiles),
        drift: await createDriftLog(objects).read(input.campaignId),
        ...(ports.performance && { performance: await ports.performance(input.campaignId) }),
        generatedAt: input.at,
      });
      await mkdir(ports.reports, { recursive: true });
      await writeFileAtomic(path.join(ports.reports, `${input.campaignId}.html`), html);
      return objects.put(Buffer.from(html), MEDIA_TYPES.html);
    });
  }

  return {
    registerModel,
    ...createRolloutActivities(ports, production),
    rollbackModel,
    recordRound,
    recordDeployment,
    closeCampaign,
    writeReport,
    ...createTrackingActivities(ports),
    ...createModelUploadActivities(ports),
  };
}

export type DeployActivities = ReturnType<typeof createDeployActivities>;
