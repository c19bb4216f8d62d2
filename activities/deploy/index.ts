import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  MEDIA_TYPES,
  type ArtifactRef,
  type CampaignConfig,
  type Cut,
  type GateVerdict,
  type ModelCard,
  type ModelVersion,
  type RoundRecord,
  type RoundSummary,
  type StopReason,
} from '../../src/contracts';
import { writeFileAtomic } from '../../src/foundation';
import { renderReport } from '../../src/reporting';
import { judgeGates, type Deployment } from '../../src/rollout';
import { createPredictor, spellingInvariance } from '../../src/serving';
import { withHeartbeat } from '../shared/heartbeat';
import type { DeployPorts } from '../shared/ports';
import { createTrackingActivities } from './tracking';

export const PRODUCTION = 'production';
export const CANDIDATE = 'candidate';

export interface JudgeRequest {
  readonly campaignId: string;
  readonly version: ModelVersion;
  readonly limits: CampaignConfig['rollout'];
}

/** Effects are no cached steps: each reconciles to a desired state under its operation id. */
export function createDeployActivities(ports: DeployPorts) {
  const { objects, registry, deployer, log, chemistry, learning } = ports;

  async function registerModel(input: {
    campaignId: string;
    card: ModelCard;
    operationId: string;
  }): Promise<ModelVersion> {
    const version = await registry.register(input.campaignId, input.card, input.operationId);
    await registry.moveAlias(input.campaignId, CANDIDATE, version, {
      operationId: `${input.operationId}/${CANDIDATE}`,
      author: 'titrate',
      reason: `trained in round ${input.card.round} on ${input.card.labels} labels`,
    });
    return version;
  }

  async function judgeCandidate(input: JudgeRequest): Promise<GateVerdict[]> {
    return withHeartbeat(async () => {
      const candidate = await registry.card(input.version);
      const liveVersion = await registry.alias(input.campaignId, PRODUCTION);
      const live =
        liveVersion && liveVersion.id !== input.version.id ? await registry.card(liveVersion) : null;
      const predictor = createPredictor({ registry, objects, chemistry, learning });
      try {
        const invariance = await spellingInvariance({
          predictor,
          objects,
          version: input.version,
          card: candidate,
        });
        return judgeGates({ candidate, live, invariance, limits: input.limits });
      } finally {
        await predictor.close();
      }
    });
  }

  async function deployModel(input: {
    campaignId: string;
    version: ModelVersion;
    operationId: string;
    reason: string;
  }): Promise<Deployment> {
    return withHeartbeat(async (signal, progress) => {
      const by = { operationId: input.operationId, author: 'titrate', reason: input.reason };
      const live = await registry.alias(input.campaignId, PRODUCTION);
      if (live && live.number > input.version.number) {
        // A slow rollout of an earlier round does not undo a later one. Rolling back is another operation, and a person's.
        const message = `${input.version.id} was superseded: ${live.id} of a later round serves`;
        return { version: live.id, status: 'superseded', endpoint: '', message };
      }
      const deployment = await deployer.deploy({
        ...by,
        campaignId: input.campaignId,
        version: input.version,
        signal,
        onProgress: progress,
      });
      if (deployment.status === 'ready') {
        await registry.moveAlias(input.campaignId, PRODUCTION, input.version, {
          ...by,
          operationId: `${input.operationId}/${PRODUCTION}`,
        });
      }
      return deployment;
    });
  }

  async function recordRound(input: { campaignId: string; record: RoundRecord }): Promise<ArtifactRef> {
    return log.recordRound(input.campaignId, input.record);
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
    finalCut: Cut | null;
  }): Promise<void> {
    await log.close(input.campaignId, { stopReason: input.stopReason, finalCut: input.finalCut });
  }

  /** Renders the report as one self-contained page: into the object store, and as a file to open. */
  async function writeReport(input: { campaignId: string; at: string }): Promise<ArtifactRef> {
    return withHeartbeat(async () => {
      const html = await renderReport({
        record: await log.read(input.campaignId),
        load: (ref) => objects.get(ref),
        depict: (smiles) => chemistry.depict(smiles),
        generatedAt: input.at,
      });
      await mkdir(ports.reports, { recursive: true });
      await writeFileAtomic(path.join(ports.reports, `${input.campaignId}.html`), html);
      return objects.put(Buffer.from(html), MEDIA_TYPES.html);
    });
  }

  return {
    registerModel,
    judgeCandidate,
    deployModel,
    recordRound,
    recordDeployment,
    closeCampaign,
    writeReport,
    ...createTrackingActivities(ports),
  };
}

export type DeployActivities = ReturnType<typeof createDeployActivities>;
