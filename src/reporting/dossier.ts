import {
  TitrateError,
  type ArtifactRef,
  type BatchSheet,
  type CampaignRecord,
  type Cut,
  type HeldOutPrediction,
  type Molecule,
  type RoundRecord,
  type TrainingRow,
} from '../contracts';
import { verifySeal } from '../acquisition';
import { decodeNdjson, sha256 } from '../foundation';
import type { LoadArtifact } from './reporting';

/** A cut with its table in memory. */
export interface LoadedCut {
  readonly cut: Cut;
  readonly rows: ReadonlyMap<string, TrainingRow>;
  /** The same of each further property. */
  readonly others: readonly ReadonlyMap<string, TrainingRow>[];
  /** Rows whose molecule is in the pool. */
  readonly labelled: readonly TrainingRow[];
  readonly pending: ReadonlySet<string>;
  readonly excluded: ReadonlySet<string>;
}

export interface LoadedRound {
  readonly round: number;
  readonly record: RoundRecord;
  readonly cut: LoadedCut;
  readonly sheet: BatchSheet | null;
  /** Whether the sheet is, to the last digit, what was sealed before anything of it was measured. */
  readonly sealHolds: boolean | null;
  readonly predictions: readonly HeldOutPrediction[];
  /** The same of each further property: none where it had no model. */
  readonly others: readonly (readonly HeldOutPrediction[])[];
}

/** A campaign's record with every artifact that a report reads. */
export interface Dossier {
  readonly record: CampaignRecord;
  readonly rounds: readonly LoadedRound[];
  /** What was known when each round began, and after the last one. */
  readonly cuts: readonly LoadedCut[];
  readonly latest: LoadedCut | null;
}

/** Reads artifacts once each and checks every byte against the hash that names it. */
export function createReader(load: LoadArtifact) {
  const read = async (ref: ArtifactRef): Promise<Uint8Array> => {
    const bytes = await load(ref);
    const found = sha256(bytes);
    if (found !== ref.sha256) {
      throw new TitrateError('artifact-corrupt', {
        what: `the bytes have sha256 ${found}`,
        where: `artifact ${ref.sha256}`,
        remedy:
          'Restore the object from a copy; every number of a report must come from the bytes that its hash names',
      });
    }
    return bytes;
  };
  const parse =
    <T>(ref: ArtifactRef, decode: (bytes: Uint8Array) => T) =>
    async (): Promise<T> => {
      const bytes = await read(ref);
      try {
        return decode(bytes);
      } catch (cause) {
        const what = `it is not the JSON it should be: ${(cause as Error).message}`;
        throw new TitrateError('artifact-corrupt', { what, where: `artifact ${ref.sha256}` }, { cause });
      }
    };
  const kept = new Map<string, Promise<unknown>>();
  const once = <T>(ref: ArtifactRef, make: () => Promise<T>): Promise<T> => {
    if (!kept.has(ref.sha256)) kept.set(ref.sha256, make());
    return kept.get(ref.sha256) as Promise<T>;
  };
  return {
    rows: <T>(ref: ArtifactRef): Promise<T[]> =>
      once(
        ref,
        parse(ref, (bytes) => decodeNdjson<T>(bytes)),
      ),
    json: <T>(ref: ArtifactRef): Promise<T> =>
      once(
        ref,
        parse(ref, (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as T),
      ),
  };
}
type Reader = ReturnType<typeof createReader>;

/** Measured molecules that are not in the pool, over all cuts. */
async function outsidePool(cuts: readonly Cut[], reader: Reader): Promise<Set<string>> {
  const outside = new Set<string>();
  for (const cut of cuts) {
    for (const shard of cut.extraShards) {
      for (const molecule of await reader.rows<Molecule>(shard)) outside.add(molecule.moleculeId);
    }
  }
  return outside;
}

async function loadCut(cut: Cut, outside: ReadonlySet<string>, reader: Reader): Promise<LoadedCut> {
  const ids = async (ref: ArtifactRef) =>
    new Set((await reader.rows<{ moleculeId: string }>(ref)).map((row) => row.moleculeId));
  const table = await reader.rows<TrainingRow>(cut.training);
  const byMolecule = (rows: readonly TrainingRow[]) => new Map(rows.map((row) => [row.moleculeId, row]));
  const others: ReadonlyMap<string, TrainingRow>[] = [];
  for (const { training } of cut.others ?? [])
    others.push(byMolecule(await reader.rows<TrainingRow>(training)));
  return {
    cut,
    rows: byMolecule(table),
    others,
    labelled: table.filter((row) => !outside.has(row.moleculeId)),
    pending: await ids(cut.pending),
    excluded: await ids(cut.excluded),
  };
}

const cutsOf = (record: CampaignRecord): Cut[] => [
  ...record.rounds.map((round) => round.cut),
  ...(record.finalCut ? [record.finalCut] : []),
];

/** The last cut of a campaign, loaded; null before the first. */
export async function loadLatestCut(record: CampaignRecord, load: LoadArtifact): Promise<LoadedCut | null> {
  const cuts = cutsOf(record);
  const reader = createReader(load);
  const last = cuts.at(-1);
  return last ? loadCut(last, await outsidePool(cuts, reader), reader) : null;
}

/** @throws TitrateError `artifact-corrupt` for bytes that are not what their hash says, and whatever `load` throws. */
export async function loadDossier(record: CampaignRecord, load: LoadArtifact): Promise<Dossier> {
  const reader = createReader(load);
  const outside = await outsidePool(cutsOf(record), reader);
  const rounds: LoadedRound[] = [];
  for (const round of record.rounds) {
    const others: HeldOutPrediction[][] = [];
    for (const { evaluation } of round.others ?? [])
      others.push(evaluation ? await reader.rows<HeldOutPrediction>(evaluation.predictions) : []);
    const sheet = round.sheet ? await reader.json<BatchSheet>(round.sheet) : null;
    rounds.push({
      round: round.summary.round,
      record: round,
      cut: await loadCut(round.cut, outside, reader),
      sheet,
      sealHolds: sheet ? verifySeal(sheet) : null,
      predictions: round.evaluation ? await reader.rows<HeldOutPrediction>(round.evaluation.predictions) : [],
      others,
    });
  }
  const final = record.finalCut ? await loadCut(record.finalCut, outside, reader) : null;
  const cuts = [...rounds.map((round) => round.cut), ...(final ? [final] : [])];
  return { record, rounds, cuts, latest: cuts.at(-1) ?? null };
}
