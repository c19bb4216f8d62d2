import type { Chemistry } from '../../chemistry';
import {
  TitrateError,
  type DatasetRow,
  type LearningTask,
  type MoleculeCaps,
  type Standardisation,
  type TrainingRow,
} from '../../contracts';
import { aggregateValues, dateOfAggregate, type MeasuredValue } from '../../measurements';
import { standardiseFile } from '../lab/local-file';

/** A row that could not be used, or a molecule whose values contradict one another. */
export interface RowProblem {
  readonly line: number;
  readonly message: string;
}

/** The labelled molecules of one file: one row a molecule, sorted by moleculeId. */
export interface LabelTable {
  readonly task: LearningTask;
  readonly rows: readonly TrainingRow[];
  /** When a molecule's label was known, by moleculeId, where the file has dates. */
  readonly dates: ReadonlyMap<string, string>;
  /** Of the values, where the file or an option says it. */
  readonly unit?: string;
  /** Rows of the file. */
  readonly read: number;
  /** Rows with a molecule and no value. */
  readonly withoutValue: number;
  /** Values that were aggregated with an earlier one of the same molecule. */
  readonly repeated: number;
  readonly problems: readonly RowProblem[];
}

export interface LabelRequest {
  readonly file: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly unit?: string;
  /** Column of the dates of measurement. */
  readonly timeColumn?: string;
  /** Left out: classification when every value is 0 or 1 and both occur. */
  readonly task?: LearningTask;
  readonly chemistry: Chemistry;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number) => void;
}

interface Valued extends MeasuredValue {
  readonly line: number;
}

/**
 * Reads a file as `titrate data ingest` does, and brings the values of a molecule together. Regression: replicates are averaged;
 * of bounds alone the tightest counts. Classification: the majority of a molecule's classes; where there is none the molecule is
 * left out. Molecules are the same when their standard SMILES are.
 * @throws source-missing, column-missing, format-unknown; labels-insufficient when no row can be used; cancelled.
 */
export async function readLabels(request: LabelRequest): Promise<LabelTable> {
  const { file, smilesColumn, targetColumn, unit, timeColumn, signal, onProgress } = request;
  const source = {
    smilesColumn,
    valueColumn: targetColumn,
    ...(unit !== undefined && { unit }),
    ...(timeColumn !== undefined && { measuredAtColumn: timeColumn }),
  };
  const problems: RowProblem[] = [];
  const values: Valued[] = [];
  const units = new Set<string | undefined>();
  let [read, withoutValue] = [0, 0];
  for await (const { rows, quarantine } of standardiseFile(file, source, request)) {
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'stopped while reading', where: file });
    problems.push(...quarantine.map(({ line, message }) => ({ line, message })));
    for (const row of rows) {
      if (row.value === undefined) withoutValue++;
      else {
        values.push(valued(row, row.value));
        units.add(row.unit);
      }
    }
    read += rows.length + quarantine.length;
    onProgress?.(read);
  }
  const task = request.task ?? (isBinary(values) ? 'classification' : 'regression');
  const usable = task === 'classification' ? values.filter((value) => isClass(value, problems)) : values;
  const molecules = groupByMolecule(usable);
  const rows = molecules.flatMap((of) =>
    task === 'classification' ? majorityOf(of, problems) : [trainingRow(of)],
  );
  if (rows.length === 0) {
    throw new TitrateError('labels-insufficient', {
      what: `none of its ${read} rows has a molecule and a value in '${targetColumn}' that can be used`,
      where: file,
      remedy: problems[0] ? `The first problem: line ${problems[0].line}: ${problems[0].message}` : undefined,
    });
  }
  const [only] = units;
  problems.sort((a, b) => a.line - b.line);
  return {
    task,
    rows,
    dates: datesOf(molecules),
    ...(units.size === 1 && only !== undefined && { unit: only }),
    read,
    withoutValue,
    repeated: usable.length - molecules.length,
    problems,
  };
}

const valued = (row: DatasetRow, value: number): Valued => {
  const { moleculeId, smiles, qualifier = '=', line, measuredAt } = row;
  return { moleculeId, smiles, value, qualifier, line, measuredAt };
};

const datesOf = (molecules: readonly (readonly Valued[])[]) =>
  new Map(
    molecules.flatMap((values) => {
      const date = dateOfAggregate(values);
      return date === null ? [] : [[values[0]!.moleculeId, date] as const];
    }),
  );

const isBinary = (values: readonly Valued[]) =>
  new Set(values.map(({ value }) => value)).size === 2 &&
  values.every(({ value, qualifier }) => (value === 0 || value === 1) && qualifier === '=');

function isClass({ value, qualifier, line }: Valued, problems: RowProblem[]): boolean {
  const good = (value === 0 || value === 1) && qualifier === '=';
  if (!good) {
    const written = `${qualifier === '=' ? '' : qualifier}${value}`;
    problems.push({ line, message: `the class is ${written}, expected 0 or 1` });
  }
  return good;
}

function groupByMolecule(values: readonly Valued[]): Valued[][] {
  const groups = new Map<string, Valued[]>();
  for (const value of values) {
    const group = groups.get(value.moleculeId);
    if (group) group.push(value);
    else groups.set(value.moleculeId, [value]);
  }
  return [...groups.keys()].sort().map((id) => groups.get(id)!);
}

function trainingRow(values: readonly Valued[]): TrainingRow {
  const { boundsOnly: _boundsOnly, ...row } = aggregateValues(values);
  return row;
}

/** A molecule's class; none when its values are split evenly. */
function majorityOf(values: readonly Valued[], problems: RowProblem[]): TrainingRow[] {
  const ones = values.filter(({ value }) => value === 1).length;
  const zeros = values.length - ones;
  if (ones === zeros) {
    const lines = values.map(({ line }) => line).join(', ');
    problems.push({
      line: values[0]!.line,
      message: `the molecule is of both classes equally often (lines ${lines}): left out`,
    });
    return [];
  }
  const value = ones > zeros ? 1 : 0;
  return [{ ...trainingRow(values.filter((each) => each.value === value)), replicates: 1 }];
}
