import { featurizerName, TitrateError, type FeaturizerSpec, type SimpleFeaturizer } from '../../contracts';
import { DESCRIPTOR_NAMES } from '../../chemistry/descriptors';
import { featureShape, natureOf, partColumns, simplePartsOf } from '../../chemistry/featurize';

/** Name of the input that holds the features of all rows. */
export const FEATURES_INPUT = 'features';

/** Columns of the input that stand side by side, from `from` on. */
export type InputSection = {
  readonly from: number;
  /** Part of a bundle that they are features of; 0 where the features are no bundle. */
  readonly part: number;
} & (
  | {
      /** Bits of a fingerprint in their order, 0 or 1. */
      readonly kind: 'bits';
      readonly featurizer: SimpleFeaturizer;
      readonly count: number;
      /** First of them among the columns of the feature matrix. */
      readonly column: number;
    }
  | {
      /** Descriptors in the order of their names, as they are. */
      readonly kind: 'descriptors';
      readonly names: readonly string[];
      readonly column: number;
    }
  | {
      /**
       * How often each of the keys is counted, 0 where it is not. A key is the featurizer's code; of several counting featurizers,
       * code * 2^b + number of the featurizer among them, b the bits that number them, modulo 2^32.
       */
      readonly kind: 'counts';
      readonly featurizers: readonly SimpleFeaturizer[];
      readonly keys: readonly number[];
    }
  | {
      /** One column: the sum of all counts of the molecule, also of keys that have no column. */
      readonly kind: 'total';
    }
);

/** What the columns of the input `features` are, row by row. */
export interface OnnxLayout {
  readonly columns: number;
  /** One entry a part: the features it is made of. */
  readonly featurizers: readonly { readonly part: number; readonly featurizer: FeaturizerSpec }[];
  readonly sections: readonly InputSection[];
}

/** What one model reads of its features. */
export interface Needs {
  /** Part of a bundle; 0 where the features are no bundle. */
  readonly part: number;
  readonly featurizer: FeaturizerSpec;
  /** Columns of its feature matrix. */
  readonly columns: number;
  /** Keys whose counts it reads. */
  readonly keys: Iterable<number>;
  readonly total: boolean;
}

/** Where a model finds in the input what it reads. */
export interface Places {
  /** A column of the feature matrix. */
  column(column: number): number;
  count(key: number): number;
  readonly total: number;
}

/** @throws config-invalid for features that are no columns; internal when a model's columns are not those of its featurizer */
export function layoutOf(models: readonly Needs[]): OnnxLayout {
  const parts = [...new Set(models.map(({ part }) => part))].sort((a, b) => a - b);
  const sections: InputSection[] = [];
  let from = 0;
  const append = (section: InputSection, count: number) => {
    sections.push(section);
    from += count;
  };
  const featurizers = parts.map((part) => {
    const readers = models.filter((model) => model.part === part);
    const { featurizer } = readers[0]!;
    for (const { columns } of readers) checkColumns(featurizer, columns);
    let column = 0;
    for (const simple of simplePartsOf(featurizer)) {
      const count = partColumns(simple);
      if (count === 0) continue;
      if (simple.kind === 'descriptors')
        append({ from, part, kind: 'descriptors', names: DESCRIPTOR_NAMES, column }, count);
      else append({ from, part, kind: 'bits', featurizer: simple, count, column }, count);
      column += count;
    }
    const keys = [...new Set(readers.flatMap((reader) => [...reader.keys]))].sort((a, b) => a - b);
    const counting = simplePartsOf(featurizer).filter((simple) => natureOf(simple) === 'counts');
    if (keys.length > 0) append({ from, part, kind: 'counts', featurizers: counting, keys }, keys.length);
    if (readers.some(({ total }) => total)) append({ from, part, kind: 'total' }, 1);
    return { part, featurizer };
  });
  return { columns: from, featurizers, sections };
}

function checkColumns(featurizer: FeaturizerSpec, columns: number): void {
  const shape = featureShape(featurizer);
  if (shape.layout === 'graph' || shape.layout === 'bundle') {
    throw new TitrateError('config-invalid', {
      what: `${featurizerName(featurizer)} is no row of columns, and only such features can go into ONNX`,
      where: 'export to ONNX',
      remedy: 'Train a model on fingerprints, counts or descriptors',
    });
  }
  if (shape.columns === columns) return;
  throw new TitrateError('artifact-corrupt', {
    what: `the model reads ${columns} columns of ${featurizerName(featurizer)}, which has ${shape.columns}`,
    where: 'export to ONNX',
    remedy: 'Use the version of titrate that trained the model, or train it again',
  });
}

/** Positions in the input of what belongs to one part. */
export function placesOf({ sections }: OnnxLayout, part: number): Places {
  const own = sections.filter((section) => section.part === part);
  const counts = new Map<number, number>();
  let total = -1;
  for (const section of own) {
    if (section.kind === 'counts') section.keys.forEach((key, i) => counts.set(key, section.from + i));
    if (section.kind === 'total') total = section.from;
  }
  const first = own.find((section) => 'column' in section)?.from ?? 0;
  return {
    // The sections of a part's columns follow one another.
    column: (column) => first + column,
    count: (key) => counts.get(key)!,
    total,
  };
}
