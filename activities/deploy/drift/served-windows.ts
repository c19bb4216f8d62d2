import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  asTitrateError,
  parseWith,
  predictionRecordSchema,
  predictionSegmentSchema,
  type PredictionRecord,
  type PredictionSegment,
  type ServedPlace,
} from '../../../src/contracts';

/** One sampled prediction with what its segment says of all of its records. */
export interface ServedRecord {
  readonly record: PredictionRecord;
  readonly segment: PredictionSegment;
}

export interface ServedWindow {
  readonly records: readonly ServedRecord[];
  readonly place: ServedPlace;
}

export interface ServedStretch {
  readonly windows: readonly ServedWindow[];
  /** Whether there are whole windows after these. */
  readonly more: boolean;
  /** Records that are waiting for the rest of a window. */
  readonly left: number;
  /** Files that could not be read, in words. */
  readonly unreadable: readonly string[];
}

/** Several servers write to one folder, each when its stretch of time is over: what is younger may still get company before it. */
const SETTLED_MS = 60_000;
/** The longest time of a segment; a file that is older than that before the place was read before. */
const LONGEST_MS = 86_400_000;

const VERSION = /^v[1-9]\d*$/;

/** Versions of a campaign's models that something was asked of, `v3`, in the order of their numbers. */
export async function servedVersions(directory: string, campaignId: string): Promise<string[]> {
  const names = await readdir(path.join(directory, campaignId)).catch(() => []);
  return names.filter((name) => VERSION.test(name)).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

const isAfter = (a: Pick<ServedPlace, 'to' | 'name'>, b: Pick<ServedPlace, 'to' | 'name'>) =>
  a.to > b.to || (a.to === b.to && a.name > b.name);

/** @throws TitrateError artifact-corrupt for a file that is no segment */
async function readSegment(
  file: string,
): Promise<{ segment: PredictionSegment; records: PredictionRecord[] }> {
  const [head, ...lines] = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  const parse = (line: string): unknown => JSON.parse(line);
  return {
    segment: parseWith(predictionSegmentSchema, parse(head ?? 'null'), file, 'artifact-corrupt'),
    records: lines.map((line) => parseWith(predictionRecordSchema, parse(line), file, 'artifact-corrupt')),
  };
}

/**
 * The whole windows of a version's serving log after a place, in the order in which its segments ended. A segment that a window ends in is
 * gone on with by the next one.
 * @param after where the window before ended; null at the beginning @param size records of a window @param most windows at once
 * @param now milliseconds since 1970
 */
export async function servedWindows(
  folder: string,
  after: ServedPlace | null,
  { size, most, now }: { readonly size: number; readonly most: number; readonly now: number },
): Promise<ServedStretch> {
  const segments: {
    place: Omit<ServedPlace, 'records'>;
    segment: PredictionSegment;
    records: PredictionRecord[];
  }[] = [];
  const unreadable: string[] = [];
  for (const name of (await readdir(folder).catch(() => [])).filter((each) => each.endsWith('.ndjson'))) {
    const file = path.join(folder, name);
    try {
      if (after && (await stat(file)).mtimeMs < Date.parse(after.to) - LONGEST_MS) continue;
      const { segment, records } = await readSegment(file);
      const place = { to: segment.to, name };
      const isRead = after && !isAfter(place, after) && place.name !== after.name;
      if (!isRead && Date.parse(segment.to) <= now - SETTLED_MS) segments.push({ place, segment, records });
    } catch (error) {
      // A file that its retention took away meanwhile is none; another one is told.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        unreadable.push(`${name}: ${asTitrateError(error).message}`);
    }
  }
  segments.sort((a, b) => (isAfter(a.place, b.place) ? 1 : -1));
  const windows: ServedWindow[] = [];
  let open: ServedRecord[] = [];
  for (const { place, segment, records } of segments) {
    const from = after && place.name === after.name ? after.records : 0;
    for (let at = from; at < records.length; at++) {
      open.push({ record: records[at]!, segment });
      if (open.length < size) continue;
      if (windows.length === most) return { windows, more: true, left: 0, unreadable };
      windows.push({ records: open, place: { ...place, records: at + 1 } });
      open = [];
    }
  }
  return { windows, more: false, left: open.length, unreadable };
}
