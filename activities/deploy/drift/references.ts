import type { KeptLook } from '../../../src/contracts';
import {
  driftReference,
  emptySample,
  MINIMUM,
  promisedResiduals,
  sampleFromJson,
  type ColumnState,
  type DriftReference,
  type DriftSample,
} from '../../../src/drift';
import type { DriftPorts } from './ports';

/** Rows of earlier batches that later ones are held against, once there are as many. */
const PINNED_ROWS = 100;

export const keptSample = async (
  { objects }: Pick<DriftPorts, 'objects'>,
  { sample }: KeptLook,
): Promise<DriftSample> => sampleFromJson((await objects.get(sample)).toString('utf8'));

const withTruth = ({ observed, predicted, deviation }: DriftSample) =>
  observed && predicted && deviation
    ? [...observed.keys()].filter((row) =>
        [observed, predicted, deviation].every((column) => Number.isFinite(column[row]!)),
      )
    : [];

function together(samples: readonly DriftSample[]): DriftSample {
  const rows = samples.map(withTruth);
  const column = (key: 'observed' | 'predicted' | 'deviation') =>
    Float64Array.from(samples.flatMap((sample, i) => rows[i]!.map((row) => sample[key]![row]!)));
  const states = samples.flatMap(({ columns }) => columns);
  const sum = (key: 'rows' | 'missing' | 'unreadable') =>
    states.reduce((total, state) => total + state[key], 0);
  const columns: ColumnState[] = states.length
    ? [
        {
          ...states[0]!,
          ...{ rows: sum('rows'), missing: sum('missing'), unreadable: sum('unreadable'), examples: [] },
        },
      ]
    : [];
  return {
    ...emptySample,
    rows: rows.flat().length,
    observed: column('observed'),
    predicted: column('predicted'),
    deviation: column('deviation'),
    columns,
  };
}

/**
 * What a batch that came back is held against, and the batches between. The residuals of the campaign's first batches, picked as this one
 * was and never out of order, as soon as there are enough: whatever picking does to residuals is in both. Before that, what the card of the
 * model promises.
 * @param earlier looks at batches before this one, oldest first
 */
export async function batchReference(
  ports: Pick<DriftPorts, 'objects' | 'registry'>,
  earlier: readonly KeptLook[],
  model: string | null,
): Promise<{ reference: DriftReference; history: DriftSample[] }> {
  const pinned: DriftSample[] = [];
  const history: DriftSample[] = [];
  let rows = 0;
  for (const look of earlier) {
    const sample = await keptSample(ports, look);
    if (rows < PINNED_ROWS && look.record.look.verdict !== 'act') {
      pinned.push(sample);
      rows += withTruth(sample).length;
    } else history.push(sample);
  }
  if (rows >= MINIMUM.referenceTruth) return { reference: driftReference(together(pinned)), history };
  const card = model === null ? null : await ports.registry.card(await ports.registry.resolve(model));
  const promised = card ? promisedResiduals(card.metrics.coverage90, card.metrics.n) : null;
  return {
    reference: driftReference({ ...emptySample, columns: together(pinned).columns }, { promised }),
    history: await Promise.all(earlier.map((look) => keptSample(ports, look))),
  };
}
