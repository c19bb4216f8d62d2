import { DESCRIPTOR_NAMES } from '../../../src/chemistry';
import type { Molecule } from '../../../src/contracts';
import { emptySample, type DriftSample, type ServedColumn } from '../../../src/drift';
import { moleculeColumns, type WatchedModel } from './molecule-columns';
import type { DriftPorts } from './ports';
import type { ServedRecord } from './served-windows';

/** A molecule that is known of a record: written there, or one of the pool. */
type Known = Pick<Molecule, 'moleculeId' | 'smiles'> & { readonly row: number };

/** What the records name of descriptors, by the names of today; null where no segment names them. */
function servedDescriptors(records: readonly ServedRecord[]): DriftSample['descriptors'] {
  const width = DESCRIPTOR_NAMES.length;
  const values = new Float64Array(records.length * width).fill(NaN);
  records.forEach(({ record, segment }, row) => {
    DESCRIPTOR_NAMES.forEach((name, i) => {
      const value = record.descriptors?.[segment.descriptors.indexOf(name)];
      if (typeof value === 'number') values[row * width + i] = value;
    });
  });
  return values.some(Number.isFinite) ? { names: DESCRIPTOR_NAMES, values } : null;
}

async function knownMolecules(
  { datasets }: Pick<DriftPorts, 'datasets'>,
  records: readonly ServedRecord[],
  dataVersion: string,
): Promise<Known[]> {
  const ids = records.flatMap(({ record: { smiles, moleculeId } }) =>
    smiles === undefined && moleculeId !== null ? [moleculeId] : [],
  );
  const inPool = ids.length
    ? await datasets.findMolecules(await datasets.version(dataVersion), [...new Set(ids)])
    : new Map<string, { smiles: string }>();
  return records.flatMap(({ record: { smiles, moleculeId } }, row) => {
    const text = smiles ?? (moleculeId === null ? undefined : inPool.get(moleculeId)?.smiles);
    return text === undefined ? [] : [{ row, smiles: text, moleculeId: moleculeId ?? text }];
  });
}

/** Served descriptors and predictions beside what is computed now, for the molecules that are known. */
function servedColumns(
  served: DriftSample['descriptors'],
  computed: DriftSample['descriptors'],
  known: readonly Known[],
  predicted: { readonly served: Float64Array; readonly recomputed: Float64Array },
): ServedColumn[] {
  const width = DESCRIPTOR_NAMES.length;
  const of = (values: ArrayLike<number>, i: number, rows: readonly number[]) =>
    Float64Array.from(rows, (row) => values[row * width + i]!);
  const rows = known.map(({ row }) => row);
  const own = [...rows.keys()];
  return [
    ...(served && computed
      ? DESCRIPTOR_NAMES.map((name, i) => ({
          name: `descriptors/${name}`,
          served: of(served.values, i, rows),
          recomputed: of(computed.values, i, own),
        }))
      : []),
    { name: 'prediction', ...predicted },
  ];
}

/**
 * A window of the serving log as a sample. Molecules that the model was trained on count for nothing where predictions are looked at.
 * Substructures and scaffolds are looked at where the log keeps all molecules; those that are known, of the log or of the pool, are
 * computed anew and compared with what was served.
 */
export async function servedSample(
  ports: Pick<DriftPorts, 'datasets' | 'chemistry'>,
  records: readonly ServedRecord[],
  { dataVersion, model }: { readonly dataVersion: string; readonly model: WatchedModel },
): Promise<DriftSample> {
  const { loaded, trained } = model;
  const known = await knownMolecules(ports, records, dataVersion);
  const computed = known.length ? await moleculeColumns(ports, known) : null;
  const outcomes = known.length ? await loaded.predictStandard(known) : [];
  const isTrained = ({ record: { moleculeId } }: ServedRecord) =>
    moleculeId !== null && trained.has(moleculeId);
  const column = (pick: (record: ServedRecord['record']) => number | null) =>
    Float64Array.from(records, (each) => (isTrained(each) ? NaN : (pick(each.record) ?? NaN)));
  const whole = known.length === records.length ? computed : null;
  const isKept = records.every(({ record }) => record.smiles !== undefined);
  const descriptors = servedDescriptors(records);
  return {
    ...emptySample,
    rows: records.length,
    smiles: isKept ? known.map(({ smiles }) => smiles) : null,
    descriptors,
    ...(isKept && whole && { fingerprints: whole.fingerprints, scaffolds: whole.scaffolds }),
    similarity: column(({ similarity }) => similarity),
    predicted: column(({ value }) => value),
    deviation: column(({ standardDeviation }) => standardDeviation),
    served: known.length
      ? servedColumns(descriptors, computed!.descriptors, known, {
          served: Float64Array.from(known, ({ row }) => records[row]!.record.value),
          recomputed: Float64Array.from(known, (_, i) => {
            const outcome = outcomes[i];
            return outcome && !('error' in outcome) ? outcome.value : NaN;
          }),
        })
      : [],
  };
}
