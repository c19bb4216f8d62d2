import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  FIRST_STANDARDISATION,
  INLINE_PICKS,
  MEDIA_TYPES,
  TitrateError,
  labResultSchema,
  ruleSetName,
  type ArtifactRef,
  type BatchSheet,
  type CampaignConfig,
  type Cut,
  type DatasetVersion,
  type LandedSource,
  type PassedOverMolecule,
  type Pick,
  type Receipt,
  type SourceSpec,
  type Standardisation,
} from '../../src/contracts';
import { sealBatch } from '../../src/acquisition';
import { sha256 } from '../../src/foundation';
import type { CommitDatasetRequest } from '../../src/datasets';
import type { BatchProgress, MovedData, ResolvedResult, RollbackDataRequest } from '../../src/warehouse';
import type { CampaignHeader } from '../../src/tracking';
import type { ResolvedRow } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { WarehousePorts } from '../shared/ports';
import { frontOf } from './front';
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
  /** Further properties that a pick is measured for. */
  readonly others?: readonly string[];
  /** Valid rows; those that came with a SMILES carry its standard molecule. */
  readonly rows: readonly ResolvedRow[];
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
  /** Left out where nobody was. */
  readonly passedOver?: readonly PassedOverMolecule[];
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

/** What is known of a molecule that a result names by its id. */
interface KnownMolecule {
  readonly smiles: string;
  readonly inchiKey?: string;
}

const asText = (bytes: Buffer) => bytes.toString('utf8');

export function createWarehouseActivities(ports: WarehousePorts) {
  const { objects, datasets, landing, warehouse, log, workingDirectory } = ports;
  const artifacts = jsonArtifacts(objects);

  /** Stores the bytes of a source under their own hash, in the temporary area. A second landing of the same bytes is the same object. */
  async function landSource(source: SourceSpec): Promise<LandedSource> {
    return withHeartbeat((signal, progress) =>
      landing.land(source, {
        signal,
        onProgress: (bytes, total) => progress({ source: source.uri, bytes, total }),
      }),
    );
  }

  async function summarise(version: DatasetVersion): Promise<PoolSummary> {
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
  }

  async function commitDataset(request: CommitDatasetRequest): Promise<PoolSummary> {
    return withHeartbeat(async () => {
      const { version } = await datasets.commit(request);
      await warehouse.indexDataset(version);
      return summarise(version);
    });
  }

  /**
   * A version that a campaign can work on.
   * @throws config-invalid when it was standardised by other rules than the campaign's: results would not find their molecules.
   */
  async function versionFor(
    reference: string,
    standardisation = FIRST_STANDARDISATION,
  ): Promise<DatasetVersion> {
    const version = await datasets.resolve(reference);
    const wanted = ruleSetName(standardisation);
    if (version.ruleSet !== wanted) {
      throw new TitrateError('config-invalid', {
        what: `the dataset was standardised by ${version.ruleSet}, the campaign works with ${wanted}`,
        where: `${reference} (${version.id})`,
        remedy:
          'Set pool.standardisation to the rules of the dataset, or ingest its sources again with those of the campaign',
      });
    }
    await datasets.requireBytes(version);
    return version;
  }

  /** @throws as versionFor; unit-unknown where values measured earlier are in another unit than the campaign's. */
  async function usableVersion(
    reference: string,
    standardisation: Standardisation | undefined,
    unit: string | undefined,
  ): Promise<DatasetVersion> {
    const version = await versionFor(reference, standardisation);
    if (version.measuredRows) await datasets.measuredValues(version, unit);
    return version;
  }

  async function openDataset(input: {
    reference: string;
    standardisation?: Standardisation;
    unit?: string;
  }): Promise<PoolSummary> {
    return withHeartbeat(async () =>
      summarise(await usableVersion(input.reference, input.standardisation, input.unit)),
    );
  }

  /** Moves a campaign's data to another version, an earlier cut, or back to the latest. */
  async function rollbackData(
    request: RollbackDataRequest & { standardisation?: Standardisation; unit?: string },
  ): Promise<{ moved: MovedData; pool: PoolSummary }> {
    const { standardisation, unit, ...move } = request;
    return withHeartbeat(async () => {
      // Looked at first: a version that the campaign cannot use must not become its branch.
      if (!/^(?:latest$|round\/|cut_)/.test(move.to)) {
        await usableVersion(move.to, standardisation, unit);
      }
      const moved = await warehouse.rollbackData(move);
      return { moved, pool: await summarise(await versionFor(moved.branch.dataVersion, standardisation)) };
    });
  }

  async function openCampaign(header: CampaignHeader): Promise<void> {
    await log.open(header);
  }

  /** Reads a results file (JSON array, `{ results: [...] }` or NDJSON; an artifact or a path) into rows to be taken in. */
  const landResults = (input: { ref: ArtifactRef | string }) => withHeartbeat(() => readResults(input));

  async function readResults(input: {
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

  /** Every pick of every batch that the campaign handed out. */
  async function pickedBefore(campaignId: string): Promise<Pick[]> {
    const picks: Pick[] = [];
    for (const key of await objects.listRecords(`campaigns/${campaignId}/batches/`)) {
      const ref = JSON.parse(asText((await objects.readRecord(key))!)) as ArtifactRef;
      picks.push(...(await artifacts.getJson<BatchSheet>(ref)).picks);
    }
    return picks;
  }

  /** Takes posted rows in, and tells how many picks of the open batch are still out. */
  const recordResults = (request: RecordResultsRequest) => withHeartbeat(() => record(request));

  async function record(
    request: RecordResultsRequest,
  ): Promise<{ receipts: Receipt[]; progress: BatchProgress | null }> {
    const { campaignId, dataVersion, rows, rejected, batchId, others } = request;
    if (rejected.length) {
      const bytes = Buffer.from(JSON.stringify(rejected));
      await objects.createRecord(`campaigns/${campaignId}/rejected/${sha256(bytes)}`, bytes);
    }
    const byId = rows.filter((row) => !row.molecule).map((row) => row.moleculeId!);
    const version = await datasets.version(dataVersion);
    const known = new Map<string, KnownMolecule>(await datasets.findMolecules(version, [...new Set(byId)]));
    if (byId.some((id) => !known.has(id))) {
      // Molecules of a batch that went out before the data were moved may not be in today's pool.
      for (const pick of await pickedBefore(campaignId))
        if (!known.has(pick.moleculeId)) known.set(pick.moleculeId, { smiles: pick.smiles });
    }
    const unknown: Receipt[] = [];
    const resolved: ResolvedResult[] = [];
    for (const { molecule, reported, ...row } of rows) {
      const moleculeId = molecule?.moleculeId ?? row.moleculeId!;
      const found = molecule ?? known.get(moleculeId);
      if (found) {
        resolved.push({
          ...labResultSchema.parse(row),
          moleculeId,
          standardSmiles: found.smiles,
          ...(found.inchiKey ? { inchiKey: found.inchiKey } : {}),
          ...(reported ? { reported } : {}),
        });
      } else {
        const message = `moleculeId ${moleculeId} is neither in the pool nor in a batch of this campaign; give its smiles`;
        unknown.push({ resultId: row.resultId, status: 'rejected', moleculeId, message });
      }
    }
    const recorded = resolved.length ? await warehouse.recordResults(campaignId, resolved) : { receipts: [] };
    return {
      receipts: [...recorded.receipts, ...unknown, ...rejected.map(({ receipt }) => receipt)],
      progress: batchId ? await warehouse.batchProgress(campaignId, batchId, others) : null,
    };
  }

  async function closeCut(input: {
    campaignId: string;
    round: number;
    /** Name of a cut beside that of the round. */
    aside?: string;
    dataVersion: string;
    branch?: number;
    config: CampaignConfig;
  }): Promise<Cut> {
    return withHeartbeat(async () => {
      const cut = await warehouse.closeCut(input);
      const front = await frontOf(objects, cut, input.config.objective);
      // No record names the list of the pool's shards; storing it again keeps it young, so that a prune in a long wait spares it.
      await artifacts.putJson((await datasets.version(cut.dataVersion)).shards);
      return front === undefined ? cut : { ...cut, front };
    });
  }

  /** Seals the batch, marks its molecules as out with the lab, and fixes it: a retry returns the batch that stands. */
  const publishBatch = (request: PublishBatchRequest) => withHeartbeat(() => publish(request));

  async function publish(request: PublishBatchRequest): Promise<PublishedBatch> {
    const { campaignId, round, batchId, objective } = request;
    const picks = await artifacts.getRows<Pick>(request.picks);
    const known = await datasets.findMolecules(
      await datasets.version(request.dataVersion),
      picks.map((pick) => pick.moleculeId),
    );
    const fresh = sealBatch({
      batchId,
      campaignId,
      round,
      property: objective.property,
      unit: objective.unit,
      direction: objective.direction,
      ...(objective.others && {
        others: objective.others.map(({ property, unit, direction }) => ({
          ...{ property, direction },
          ...(unit !== undefined && { unit }),
        })),
      }),
      modelVersion: request.modelVersion,
      modelSha256: request.modelSha256,
      dataVersion: request.dataVersion,
      cutId: request.cutId,
      rule: request.rule,
      picks: picks.map((pick) => {
        const compoundId = known.get(pick.moleculeId)?.compoundId;
        return compoundId === undefined ? pick : { ...pick, compoundId };
      }),
      ...(request.passedOver && { passedOver: [...request.passedOver] }),
    });
    const { sheet, ref } = await standingSheet(campaignId, round, fresh);
    await warehouse.openBatch(campaignId, batchId, round, sheet.picks);
    const { outstanding } = await warehouse.batchProgress(
      campaignId,
      batchId,
      objective.others?.map(({ property }) => property),
    );
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

  /**
   * A sealed batch is never replaced. A round that is played again on other data (its records failed, and somebody moved the data
   * meanwhile) hands out the batch that stands; one that comes to other picks on the same cut is a fault.
   */
  async function standingSheet(
    campaignId: string,
    round: number,
    sheet: BatchSheet,
  ): Promise<{ sheet: BatchSheet; ref: ArtifactRef }> {
    const ref = await artifacts.putJson(sheet);
    const key = `campaigns/${campaignId}/batches/${String(round).padStart(6, '0')}`;
    if (await objects.createRecord(key, Buffer.from(JSON.stringify(ref)))) return { sheet, ref };
    const standingRef = JSON.parse(asText((await objects.readRecord(key))!)) as ArtifactRef;
    if (standingRef.sha256 === ref.sha256) return { sheet, ref };
    const standing = await artifacts.getJson<BatchSheet>(standingRef);
    if (standing.cutId !== sheet.cutId) return { sheet: standing, ref: standingRef };
    throw new TitrateError('contradiction', {
      what: `batch ${sheet.batchId} was sealed before with other picks on the same cut; a sealed batch is never replaced`,
      where: `campaign '${campaignId}', round ${round}`,
      remedy: 'See which worker computed each: the picks of one cut are the same everywhere',
    });
  }

  return {
    landSource,
    commitDataset,
    openDataset,
    rollbackData,
    openCampaign,
    landResults,
    recordResults,
    closeCut,
    publishBatch,
  };
}

export type WarehouseActivities = ReturnType<typeof createWarehouseActivities>;
