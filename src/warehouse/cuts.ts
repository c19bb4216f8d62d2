import {
  canonicalJson,
  MEDIA_TYPES,
  SHARD_ROWS,
  type ArtifactRef,
  type CampaignConfig,
  type Cut,
  type DataBranch,
  type DatasetVersion,
  type Molecule,
  type PropertyCut,
  type TrainingRow,
} from '../contracts';
import { encodeNdjson, hashOf } from '../foundation';
import { parseRecord, type ObjectStore } from '../objects';
import type { Datasets } from '../datasets';
import { takeStock, type OpenedBatch, type StandingResult, type Stock } from './knowledge';

/** Raised when a cut comes to mean something else; part of every cutId. */
const CUT_SCHEMA = 'titrate.cut/1';

export interface CutRequest {
  readonly campaignId: string;
  readonly round: number;
  /** Name of a cut beside that of the round. */
  readonly aside?: string;
  readonly config: CampaignConfig;
  readonly version: DatasetVersion;
  /** The branch in force; null while the data were never moved. */
  readonly branch: DataBranch | null;
  /** Chunks of results that have arrived. */
  readonly chunks: number;
  /** Standing results that count, and every standing one. */
  readonly results: readonly StandingResult[];
  readonly arrived: readonly StandingResult[];
  readonly batches: readonly OpenedBatch[];
}

const prefixOf = (campaignId: string) => `campaigns/${campaignId}/cuts/`;
const recordKey = (campaignId: string, round: number, branch: number, aside?: string) =>
  `${prefixOf(campaignId)}${round}${branch ? `/branch/${branch}` : ''}${aside === undefined ? '' : `/aside/${aside}`}`;
const CUT_RECORD = /^(\d+)(?:\/branch\/(\d+))?$/;

/** Whether a campaign's models are compared or judged by later measurements: only then does it need to know when each was made. */
export const splitsByTime = ({ exploration, training }: Pick<CampaignConfig, 'exploration' | 'training'>) =>
  exploration.split === 'time' || training.split === 'time';

/** The cut that was recorded for a round on a branch (0: the data were not moved), if one was. */
export async function readCut(
  objects: ObjectStore,
  campaignId: string,
  round: number,
  branch: number,
  aside?: string,
): Promise<Cut | null> {
  const key = recordKey(campaignId, round, branch, aside);
  const bytes = await objects.readRecord(key);
  return bytes ? parseRecord<Cut>(bytes, key) : null;
}

/** Every cut of a campaign, by round and branch. */
export async function readCuts(objects: ObjectStore, campaignId: string): Promise<Cut[]> {
  const prefix = prefixOf(campaignId);
  const places = (await objects.listRecords(prefix)).flatMap((key) => {
    const match = CUT_RECORD.exec(key.slice(prefix.length));
    return match ? [{ round: Number(match[1]), branch: Number(match[2] ?? 0) }] : [];
  });
  places.sort((a, b) => a.round - b.round || a.branch - b.branch);
  return Promise.all(
    places.map(async ({ round, branch }) => (await readCut(objects, campaignId, round, branch))!),
  );
}

/**
 * Fixes what a round knows; where another writer was first, its cut stands and is returned.
 *
 * `cutId` hashes the data version and the bytes of what is known (result ids, training table, pending, excluded), not the campaign,
 * the round or any reference's place: equal knowledge gives equal ids. Where the data were moved, the number of the branch is hashed too,
 * and where there are further properties, their names and tables.
 * @throws TitrateError unit-unknown when values measured before are in another unit than the objective.
 */
export async function recordCut(
  objects: ObjectStore,
  datasets: Pick<Datasets, 'measuredValues' | 'findMolecules'>,
  request: CutRequest,
): Promise<Cut> {
  const { campaignId, round, aside, config, version, branch, results, arrived, batches } = request;
  const { direction, unit } = config.objective;
  const further = (config.objective.others ?? []).map(({ property }) => property);
  const prior = await datasets.measuredValues(version, unit);
  const stock = takeStock({
    ...{ results, arrived, batches, prior, direction, others: further },
    retryFailed: config.lab.retryFailed,
  });

  const put = (rows: readonly unknown[]): Promise<ArtifactRef> =>
    objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
  const asMolecules = (ids: readonly string[]) => ids.map((moleculeId) => ({ moleculeId }));
  const resultIds = await put(stock.resultIds);
  const training = await put(stock.training);
  const dates = splitsByTime(config) ? await put(stock.dates) : undefined;
  const pending = await put(asMolecules(stock.pending));
  const excluded = await put(asMolecules(stock.excluded));

  const others = await Promise.all(
    stock.others.map(async (known, i): Promise<PropertyCut> => ({
      property: further[i]!,
      training: await put(known.training),
      labels: known.training.length,
      measured: known.measured,
      censored: known.censored,
      failed: known.failed.length,
      ...(splitsByTime(config) && { dates: await put(known.dates) }),
    })),
  );

  const labelled = labelledOf(stock);
  const inPool = await datasets.findMolecules(
    version,
    labelled.map((row) => row.moleculeId),
  );
  const outside: Molecule[] = labelled
    .filter((row) => !inPool.has(row.moleculeId))
    .map(({ moleculeId, smiles }) => ({
      moleculeId,
      smiles,
      inchiKey: stock.inchiKeys.get(moleculeId) ?? '',
    }));
  const extraShards: ArtifactRef[] = [];
  for (let at = 0; at < outside.length; at += SHARD_ROWS)
    extraShards.push(await put(outside.slice(at, at + SHARD_ROWS)));

  const identity = {
    schema: CUT_SCHEMA,
    dataVersion: version.id,
    resultIds: resultIds.sha256,
    training: training.sha256,
    pending: pending.sha256,
    excluded: excluded.sha256,
    ...(dates && { dates: dates.sha256 }),
    ...(branch ? { branch: branch.number } : {}),
    ...(others.length > 0 && {
      others: others.map(({ property, training: table, dates: when }) => ({
        ...{ property, training: table.sha256 },
        ...(when && { dates: when.sha256 }),
      })),
    }),
  };
  const cut: Cut = {
    cutId: `cut_${hashOf(identity).slice(0, 32)}`,
    campaignId,
    round,
    dataVersion: version.id,
    branch: branch?.number ?? 0,
    chunks: request.chunks,
    resultIds,
    training,
    ...(dates && { dates }),
    labels: stock.training.length,
    measured: stock.measured,
    censored: stock.censored,
    failed: stock.failed.length,
    abandoned: stock.abandoned.length,
    pending,
    pendingCount: stock.pending.length,
    excluded,
    extraShards,
    best: stock.best,
    ...(others.length > 0 && { others }),
  };
  const key = recordKey(campaignId, round, cut.branch!, aside);
  await objects.createRecord(key, Buffer.from(canonicalJson(cut), 'utf8'));
  return (await readCut(objects, campaignId, round, cut.branch!, aside))!;
}

/** A row of each molecule that has a value or bound of any property, by id. */
function labelledOf({ training, others }: Stock): readonly TrainingRow[] {
  if (others.length === 0) return training;
  const rows = new Map(others.flatMap((known) => known.training.map((row) => [row.moleculeId, row])));
  for (const row of training) rows.set(row.moleculeId, row);
  return [...rows.values()].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
}
