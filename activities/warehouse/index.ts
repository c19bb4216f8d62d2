import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import {
  INLINE_PICKS,
  MEDIA_TYPES,
  TitrateError,
  labResultSchema,
  type ArtifactRef,
  type BatchSheet,
  type CampaignConfig,
  type Cut,
  type LabResult,
  type LandedSource,
  type Molecule,
  type Pick,
  type Receipt,
  type SourceSpec,
} from '../../src/contracts';
import { sealBatch } from '../../src/acquisition';
import { sha256 } from '../../src/foundation';
import type { BatchProgress, CommitDatasetRequest, ResolvedResult } from '../../src/warehouse';
import type { CampaignHeader } from '../../src/tracking';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { WarehousePorts } from '../shared/ports';
import { parseResultsFile } from './results-file';

/** A dataset version as workflows carry it: the manifest stays in the warehouse. */
export interface PoolSummary {
  readonly dataVersion: string;
  readonly molecules: number;
  /** JSON array of the shards' ArtifactRefs. */
  readonly shards: ArtifactRef;
  readonly shardCount: number;
  readonly acceptedRows: number;
  readonly quarantinedRows: number;
  readonly duplicateRows: number;
  readonly measuredRows: number;
}

export interface RecordResultsRequest {
  readonly campaignId: string;
  readonly dataVersion: string;
  readonly batchId: string | null;
  /** Valid rows; those that came with a SMILES carry its standard molecule. */
  readonly rows: readonly (LabResult & { readonly molecule?: Molecule })[];
  /** Rows refused before they got here, kept beside the results so that nothing posted vanishes. */
  readonly rejected: readonly { readonly receipt: Receipt; readonly row: unknown }[];
}

export interface PublishBatchRequest {
  readonly campaignId: string;
  readonly round: number;
  readonly batchId: string;
  /** NDJSON of Pick. */
  readonly picks: ArtifactRef;
  readonly objective: CampaignConfig['objective'];
  readonly modelVersion: string | null;
  readonly modelSha256: string | null;
  readonly dataVersion: string;
  readonly cutId: string;
  readonly rule: Record<string, unknown>;
}
export interface PublishedBatch {
  readonly batchId: string;
  readonly sheet: ArtifactRef;
  readonly seal: string;
  readonly size: number;
  /** Picks without a terminal outcome: all of them, unless results came before the batch was handed out. */
  readonly outstanding: number;
  /** The sheet itself when it has at most INLINE_PICKS picks. */
  readonly inline: BatchSheet | null;
}

const asText = (bytes: Buffer) => bytes.toString('utf8');

export function createWarehouseActivities(ports: WarehousePorts) {
  const { objects, warehouse, log, workingDirectory } = ports;
  const artifacts = jsonArtifacts(objects);

  /** Stores the bytes of a source under their own hash. A second landing of the same file is the same object. */
  async function landSource(source: SourceSpec): Promise<LandedSource> {
    const file = path.resolve(workingDirectory, source.uri.replace(/^file:\/\//, ''));
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) {
      throw new TitrateError('source-missing', {
        what: found ? 'this is not a file' : `there is no such file (looked for ${file})`,
        where: source.uri,
        remedy: `Paths start at the directory of the warehouse worker, ${workingDirectory}`,
      });
    }
    return withHeartbeat(async () => ({
      source,
      raw: await objects.putStream(createReadStream(file), MEDIA_TYPES.raw),
    }));
  }

  async function commitDataset(request: CommitDatasetRequest): Promise<PoolSummary> {
    return withHeartbeat(async () => {
      const version = await warehouse.commitDataset(request);
      return {
        dataVersion: version.id,
        molecules: version.molecules,
        shards: await artifacts.putJson(version.shards),
        shardCount: version.shards.length,
        acceptedRows: version.acceptedRows,
        quarantinedRows: version.quarantinedRows,
        duplicateRows: version.duplicateRows,
        measuredRows: version.measuredRows,
      };
    });
  }

  async function openCampaign(header: CampaignHeader): Promise<void> {
    await log.open(header);
  }

  /** Reads a results file (JSON array, `{ results: [...] }` or NDJSON; an artifact or a path) into rows to be taken in. */
  async function landResults(input: {
    ref: ArtifactRef | string;
  }): Promise<{ rows: ArtifactRef; count: number }> {
    const { ref } = input;
    let bytes: Buffer;
    if (typeof ref === 'string') {
      const file = path.resolve(workingDirectory, ref);
      bytes = await readFile(file).catch((error: Error) => {
        throw new TitrateError('source-missing', {
          what: `the results file cannot be read: ${error.message}`,
          where: ref,
        });
      });
      await objects.put(bytes, MEDIA_TYPES.raw);
    } else {
      bytes = await objects.get(ref);
    }
    const rows = parseResultsFile(asText(bytes), typeof ref === 'string' ? ref : ref.uri);
    return { rows: await artifacts.putRows(rows), count: rows.length };
  }

  /** Takes posted rows in, and tells how many picks of the open batch are still out. */
  async function recordResults(
    request: RecordResultsRequest,
  ): Promise<{ receipts: Receipt[]; progress: BatchProgress | null }> {
    const { campaignId, dataVersion, rows, rejected, batchId } = request;
    if (rejected.length) {
      const bytes = Buffer.from(JSON.stringify(rejected));
      await objects.createRecord(`campaigns/${campaignId}/rejected/${sha256(bytes)}`, bytes);
    }
    const byId = rows.filter((row) => !row.molecule).map((row) => row.moleculeId!);
    const known = await warehouse.findMolecules(dataVersion, [...new Set(byId)]);
    const unknown: Receipt[] = [];
    const resolved: ResolvedResult[] = [];
    for (const { molecule, ...row } of rows) {
      const moleculeId = molecule?.moleculeId ?? row.moleculeId!;
      const standardSmiles = molecule?.smiles ?? known.get(moleculeId)?.smiles;
      if (standardSmiles) {
        resolved.push({ ...labResultSchema.parse(row), moleculeId, standardSmiles });
      } else {
        const message = `moleculeId ${moleculeId} is not in the pool; give its smiles`;
        unknown.push({ resultId: row.resultId, status: 'rejected', moleculeId, message });
      }
    }
    const recorded = resolved.length ? await warehouse.recordResults(campaignId, resolved) : { receipts: [] };
    return {
      receipts: [...recorded.receipts, ...unknown, ...rejected.map(({ receipt }) => receipt)],
      progress: batchId ? await warehouse.batchProgress(campaignId, batchId) : null,
    };
  }

  async function closeCut(input: {
    campaignId: string;
    round: number;
    dataVersion: string;
    config: CampaignConfig;
  }): Promise<Cut> {
    return withHeartbeat(() => warehouse.closeCut(input));
  }

  /** Seals the batch, marks its molecules as out with the lab, and fixes it: a retry returns the batch that stands. */
  async function publishBatch(request: PublishBatchRequest): Promise<PublishedBatch> {
    const { campaignId, round, batchId, objective } = request;
    const picks = await artifacts.getRows<Pick>(request.picks);
    const known = await warehouse.findMolecules(
      request.dataVersion,
      picks.map((pick) => pick.moleculeId),
    );
    const sheet = sealBatch({
      batchId,
      campaignId,
      round,
      property: objective.property,
      unit: objective.unit,
      direction: objective.direction,
      modelVersion: request.modelVersion,
      modelSha256: request.modelSha256,
      dataVersion: request.dataVersion,
      cutId: request.cutId,
      rule: request.rule,
      picks: picks.map((pick) => {
        const compoundId = known.get(pick.moleculeId)?.compoundId;
        return compoundId === undefined ? pick : { ...pick, compoundId };
      }),
    });
    const ref = await artifacts.putJson(sheet);
    const key = `campaigns/${campaignId}/batches/${String(round).padStart(6, '0')}`;
    if (!(await objects.createRecord(key, Buffer.from(JSON.stringify(ref))))) {
      const standing = JSON.parse(asText((await objects.readRecord(key))!)) as ArtifactRef;
      if (standing.sha256 !== ref.sha256) {
        throw ApplicationFailure.nonRetryable(
          `batch ${batchId} was sealed before with other picks; a sealed batch is never replaced`,
          'conflict',
        );
      }
    }
    await warehouse.openBatch(campaignId, batchId, round, sheet.picks);
    const { outstanding } = await warehouse.batchProgress(campaignId, batchId);
    const size = sheet.picks.length;
    return {
      batchId,
      sheet: ref,
      seal: sheet.seal,
      size,
      outstanding,
      inline: size <= INLINE_PICKS ? sheet : null,
    };
  }

  return { landSource, commitDataset, openCampaign, landResults, recordResults, closeCut, publishBatch };
}

export type WarehouseActivities = ReturnType<typeof createWarehouseActivities>;
