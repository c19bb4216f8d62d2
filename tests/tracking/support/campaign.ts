import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  MEDIA_TYPES,
  type ArtifactRef,
  type CampaignConfig,
  type HeldOutPrediction,
  type ModelVersion,
  type RoundRecord,
} from '../../../src/contracts';
import { encodeNdjson } from '../../../src/foundation';
import { createFileObjectStore, createPointerLog } from '../../../src/objects';
import { createCampaignLog, createModelRegistry, createTrackingSpool } from '../../../src/tracking';
import { makeCard } from '../../serving/support/card';

export const CAMPAIGN = 'solubility-42';

/** Everything of a home directory that tracking works on. */
export function openHome(directory: string) {
  const objects = createFileObjectStore(path.join(directory, 'objects'));
  const pointers = createPointerLog(objects);
  return {
    directory,
    objects,
    registry: createModelRegistry({ objects, pointers }),
    log: createCampaignLog(objects),
    spool: createTrackingSpool(objects),
  };
}
export type Home = ReturnType<typeof openHome>;

export async function makeHome(): Promise<Home & { remove(): Promise<void> }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-tracking-'));
  return { ...openHome(directory), remove: () => rm(directory, { recursive: true, force: true }) };
}

export const predictionsOf = (round: number): HeldOutPrediction[] =>
  Array.from({ length: 5 }, (_, i) => ({
    moleculeId: `mol_${i}`,
    smiles: 'C'.repeat(i + 1),
    observed: -i / 3,
    predicted: -i / 3 + 0.1 * round,
    standardDeviation: 0.25,
    interval90: [-i / 3 - 0.4, -i / 3 + 0.4],
  }));

/** Trains (so to speak), registers and records a round the way the workflow does, two trials with two rungs and one that failed. */
export async function recordRound(home: Home, round: number): Promise<ModelVersion> {
  const { objects, registry, log } = home;
  const put = (text: string, type: string): Promise<ArtifactRef> => objects.put(Buffer.from(text), type);
  const weights = await put(`weights of round ${round} ${'w'.repeat(2_000)}`, MEDIA_TYPES.model);
  const training = await put(`{"moleculeId":"mol_0","value":${round}}\n`, MEDIA_TYPES.ndjson);
  const card = makeCard({ campaignId: CAMPAIGN, round, weights, training, labels: 30 * round });
  const version = await registry.register(CAMPAIGN, card, `${CAMPAIGN}/${round}/register`);
  await registry.moveAlias(CAMPAIGN, 'candidate', version, {
    operationId: `${CAMPAIGN}/${round}/candidate`,
    author: 'titrate',
    reason: 'test',
  });
  const trial = (trialId: string) => ({ trialId, settings: card.settings, featurizer: card.featurizer });
  const result = (trialId: string, rung: number) => ({
    trialId,
    rung,
    rows: 20 * (rung + 1),
    metrics: { ...card.metrics, rmse: 1 / (round + rung) },
    backend: 'float64',
    computeSeconds: 0.5,
  });
  const predictions = await objects.put(encodeNdjson(predictionsOf(round)), MEDIA_TYPES.ndjson);
  const record = {
    summary: {
      round,
      cutId: card.cutId,
      labels: card.labels,
      failed: 0,
      abandoned: 0,
      censored: 1,
      best: -0.5 + round,
      family: card.family,
      featurizer: 'morgan',
      backend: 'cpu',
      metrics: card.metrics,
      modelVersion: version.id,
      deployment: null,
      batchId: null,
      batchSize: 8,
      seal: null,
    },
    cut: { cutId: card.cutId },
    exploration: {
      subsetRows: 20,
      labels: card.labels,
      folds: 3,
      rungs: [],
      trials: [trial('gp-1'), trial('gp-2'), trial('gp-3')],
      results: [result('gp-1', 0), result('gp-2', 0), result('gp-1', 1)],
      failures: [{ trialId: 'gp-3', message: 'not positive definite' }],
      chosen: trial('gp-1'),
      rule: 'lowest error',
    },
    evaluation: {
      metrics: card.metrics,
      calibration: card.calibration,
      predictions,
      backend: 'float64',
      computeSeconds: 1,
    },
    model: version,
    sheet: null,
    timings: [{ stage: 'train', round, seconds: 1.5, cached: false }],
  };
  await log.recordRound(CAMPAIGN, record as unknown as RoundRecord);
  return version;
}

/** A campaign that has begun. */
export async function openCampaign(home: Home): Promise<void> {
  await home.log.open({
    campaignId: CAMPAIGN,
    config: { title: 'Solubility', seed: 1 } as unknown as CampaignConfig,
    dataVersion: 'data_1',
    poolSize: 100,
  });
}
