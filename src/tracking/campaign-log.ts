import type { ArtifactRef, CampaignConfig, CampaignRecord, Cut, RoundRecord, RoundWork } from '../contracts';
import { MEDIA_TYPES, TitrateError } from '../contracts';
import type { ObjectStore } from '../objects';

/** What a campaign is and how it ended, beside its rounds. */
export interface CampaignHeader {
  readonly campaignId: string;
  readonly config: CampaignConfig;
  readonly dataVersion: string;
  readonly poolSize: number;
}
export interface CampaignEnd {
  readonly stopReason: string;
  /** The numbers behind it, in plain words. */
  readonly stopWhy?: string;
  readonly finalCut: Cut | null;
}

/**
 * A campaign's own history, in records that are written once: it outlives the server's retention and needs no server to read.
 * `campaigns/<id>/header`, `campaigns/<id>/rounds/<n>`, `campaigns/<id>/end`; each round's record is an artifact. `campaigns/<id>/work/<n>` is what the server recorded of a round's work.
 */
export interface CampaignLog {
  open(header: CampaignHeader): Promise<void>;
  /** The first record of a round stands; a retry returns it. */
  recordRound(campaignId: string, record: RoundRecord): Promise<ArtifactRef>;
  /** How the rollout of a round's model ended: known after the round's record is written. */
  recordDeployment(
    campaignId: string,
    round: number,
    deployment: RoundRecord['summary']['deployment'],
  ): Promise<void>;
  /** The first one stands. */
  recordWork(campaignId: string, work: RoundWork): Promise<void>;
  /** Of the rounds that have one, in order. */
  work(campaignId: string): Promise<RoundWork[]>;
  close(campaignId: string, end: CampaignEnd): Promise<void>;
  campaigns(): Promise<string[]>;
  /** What is on record of a campaign's rounds, in order; of a cycle that was started alone there is no configuration. */
  rounds(
    campaignId: string,
  ): Promise<{ readonly config: CampaignConfig | null; readonly rounds: RoundRecord[] }>;
  /** The rounds on record, in order, and the artifact of each: its hash says which record was read. */
  roundRecords(campaignId: string): Promise<{ readonly round: number; readonly record: ArtifactRef }[]>;
  /** @throws not-found, naming the campaigns there are. */
  read(campaignId: string): Promise<CampaignRecord>;
}

export function createCampaignLog(objects: ObjectStore): CampaignLog {
  const key = (campaignId: string, ...parts: (string | number)[]) =>
    ['campaigns', campaignId, ...parts].join('/');
  const number = (n: number) => String(n).padStart(6, '0');
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value));
  const readJson = async <T>(name: string): Promise<T | null> => {
    const bytes = await objects.readRecord(name);
    return bytes ? (JSON.parse(bytes.toString('utf8')) as T) : null;
  };

  const campaigns = async () => {
    const keys = await objects.listRecords('campaigns/');
    return [
      ...new Set(keys.filter((name) => name.endsWith('/header')).map((name) => name.split('/')[1]!)),
    ].sort();
  };

  const readRounds = async (campaignId: string): Promise<RoundRecord[]> => {
    const names = await objects.listRecords(`${key(campaignId, 'rounds')}/`);
    return Promise.all(
      names.map(async (name) => {
        const ref = (await readJson<ArtifactRef>(name))!;
        const record = JSON.parse((await objects.get(ref)).toString('utf8')) as RoundRecord;
        const deployment = await readJson<RoundRecord['summary']['deployment']>(
          key(campaignId, 'deployments', number(record.summary.round)),
        );
        return deployment ? { ...record, summary: { ...record.summary, deployment } } : record;
      }),
    );
  };

  return {
    async open(header) {
      await objects.createRecord(key(header.campaignId, 'header'), encode(header));
    },
    async recordRound(campaignId, record) {
      const name = key(campaignId, 'rounds', number(record.summary.round));
      const ref = await objects.put(encode(record), MEDIA_TYPES.json);
      if (await objects.createRecord(name, encode(ref))) return ref;
      return (await readJson<ArtifactRef>(name))!;
    },
    async recordDeployment(campaignId, round, deployment) {
      await objects.createRecord(key(campaignId, 'deployments', number(round)), encode(deployment));
    },
    async recordWork(campaignId, work) {
      await objects.createRecord(key(campaignId, 'work', number(work.round)), encode(work));
    },
    async work(campaignId) {
      const names = await objects.listRecords(`${key(campaignId, 'work')}/`);
      const works = await Promise.all(names.map(async (name) => (await readJson<RoundWork>(name))!));
      return works.sort((a, b) => a.round - b.round);
    },
    async close(campaignId, end) {
      await objects.createRecord(key(campaignId, 'end'), encode(end));
    },
    campaigns,
    async rounds(campaignId) {
      const header = await readJson<CampaignHeader>(key(campaignId, 'header'));
      return { config: header?.config ?? null, rounds: await readRounds(campaignId) };
    },
    async roundRecords(campaignId) {
      const names = await objects.listRecords(`${key(campaignId, 'rounds')}/`);
      const records = await Promise.all(
        names.map(async (name) => ({
          round: Number(name.split('/').at(-1)),
          record: (await readJson<ArtifactRef>(name))!,
        })),
      );
      return records.sort((a, b) => a.round - b.round);
    },
    async read(campaignId) {
      const header = await readJson<CampaignHeader>(key(campaignId, 'header'));
      if (!header) {
        const known = await campaigns();
        throw new TitrateError('not-found', {
          what: `there is no campaign '${campaignId}' here`,
          where: 'campaign log',
          remedy: known.length
            ? `Known: ${known.slice(-10).join(', ')}`
            : 'Start one with titrate campaign start',
        });
      }
      const end = await readJson<CampaignEnd>(key(campaignId, 'end'));
      return {
        campaignId,
        config: header.config,
        poolSize: header.poolSize,
        stopReason: end?.stopReason ?? null,
        ...(end?.stopWhy !== undefined && { stopWhy: end.stopWhy }),
        rounds: await readRounds(campaignId),
        finalCut: end?.finalCut ?? null,
      };
    },
  };
}
