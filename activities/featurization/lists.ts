import {
  MEDIA_TYPES,
  STEPS,
  TitrateError,
  type ArtifactRef,
  type LandedSource,
  type ListedMolecule,
  type MoleculeCaps,
  type ResolvedList,
  type SourceSpec,
  type Standardisation,
} from '../../src/contracts';
import type { StructureInput } from '../../src/chemistry';
import { encodeNdjson } from '../../src/foundation';
import { detectReading, readSource, type SourceRecord } from '../../src/sources';
import { withHeartbeat } from '../shared/heartbeat';
import type { FeaturizationPorts } from '../shared/ports';

export interface ResolveListRequest {
  /** A file, or molecules as they stand in the configuration. */
  readonly from: { readonly landed: LandedSource } | { readonly molecules: readonly string[] };
  /** For messages: where the list stands in the configuration. */
  readonly where: string;
  /** Whether every entry has to be a molecule. */
  readonly strict: boolean;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
}

/** An entry of a list before chemistry. */
type Entry =
  | { readonly at: string; readonly structure: StructureInput; readonly value?: number | null }
  | { readonly at: string; readonly problem: string };

const MOLECULE_ID = /^mol_[0-9a-f]{32}$/;
/** Entries given to chemistry at once. */
const BATCH_ENTRIES = 512;
const MAX_EXAMPLES = 3;

/** Lists of molecules by SMILES or id, with a number each where a column holds one: prices, amounts, what to include and exclude. */
export function createListResolver({ objects, steps, chemistry }: FeaturizationPorts) {
  /** @throws config-invalid where the list has to be whole and has an entry that is no molecule; what reading the file throws */
  async function resolveList(request: ResolveListRequest): Promise<ResolvedList> {
    const { from, where, strict, caps, standardisation } = request;
    const resolved = await withHeartbeat(async (signal) => {
      const key = {
        inputs: { raw: 'landed' in from ? from.landed.raw.sha256 : 'none' },
        parameters: {
          entries: 'landed' in from ? mapping(from.landed.source) : from.molecules,
          caps,
          standardisation,
        },
        runtime: { rdkit: await chemistry.version() },
      };
      const outcome = await steps.run(STEPS.resolveList, key, () =>
        resolve('landed' in from ? entriesOf(from.landed) : inline(from.molecules), request, signal),
      );
      return outcome.value;
    });
    if (strict && resolved.unreadable > 0) {
      throw new TitrateError('config-invalid', {
        what: `${resolved.unreadable} of ${resolved.count + resolved.unreadable} entries are no molecules: ${resolved.examples.join('; ')}`,
        where: 'landed' in from ? `${where} (${from.landed.source.uri})` : where,
        remedy: 'Give SMILES, or molecule ids as titrate shows them (mol_ and 32 hexadecimal digits)',
      });
    }
    return resolved;
  }

  async function resolve(
    entries: AsyncIterable<Entry> | Iterable<Entry>,
    { caps, standardisation }: ResolveListRequest,
    signal: AbortSignal,
  ): Promise<ResolvedList> {
    const rows: ListedMolecule[] = [];
    const examples: string[] = [];
    let unreadable = 0;
    const refuse = (at: string, problem: string) => {
      if (++unreadable <= MAX_EXAMPLES) examples.push(`${at}: ${problem}`);
    };
    let waiting: Entry[] = [];
    const flush = async () => {
      signal.throwIfAborted();
      const structures = waiting.flatMap((entry) =>
        'structure' in entry && !MOLECULE_ID.test(entry.structure.text) ? [entry.structure] : [],
      );
      const outcomes = structures.length
        ? await chemistry.standardise(structures, caps, standardisation)
        : [];
      let next = 0;
      for (const entry of waiting) {
        if (!('structure' in entry)) {
          refuse(entry.at, entry.problem);
          continue;
        }
        const { text } = entry.structure;
        const value = entry.value === undefined ? {} : { value: entry.value };
        if (MOLECULE_ID.test(text)) {
          rows.push({ moleculeId: text, ...value });
          continue;
        }
        const outcome = outcomes[next++]!;
        if (outcome.ok) rows.push({ moleculeId: outcome.molecule.moleculeId, ...value });
        else refuse(entry.at, outcome.message);
      }
      waiting = [];
    };
    for await (const entry of entries) if (waiting.push(entry) >= BATCH_ENTRIES) await flush();
    await flush();
    const ref: ArtifactRef = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
    return { rows: ref, count: rows.length, unreadable, examples };
  }

  async function* entriesOf({ raw, source }: LandedSource): AsyncGenerator<Entry> {
    const open = () => objects.openRead(raw);
    const reading = await detectReading(open, source);
    const records = readSource({ raw: open, localPath: () => objects.localPath(raw), source, reading });
    for await (const record of records) yield entryOf(record, source);
  }

  return { resolveList };
}

const inline = (molecules: readonly string[]): Entry[] =>
  molecules.map((text, index) => ({ at: `entry ${index + 1}`, structure: { notation: 'smiles', text } }));

function entryOf(record: SourceRecord, { decimal }: SourceSpec): Entry {
  const at = `line ${record.line}`;
  if (!record.ok) return { at, problem: record.message };
  const { structure, value } = record;
  return value === undefined ? { at, structure } : { at, structure, value: numberOf(value, decimal) };
}

/** A price or an amount; null for what is no number from 0. */
function numberOf(text: string, decimal: SourceSpec['decimal']): number | null {
  const plain = decimal === ',' ? text.replace(',', '.') : text;
  if (!/^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** What decides which entries a file has; where it lies does not. */
const mapping = ({ format, encoding, delimiter, smilesColumn, valueColumn, decimal }: SourceSpec) => ({
  ...{ format: format ?? null, encoding: encoding ?? null, delimiter: delimiter ?? null },
  ...{ smilesColumn: smilesColumn ?? null, valueColumn: valueColumn ?? null, decimal: decimal ?? null },
});
