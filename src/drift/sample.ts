/** Descriptors of rows: `values` holds `names.length` numbers a row, NaN where one could not be had. */
export interface DescriptorTable {
  readonly names: readonly string[];
  readonly values: Float32Array | Float64Array;
}

/** How the cells of one column arrived. */
export interface ColumnState {
  readonly name: string;
  /** Whether the source has the column at all. */
  readonly present: boolean;
  readonly rows: number;
  /** Cells that are empty. */
  readonly missing: number;
  /** Cells that are not what the column holds: no number, no molecule, no known unit. */
  readonly unreadable: number;
  /** Lines or texts of some that are not, at most three. */
  readonly examples: readonly string[];
}

/** What was served beside what is computed now for the same molecules, column by column. */
export interface ServedColumn {
  /** Featurizer and column, as `descriptors/tpsa`, or `prediction`. */
  readonly name: string;
  /** NaN where there is none; row i of both is one molecule. */
  readonly served: Float64Array;
  readonly recomputed: Float64Array;
}

/**
 * Rows of a reference or of a window, column by column. The order of rows means nothing, and a column that is null was not looked
 * at. Numbers are NaN and texts null where a row has none. The reference is a sample of the screening pool or the random slice of a
 * campaign, never what was acquired: active learning shifts that on purpose.
 */
export interface DriftSample {
  readonly rows: number;
  /** Standard SMILES: for evidence, and to part a sample in the same way whatever the order of its rows. */
  readonly smiles: readonly (string | null)[] | null;
  readonly descriptors: DescriptorTable | null;
  /** Positions of the set bits of each row's fingerprint, ascending; an empty one is a row without. */
  readonly fingerprints: readonly Uint16Array[] | null;
  /** Murcko scaffolds, '' for a molecule without rings. */
  readonly scaffolds: readonly (string | null)[] | null;
  /** Tanimoto, to the nearest training molecule other than the row's own, 0..1. */
  readonly similarity: Float64Array | null;
  /** What was answered, in the unit of the property, by a model that had not seen the row; the total standard deviation with it. */
  readonly predicted: Float64Array | null;
  readonly deviation: Float64Array | null;
  /** Measured values in the same unit; bounds are no values. */
  readonly observed: Float64Array | null;
  readonly plates: readonly (string | null)[] | null;
  readonly labs: readonly (string | null)[] | null;
  readonly columns: readonly ColumnState[];
  readonly served: readonly ServedColumn[];
}

/** A sample of nothing, to be filled in. */
export const emptySample: DriftSample = {
  rows: 0,
  smiles: null,
  descriptors: null,
  fingerprints: null,
  scaffolds: null,
  similarity: null,
  predicted: null,
  deviation: null,
  observed: null,
  plates: null,
  labs: null,
  columns: [],
  served: [],
};

type Columns = Omit<DriftSample, 'rows' | 'columns' | 'served' | 'descriptors'>;
const LISTS = ['smiles', 'fingerprints', 'scaffolds', 'plates', 'labs'] as const;
const NUMBERS = ['similarity', 'predicted', 'deviation', 'observed'] as const;

function concatNumbers(parts: readonly (Float32Array | Float64Array)[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const everywhere = <T>(parts: readonly (T | null)[]): readonly T[] | null =>
  parts.every((part) => part !== null) ? parts : null;

/**
 * Windows taken together; a column that one of them lacks is lacking. What can be put together from the windows' own (descriptors, bits) is
 * not copied: see `partsOf`. @param parts at least one
 */
export function pooled(parts: readonly DriftSample[]): DriftSample {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const columns: { -readonly [K in keyof Columns]: Columns[K] } = { ...emptySample };
  for (const key of LISTS) {
    const lists = everywhere(parts.map((part) => part[key] as readonly unknown[] | null));
    (columns[key] as readonly unknown[] | null) = lists && lists.flat(1);
  }
  for (const key of NUMBERS) {
    const numbers = everywhere(parts.map((part) => part[key]));
    columns[key] = numbers && concatNumbers(numbers);
  }
  const sample: DriftSample = {
    ...columns,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    descriptors: null,
    columns: first!.columns.map(({ name }) => {
      const states = parts.flatMap((part) => part.columns.filter((column) => column.name === name));
      const sum = (key: 'rows' | 'missing' | 'unreadable') =>
        states.reduce((total, state) => total + state[key], 0);
      return {
        name,
        present: states.every(({ present }) => present),
        rows: sum('rows'),
        missing: sum('missing'),
        unreadable: sum('unreadable'),
        examples: states.flatMap(({ examples }) => examples).slice(0, 3),
      };
    }),
    served: [],
  };
  partsOfPooled.set(sample, parts);
  return sample;
}

/** Windows that a pooled sample is of. */
const partsOfPooled = new WeakMap<DriftSample, readonly DriftSample[]>();
export const partsOf = (sample: DriftSample): readonly DriftSample[] | null =>
  partsOfPooled.get(sample) ?? null;

/** Descriptors column by column: the finite numbers of each, ascending. */
export interface SortedDescriptors {
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
}
const keptSorted = new WeakMap<DriftSample, SortedDescriptors>();

function sortedTable({ names, values }: DescriptorTable): SortedDescriptors {
  const width = names.length;
  const rows = values.length / width;
  const columns = names.map((_, column) => {
    const out = new Float64Array(rows);
    let filled = 0;
    for (let row = 0; row < rows; row++) {
      const value = values[row * width + column]!;
      if (Number.isFinite(value)) out[filled++] = value;
    }
    return out.subarray(0, filled).sort();
  });
  return { names, columns };
}

function merged(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < out.length; at++)
    out[at] = j >= b.length || (i < a.length && a[i]! <= b[j]!) ? a[i++]! : b[j++]!;
  return out;
}

const mergedAll = (sorted: readonly Float64Array[]): Float64Array => {
  if (sorted.length === 1) return sorted[0]!;
  const middle = sorted.length >> 1;
  return merged(mergedAll(sorted.slice(0, middle)), mergedAll(sorted.slice(middle)));
};

/** Sorted once for each window; of windows taken together they are merged. Null where a window has none, or others than the first. */
export function sortedDescriptors(sample: DriftSample): SortedDescriptors | null {
  const parts = partsOf(sample);
  if (parts) {
    const tables = everywhere(parts.map(sortedDescriptors));
    const names = tables?.[0]!.names;
    if (!tables || tables.some((table) => table.names.join() !== names!.join())) return null;
    return {
      names: names!,
      columns: names!.map((_, i) => mergedAll(tables.map(({ columns }) => columns[i]!))),
    };
  }
  if (!sample.descriptors) return null;
  const before = keptSorted.get(sample);
  if (before) return before;
  const table = sortedTable(sample.descriptors);
  keptSorted.set(sample, table);
  return table;
}
