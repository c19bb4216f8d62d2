import type { QuarantineRow } from '../contracts';
import type { StructureInput } from '../chemistry/chemistry';

/** One row of a source before chemistry: its cells as text, or why it cannot be read. `line` is 1-based. */
export type SourceRecord =
  | {
      readonly ok: true;
      readonly line: number;
      readonly raw: string;
      readonly structure: StructureInput;
      readonly compoundId?: string;
      /** Cells as they stand; undefined where the record has none. */
      readonly value?: string;
      readonly qualifier?: string;
    }
  | MalformedRecord;

export interface MalformedRecord {
  readonly ok: false;
  readonly line: number;
  readonly raw: string;
  readonly reason: QuarantineRow['reason'];
  readonly message: string;
}

export function malformed(line: number, raw: string, message: string): MalformedRecord {
  return { ok: false, line, raw, reason: 'record-malformed', message };
}

/** A record whose used cells hold bytes that are not UTF-8 (decoded as U+FFFD) would be kept with its text altered. */
export function isGarbled(...cells: (string | undefined)[]): boolean {
  return cells.some((cell) => cell?.includes('\uFFFD'));
}
export const GARBLED_MESSAGE = 'the text is not UTF-8; save the file as UTF-8';
