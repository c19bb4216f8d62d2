import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { matrixOfRows, type Chemistry, type FeatureRow } from '../src/chemistry';
import {
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
  type FeaturizerSpec,
} from '../src/contracts';
import { concatFeatureRows, selectFeatureRows } from '../src/foundation';

/** Features of the benchmarks on large pools: what campaigns have by default. */
export const POOL_SPEC: FeaturizerSpec = {
  kind: 'concatenation',
  parts: [{ kind: 'morgan-counts', radius: 3 }, { kind: 'atom-pair-counts' }, { kind: 'descriptors' }],
};
/** Molecules featurised in one call. */
const CHUNK = 1000;

/** Cells of the lines of a file, plain or gzipped; separated by commas, tabs or blanks. */
export function readCells(file: string): string[][] {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').flatMap((line) => (line.trim() ? [line.trim().split(/[,\t ]/)] : []));
}

/** Features of the structures that can be read, and which they are. */
export async function featurise(chemistry: Chemistry, smiles: readonly string[]) {
  const [caps, standardisation] = [moleculeCapsSchema.parse({}), standardisationSchema.parse({})];
  const parts: FeatureMatrix[] = [];
  const kept: number[] = [];
  for (let from = 0; from < smiles.length; from += CHUNK) {
    const some = smiles.slice(from, from + CHUNK).map((text) => ({ notation: 'smiles' as const, text }));
    const ids: string[] = [];
    const rows: FeatureRow[] = [];
    (await chemistry.prepare(some, caps, standardisation, [POOL_SPEC])).forEach((outcome, i) => {
      if (!outcome.ok) return;
      ids.push(outcome.molecule.moleculeId);
      rows.push(outcome.rows[0]!);
      kept.push(from + i);
    });
    if (ids.length > 0) parts.push(matrixOfRows(POOL_SPEC, ids, rows));
  }
  return { features: concatFeatureRows(parts), kept };
}

export interface LabelledPool {
  /** Spread over the labelled file. */
  readonly labelled: FeatureMatrix;
  /** Higher is better. */
  readonly targets: Float64Array;
  /** Of all files, one after the other. */
  readonly molecules: FeatureMatrix;
}

/**
 * Labels out of a table with SMILES first, and the molecules of it and of the other files.
 * @param most molecules read of each file. @throws Error where the column is not there
 */
export async function readLabelledPool(
  chemistry: Chemistry,
  {
    labelled: file,
    target,
    sign,
    files,
    labels,
    most,
  }: {
    readonly labelled: string;
    readonly target: string;
    readonly sign: 1 | -1;
    readonly files: readonly string[];
    readonly labels: number;
    readonly most: number;
  },
): Promise<LabelledPool> {
  const [header, ...table] = readCells(file);
  const column = header!.indexOf(target);
  if (column < 0) throw new Error(`${file} has no column '${target}'`);
  const rows = table.filter((cells) => Number.isFinite(Number.parseFloat(cells[column]!))).slice(0, most);
  const own = await featurise(chemistry, rows.map(([smiles]) => smiles!)); // prettier-ignore
  const others: FeatureMatrix[] = [];
  for (const other of files) {
    const smiles = readCells(other).slice(0, most).map(([first]) => first!); // prettier-ignore
    others.push((await featurise(chemistry, smiles)).features);
  }
  const step = own.features.rows / labels;
  const chosen = Array.from({ length: labels }, (_, i) => Math.floor((i + 0.5) * step));
  return {
    labelled: selectFeatureRows(own.features, chosen),
    targets: Float64Array.from(chosen, (row) => sign * Number(rows[own.kept[row]!]![column])),
    molecules: concatFeatureRows([...others, own.features]),
  };
}
