import type { ColumnState, DriftSample } from './sample';

/** A sample as JSON: numbers that are none are null. */
interface SampleJson {
  readonly rows: number;
  readonly smiles: DriftSample['smiles'];
  readonly descriptors: { readonly names: readonly string[]; readonly values: (number | null)[] } | null;
  readonly fingerprints: (readonly number[])[] | null;
  readonly scaffolds: DriftSample['scaffolds'];
  readonly similarity: (number | null)[] | null;
  readonly predicted: (number | null)[] | null;
  readonly deviation: (number | null)[] | null;
  readonly observed: (number | null)[] | null;
  readonly plates: DriftSample['plates'];
  readonly labs: DriftSample['labs'];
  readonly columns: readonly ColumnState[];
  readonly served: readonly {
    readonly name: string;
    readonly served: (number | null)[];
    readonly recomputed: (number | null)[];
  }[];
}

const written = (values: ArrayLike<number>) =>
  Array.from(values, (value) => (Number.isFinite(value) ? value : null));
const read = (values: readonly (number | null)[]) => Float64Array.from(values, (value) => value ?? NaN);
const orNull = <A, B>(value: A | null, change: (value: A) => B): B | null =>
  value === null ? null : change(value);

/** Nothing of a sample is lost: what it is compared with later is what it was. */
export function sampleToJson(sample: DriftSample): string {
  const { descriptors, fingerprints, similarity, predicted, deviation, observed, served, ...rest } = sample;
  const json: SampleJson = {
    ...rest,
    descriptors: orNull(descriptors, ({ names, values }) => ({ names, values: written(values) })),
    fingerprints: orNull(fingerprints, (rows) => rows.map((bits) => [...bits])),
    similarity: orNull(similarity, written),
    predicted: orNull(predicted, written),
    deviation: orNull(deviation, written),
    observed: orNull(observed, written),
    served: served.map((column) => ({
      name: column.name,
      served: written(column.served),
      recomputed: written(column.recomputed),
    })),
  };
  return JSON.stringify(json);
}

export function sampleFromJson(text: string): DriftSample {
  const { descriptors, fingerprints, similarity, predicted, deviation, observed, served, ...rest } =
    JSON.parse(text) as SampleJson;
  return {
    ...rest,
    descriptors: orNull(descriptors, ({ names, values }) => ({ names, values: read(values) })),
    fingerprints: orNull(fingerprints, (rows) => rows.map((bits) => Uint16Array.from(bits))),
    similarity: orNull(similarity, read),
    predicted: orNull(predicted, read),
    deviation: orNull(deviation, read),
    observed: orNull(observed, read),
    served: served.map((column) => ({
      name: column.name,
      served: read(column.served),
      recomputed: read(column.recomputed),
    })),
  };
}
