import type { SourceSpec, TextEncoding } from '../../contracts';
import { cellProblem, MAX_MOLBLOCK_CHARACTERS } from './cells';
import { wantedColumns, type WantedColumn } from './columns';
import {
  detached,
  malformed,
  MAX_RAW_CHARACTERS,
  shortened,
  type SourceCells,
  type SourceRecord,
  type SourceStructure,
} from './source-record';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes the records of one source: what every format does with the cells it found. */
export class RecordMaker {
  private readonly smilesName: string;

  /**
   * @param encoding null: the source is not text
   * @param wanted the columns to read, but for the SMILES
   */
  constructor(
    readonly source: SourceSpec,
    private readonly encoding: TextEncoding | null,
    readonly wanted: readonly WantedColumn[] = wantedColumns(source),
  ) {
    this.smilesName = source.smilesColumn ?? 'smiles';
  }

  /**
   * A record from a structure and cells as they stand; they are trimmed, and an empty cell is none.
   * @param raw the record's text
   * @param cellOf the text of wanted column i, undefined where the record has none
   * @returns malformed where a used cell cannot be taken.
   */
  record(
    line: number,
    raw: string,
    structure: SourceStructure,
    cellOf: (index: number) => string | undefined,
  ): SourceRecord {
    if (raw.includes('\0')) return malformed(line, raw, 'the row holds NUL bytes', 'encoding-invalid');
    // Cells are slices of their row, and keep all of it in memory: those of a long one are copied.
    const own = raw.length > MAX_RAW_CHARACTERS ? detached : (text: string) => text;
    let text = structure.text;
    if (structure.notation === 'smiles') {
      text = text.trim();
      const problem = cellProblem(text, this.smilesName, 'smiles', this.encoding);
      if (problem) return malformed(line, raw, problem.message, problem.reason);
      text = own(text);
    } else if (text.length > MAX_MOLBLOCK_CHARACTERS) {
      const message = `the molblock has ${text.length} characters; the limit is ${MAX_MOLBLOCK_CHARACTERS}`;
      return malformed(line, raw, message, 'molecule-too-large');
    }
    const cells: Mutable<SourceCells> = {};
    for (let i = 0; i < this.wanted.length; i++) {
      const cell = cellOf(i)?.trim();
      if (cell === undefined || cell === '') continue;
      const { name, cell: key } = this.wanted[i]!;
      const problem = cellProblem(cell, name, 'cell', this.encoding);
      if (problem) return malformed(line, raw, problem.message, problem.reason);
      cells[key] = own(cell);
    }
    return {
      ok: true,
      line,
      raw: shortened(raw),
      structure: { notation: structure.notation, text },
      ...cells,
    };
  }

  /** What stands where a source was cut: everything of the record that was begun. */
  cut(line: number, raw: string, reason: string): SourceRecord {
    return malformed(line, raw, reason, 'source-truncated');
  }
}
