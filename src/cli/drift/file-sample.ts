import { DESCRIPTOR_NAMES, type Chemistry, type FeatureRow } from '../../chemistry';
import {
  moleculeCapsSchema,
  type FeaturizerSpec,
  type LearningTask,
  type Molecule,
  type Standardisation,
} from '../../contracts';
import { emptySample, type ColumnState, type DriftSample, type ServedColumn } from '../../drift';
import { SIMILARITY_FEATURIZER } from '../../learning';
import { convert, parseMeasurement } from '../../measurements';
import type { Predicting } from '../models/predicting';
import type { FileColumns, Role } from './columns';
import type { CellRow } from './read-cells';
import type { RowProblem } from './report';

const SPECS: readonly FeaturizerSpec[] = [{ kind: 'descriptors' }, SIMILARITY_FEATURIZER];
const EXAMPLES = 3;

/** How rows of a file become a sample. */
export interface SampleContext {
  readonly chemistry: Chemistry;
  readonly standardisation: Standardisation;
  readonly columns: FileColumns;
  /** Roles that a column of one of the files has: their state is part of every sample. */
  readonly names: ReadonlyMap<Role, string>;
  /** Of values without a unit of their own, and the unit they are brought to. */
  readonly unit?: string;
  readonly convertTo?: string;
  readonly model: {
    readonly predicting: Predicting;
    readonly task: LearningTask;
    /** Ids of the molecules it was trained on: of those it says nothing that counts. */
    readonly trained: ReadonlySet<string>;
  } | null;
}

/** A sample of a file, with what only the files' side needs. */
export interface FileSample {
  readonly sample: DriftSample;
  readonly molecules: readonly Pick<Molecule, 'moleculeId' | 'smiles'>[];
  /** Packed ECFP4, row for row. */
  readonly packed: readonly Uint8Array[];
  readonly problems: readonly RowProblem[];
  /** Rows whose molecule the model was trained on. */
  readonly trained: number;
}

interface Prepared {
  readonly line: number;
  readonly molecule: Pick<Molecule, 'moleculeId' | 'smiles'>;
  readonly rows: readonly FeatureRow[];
  readonly cells: ReadonlyMap<string, string>;
}

function bitsOf(packed: Uint8Array): Uint16Array {
  const bits: number[] = [];
  for (let byte = 0; byte < packed.length; byte++)
    for (let place = 0; place < 8; place++) if ((packed[byte]! >> place) & 1) bits.push(8 * byte + place);
  return Uint16Array.from(bits);
}

/** A served number is what is computed when it is that, rounded to as many decimals as it is written with. */
function orRounded(text: string, computed: number): number {
  const served = Number(text);
  const match = /^[+-]?\d*\.?(\d*)$/.exec(text.trim());
  const half = match ? 0.5 * 10 ** -match[1]!.length : 0;
  return Math.abs(served - computed) <= half * (1 + 1e-9) ? computed : served;
}

/** Reads the cells of one column as numbers, and keeps count of what arrives. */
class Column {
  missing = 0;
  unreadable = 0;
  readonly examples: string[] = [];

  constructor(
    readonly name: string,
    private readonly present: boolean,
    private readonly problems: RowProblem[],
  ) {}

  refuse(line: number, message: string): void {
    this.unreadable++;
    if (this.examples.length < EXAMPLES) this.examples.push(`line ${line}: ${message}`);
    this.problems.push({ line, message });
  }

  text({ cells }: Prepared): string | null {
    const text = cells.get(this.name);
    if (text === undefined) this.missing++;
    return text ?? null;
  }

  number(row: Prepared): number {
    const text = this.text(row);
    if (text === null) return NaN;
    const read = parseMeasurement(text, undefined);
    if (read.ok && read.value !== undefined && read.qualifier === '=') return read.value;
    this.refuse(
      row.line,
      read.ok ? `'${text}' in '${this.name}' is no number` : `${this.name}: ${read.message}`,
    );
    return NaN;
  }

  state(rows: number): ColumnState {
    const { name, present, missing, unreadable, examples } = this;
    return { name, present, rows, missing: present ? missing : rows, unreadable, examples };
  }
}

/** A measured value in the unit all are brought to; NaN for a bound, and where there is none. */
function measured(
  row: Prepared,
  column: Column,
  unitColumn: string | undefined,
  context: SampleContext,
): number {
  const text = column.text(row);
  if (text === null) return NaN;
  const read = parseMeasurement(text, undefined);
  if (!read.ok || read.value === undefined) {
    column.refuse(row.line, `${column.name}: ${read.ok ? 'there is no value' : read.message}`);
    return NaN;
  }
  const unit = (unitColumn && row.cells.get(unitColumn)) || context.unit;
  const quantity = { value: read.value, qualifier: read.qualifier ?? ('=' as const) };
  const converted =
    unit && context.convertTo
      ? convert(quantity, unit, context.convertTo)
      : { ok: true as const, ...quantity };
  if (!converted.ok) {
    column.refuse(row.line, `${column.name}: ${converted.message}`);
    return NaN;
  }
  return converted.qualifier === '=' ? converted.value : NaN;
}

/** Standardises, featurises and, with a model, predicts rows of a file. Every row that cannot be used is told. */
export async function fileSample(rows: readonly CellRow[], context: SampleContext): Promise<FileSample> {
  const { chemistry, standardisation, columns, names, model } = context;
  const problems: RowProblem[] = [];
  const structures = new Column('structure', true, problems);
  const readable = rows.flatMap((row) => {
    if (!('error' in row)) return [row];
    structures.refuse(row.line, row.error);
    return [];
  });
  const outcomes = await chemistry.prepare(
    readable.map(({ structure }) => structure),
    moleculeCapsSchema.parse({}),
    standardisation,
    SPECS,
  );
  const prepared = outcomes.flatMap((outcome, i): Prepared[] => {
    const { line, cells } = readable[i]!;
    if (outcome.ok) return [{ line, cells, molecule: outcome.molecule, rows: outcome.rows }];
    structures.refuse(line, outcome.message);
    return [];
  });
  const molecules = prepared.map(({ molecule }) => molecule);
  const of = (role: Role) => {
    const name = names.get(role);
    return name === undefined ? null : new Column(name, columns.there.has(role), problems);
  };
  const by = {
    value: of('value'),
    plate: of('plate'),
    lab: of('lab'),
    predicted: of('predicted'),
    deviation: of('deviation'),
  };
  const numbers = (column: Column | null) =>
    column && Float64Array.from(prepared, (row) => column.number(row));
  const texts = (column: Column | null) => column && prepared.map((row) => column.text(row));
  const unitColumn = columns.there.get('unit');
  const observed =
    by.value && Float64Array.from(prepared, (row) => measured(row, by.value!, unitColumn, context));
  const [written, stated] = [numbers(by.predicted), numbers(by.deviation)];
  const now = model && molecules.length ? await model.predicting.predict(molecules) : [];
  const said = (pick: (outcome: Extract<(typeof now)[0], { value: number }>) => number | undefined) =>
    Float64Array.from(prepared, ({ molecule }, row) => {
      const outcome = now[row];
      if (!outcome || 'error' in outcome || model?.trained.has(molecule.moleculeId)) return NaN;
      return pick(outcome) ?? NaN;
    });
  now.forEach((outcome, row) => {
    if ('error' in outcome) problems.push({ line: prepared[row]!.line, message: outcome.error });
  });
  const isProbability = model?.task === 'classification';
  const values = new Float32Array(prepared.length * DESCRIPTOR_NAMES.length);
  prepared.forEach(({ rows: [described] }, row) =>
    values.set(described as Float32Array, row * DESCRIPTOR_NAMES.length),
  );
  const packed = prepared.map((row) => row.rows[1] as Uint8Array);
  const sample: DriftSample = {
    ...emptySample,
    rows: prepared.length,
    smiles: molecules.map(({ smiles }) => smiles),
    descriptors: { names: DESCRIPTOR_NAMES, values },
    fingerprints: packed.map(bitsOf),
    scaffolds: await chemistry.scaffolds(molecules.map(({ smiles }) => smiles)),
    similarity: model && said(({ nearest }) => nearest?.similarity),
    predicted: written && columns.there.has('predicted') ? written : model && said(({ value }) => value),
    deviation:
      stated && columns.there.has('deviation')
        ? stated
        : model && !isProbability && !written
          ? said(({ standardDeviation }) => standardDeviation)
          : null,
    observed: observed && columns.there.has('value') ? observed : null,
    plates: columns.there.has('plate') ? texts(by.plate) : null,
    labs: columns.there.has('lab') ? texts(by.lab) : null,
    served: servedColumns(prepared, columns, now),
    columns: [],
  };
  const states = Object.values(by).flatMap((column) => (column ? [column.state(prepared.length)] : []));
  return {
    sample: { ...sample, columns: [structures.state(rows.length), ...states] },
    molecules,
    packed,
    problems: problems.sort((a, b) => a.line - b.line),
    trained: molecules.filter(({ moleculeId }) => model?.trained.has(moleculeId)).length,
  };
}

/** What the file says was computed beside what is computed now: descriptors by their names, and the prediction. */
function servedColumns(
  prepared: readonly Prepared[],
  { descriptors, there }: FileColumns,
  now: Awaited<ReturnType<Predicting['predict']>>,
): ServedColumn[] {
  const column = (name: string, key: string, computed: (row: number) => number): ServedColumn => {
    const recomputed = Float64Array.from(prepared, (_, row) => computed(row));
    const served = Float64Array.from(prepared, ({ cells }, row) => {
      const text = cells.get(key);
      return text === undefined ? NaN : orRounded(text, recomputed[row]!);
    });
    return { name, served, recomputed };
  };
  const predicted = there.get('predicted');
  return [
    ...descriptors.map((name) => {
      const at = (DESCRIPTOR_NAMES as readonly string[]).indexOf(name);
      return column(`descriptors/${name}`, name, (row) => (prepared[row]!.rows[0] as Float32Array)[at]!);
    }),
    ...(predicted !== undefined && now.length
      ? [
          column('prediction', predicted, (row) => {
            const outcome = now[row]!;
            return 'error' in outcome ? NaN : outcome.value;
          }),
        ]
      : []),
  ];
}
