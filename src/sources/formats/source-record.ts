import type { QuarantineRow } from '../../contracts';

/** A structure as it came: SMILES or one molblock. */
export interface SourceStructure {
  readonly notation: 'smiles' | 'molblock';
  readonly text: string;
}

/** The cells of a record that a source spec names, as they stand; undefined where the record has none. */
export interface SourceCells {
  readonly compoundId?: string;
  readonly value?: string;
  readonly qualifier?: string;
  readonly unit?: string;
  readonly replicate?: string;
  readonly assay?: string;
  readonly batch?: string;
  readonly measuredAt?: string;
}

/** One row of a source before chemistry: its cells as text, or why it cannot be read. `line` is 1-based. */
export type SourceRecord =
  | ({
      readonly ok: true;
      readonly line: number;
      readonly raw: string;
      readonly structure: SourceStructure;
    } & SourceCells)
  | MalformedRecord;

export interface MalformedRecord {
  readonly ok: false;
  readonly line: number;
  readonly raw: string;
  readonly reason: QuarantineRow['reason'];
  readonly message: string;
}

export function malformed(
  line: number,
  raw: string,
  message: string,
  reason: QuarantineRow['reason'] = 'record-malformed',
): MalformedRecord {
  return { ok: false, line, raw: shortened(raw), reason, message };
}

/** Characters of a record's raw text that are kept, as many as quarantine keeps. */
export const MAX_RAW_CHARACTERS = 2000;

/** At most MAX_RAW_CHARACTERS of a record's text; a copy, so that the rest of it can go. */
export function shortened(raw: string): string {
  return raw.length > MAX_RAW_CHARACTERS ? detached(raw.slice(0, MAX_RAW_CHARACTERS)) : raw;
}

/** The same text in memory of its own: a slice keeps all of the string it was cut from. */
export function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
