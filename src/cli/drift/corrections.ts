import { labResultSchema, TitrateError, type KeptAction, type LabResult } from '../../contracts';
import {
  inDoubt,
  offsetCorrections,
  sampleFromJson,
  type DriftSample,
  type OffsetCorrections,
  type SeenValue,
} from '../../drift';
import type { ObjectStore } from '../../objects';
import { createDriftLog, readDoubt, type CampaignLog } from '../../tracking';
import { readStandingResults } from '../../warehouse';
import { toCsv } from '../table';

/** What `titrate drift corrections --json` prints. */
export interface CorrectionsOfDoubt extends OffsetCorrections {
  readonly campaignId: string;
  readonly action: string;
  /** Plate or laboratory. */
  readonly subject: string;
  readonly found: NonNullable<KeptAction['found']>;
}

interface Records {
  readonly objects: ObjectStore;
  readonly log: CampaignLog;
}

const OFFSETS: ReadonlySet<string> = new Set(['plate-offset', 'lab-offset']);
const SETTLED: ReadonlySet<string> = new Set(['correct', 'exclude']);

/** The last action whose controls say that values are off. @throws not-found */
function latestOf(campaignId: string, actions: readonly KeptAction[]): string {
  const asked = actions.filter(({ record }) => record.action === 'control-plate');
  const settled = asked.filter(({ found }) => found && SETTLED.has(found.decision));
  const last = settled.at(-1);
  if (last) return last.record.id;
  throw new TitrateError('not-found', {
    what: 'no controls say that values are off',
    where: `drift of campaign '${campaignId}'`,
    remedy: asked.length
      ? asked.map(({ record, found }) => `${record.id}: ${found?.sentence ?? 'not back'}`).join('; ')
      : 'Controls are asked for when a plate or a laboratory looks off: titrate drift status',
  });
}

/** Of a molecule on its plate, the mean that was looked at. */
function seenIn({ smiles, plates, observed }: DriftSample, smilesOf: ReadonlyMap<string, string>): SeenValue {
  const keyOf = (text: string | null | undefined, plate: string | null | undefined) =>
    `${text ?? ''}\0${plate ?? ''}`;
  const values = new Map(smiles?.map((text, row) => [keyOf(text, plates?.[row]), observed?.[row] ?? NaN]));
  return ({ moleculeId, plate }) => values.get(keyOf(smilesOf.get(moleculeId), plate)) ?? null;
}

/**
 * What would have to be posted so that a plate or a laboratory that is off counts as its controls say. Posts nothing.
 * @param id of an action that asked for controls. Default: the last one whose controls say that values are off
 * @throws not-found; contradiction where its controls do not say so, or are of neither a plate nor a laboratory
 */
export async function correctionsOfDoubt(
  { objects, log }: Records,
  campaignId: string,
  id?: string,
): Promise<CorrectionsOfDoubt> {
  const driftLog = createDriftLog(objects);
  const chosen = id ?? latestOf(campaignId, await driftLog.actions(campaignId));
  const { action, look, doubt } = await readDoubt({ objects, log, driftLog }, campaignId, chosen);
  const { cause, subject } = doubt;
  if (cause === null || !OFFSETS.has(cause) || subject === null)
    throw new TitrateError('contradiction', {
      what: `${action.record.action} because of ${cause ?? 'what was not diagnosed'} puts neither a plate nor a laboratory in doubt`,
      where: `action '${chosen}' of campaign '${campaignId}'`,
    });
  const standing = (await readStandingResults(objects, campaignId)).filter(inDoubt(doubt));
  const sample = sampleFromJson((await objects.get(look.sample)).toString('utf8'));
  const smilesOf = new Map(doubt.batch?.picks.map(({ moleculeId, smiles }) => [moleculeId, smiles]));
  const made = offsetCorrections(
    { id: chosen, subject, found: action.found },
    standing,
    seenIn(sample, smilesOf),
  );
  return { campaignId, action: chosen, subject, found: action.found!, ...made };
}

const COLUMNS = Object.keys(labResultSchema.shape) as (keyof LabResult)[];

/** A table that `titrate results submit` reads: the columns that any of them fills. */
export function correctionsToCsv(corrections: readonly LabResult[]): string {
  const columns = COLUMNS.filter((column) => corrections.some((row) => row[column] !== undefined));
  return toCsv(
    columns,
    corrections.map((row) => columns.map((column) => row[column])),
  );
}
