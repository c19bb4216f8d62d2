import {
  MEDIA_TYPES,
  STEPS,
  type ArtifactRef,
  type QuarantineRow,
  type SourceReading,
  type SourceSpec,
  type StandardisedPart,
  type StandardisedSource,
  type StandardiseRequest,
} from '../contracts';
import { decodeNdjson } from '../foundation';
import type { ObjectStore, StepCache, StepOutcome } from '../objects';
import { detectReading, readSource, type SourceRecord } from '../sources';
import { orCancelled } from './concurrency';
import { checkSource } from './source-mapping';
import { sourceKey, type StandardiseInputs } from './step-keys';

const MAX_EXAMPLES = 3;
/** Objects asked for at once, when a list of parts is checked. */
const LOOKUPS_AT_ONCE = 16;

export interface SourceContext {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  /** RDKit's version. */
  readonly rdkit: string;
  readonly partRows: number;
  readonly signal?: AbortSignal;
}

/** What is recorded of a source: nothing of where its bytes lie or what it is called. */
type SourceOutput = Omit<StandardisedSource, 'source' | 'raw' | 'retrieval'>;

/** Opens the records of a landed source; each call reads from the start. */
export type OpenRecords = (onBytes?: (bytes: number) => void) => AsyncGenerator<SourceRecord>;

/**
 * A whole source as a cached step. How its parts come about is the caller's; what is recorded, and under which key, is the same
 * for all.
 * @param computeParts the parts in the order of the source; asked only when the source is not recorded, or recorded parts are gone
 * @throws TitrateError config-invalid; what detecting, reading and `computeParts` throw; cancelled.
 */
export async function standardiseSource(
  context: SourceContext,
  request: StandardiseRequest,
  computeParts: (inputs: StandardiseInputs, open: OpenRecords) => Promise<StandardisedPart[]>,
): Promise<StepOutcome<StandardisedSource>> {
  const { objects, steps, rdkit, partRows, signal } = context;
  const { caps, standardisation, landed } = request;
  const { source, raw, retrieval } = landed;
  checkSource(source);

  const openRaw = () => objects.openRead(raw);
  const reading = await orCancelled(readThrough(objects, raw, source), signal, source.uri);
  const inputs: StandardiseInputs = {
    sourceSha256: raw.sha256,
    source,
    reading,
    caps,
    standardisation,
    rdkit,
    partRows,
  };
  const open: OpenRecords = (onBytes) =>
    readSource({ raw: openRaw, localPath: () => objects.localPath(raw), source, reading, onBytes });

  const compute = async (): Promise<SourceOutput> => {
    const parts = await computeParts(inputs, open);
    const sum = (key: 'accepted' | 'quarantined') => parts.reduce((total, part) => total + part[key], 0);
    return {
      reading,
      standardisation,
      parts: await objects.put(Buffer.from(JSON.stringify(parts)), MEDIA_TYPES.json),
      accepted: sum('accepted'),
      quarantined: sum('quarantined'),
      examples: await describeQuarantine(objects, parts),
    };
  };

  let leading = false;
  const work = steps.run(STEPS.standardiseSource, sourceKey(inputs), () => {
    leading = true;
    return compute();
  });
  let outcome: StepOutcome<SourceOutput>;
  try {
    outcome = await orCancelled(work, signal, source.uri);
  } catch (error) {
    // Computing here: it sees the signal itself, and has things to put in order first.
    if (!leading) throw error;
    outcome = await work;
  }
  if (outcome.cached && !(await isWhole(objects, outcome.value.parts)))
    outcome = { ...outcome, value: await compute(), cached: false };

  const examples = outcome.value.examples.map((example) => `${source.uri}, ${example}`);
  return { ...outcome, value: { source, raw, retrieval, ...outcome.value, examples } };
}

/**
 * How to read the bytes, and that they are what their hash says: the store knows so at the end of a stream only, and parts are
 * recorded before that.
 */
async function readThrough(
  objects: ObjectStore,
  raw: ArtifactRef,
  source: SourceSpec,
): Promise<SourceReading> {
  let whole = false;
  const open = async () => {
    const stream = await objects.openRead(raw);
    stream.once('end', () => (whole = true));
    return stream;
  };
  const reading = await detectReading(open, source);
  if (!whole) for await (const piece of await objects.openRead(raw)) void piece;
  return reading;
}

async function readParts(objects: ObjectStore, parts: ArtifactRef): Promise<StandardisedPart[]> {
  return JSON.parse((await objects.get(parts)).toString('utf8')) as StandardisedPart[];
}

/** Whether every artifact of a recorded list of parts is still there; the step cache sees the list only. */
async function isWhole(objects: ObjectStore, list: ArtifactRef): Promise<boolean> {
  const hashes = (await readParts(objects, list)).flatMap((part) => [
    part.rows.sha256,
    part.quarantine.sha256,
  ]);
  for (let at = 0; at < hashes.length; at += LOOKUPS_AT_ONCE) {
    const found = await Promise.all(
      hashes.slice(at, at + LOOKUPS_AT_ONCE).map((sha256) => objects.renew(sha256)),
    );
    if (found.includes(false)) return false;
  }
  return true;
}

/** The first few quarantined rows in words. */
async function describeQuarantine(
  objects: ObjectStore,
  parts: readonly StandardisedPart[],
): Promise<string[]> {
  const examples: string[] = [];
  for (const { quarantine, quarantined } of parts) {
    if (examples.length >= MAX_EXAMPLES) break;
    if (quarantined === 0) continue;
    const rows = decodeNdjson<QuarantineRow>(await objects.get(quarantine));
    for (const { line, message, reason } of rows.slice(0, MAX_EXAMPLES - examples.length))
      examples.push(`line ${line}: ${message} (${reason})`);
  }
  return examples;
}
