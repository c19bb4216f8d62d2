import type { KeptLook } from '../../../src/contracts';
import {
  batchReference,
  promisedResiduals,
  sampleFromJson,
  type BatchReference,
  type DriftSample,
} from '../../../src/drift';
import type { DriftPorts } from './ports';

export const keptSample = async (
  { objects }: Pick<DriftPorts, 'objects'>,
  { sample }: KeptLook,
): Promise<DriftSample> => sampleFromJson((await objects.get(sample)).toString('utf8'));

/** What a batch that came back is held against. @param earlier looks at batches before this one, oldest first @param model that picked it */
export async function referenceOfLooks(
  ports: Pick<DriftPorts, 'objects' | 'registry'>,
  earlier: readonly KeptLook[],
  model: string | null,
): Promise<BatchReference> {
  const batches = await Promise.all(
    earlier.map(async (kept) => ({ sample: await keptSample(ports, kept), look: kept.record.look })),
  );
  const own = batchReference(batches, null);
  // The card is read only where the batches say too little.
  if (own.reference.residuals !== null || model === null) return own;
  const { coverage90, n } = (await ports.registry.card(await ports.registry.resolve(model))).metrics;
  return batchReference(batches, promisedResiduals(coverage90, n));
}
