import { decodeNdjson } from '../../../src/foundation';
import type { TrainingRow } from '../../../src/contracts';
import { loadModel } from '../../../src/serving';
import type { WatchedModel } from './molecule-columns';
import type { DriftPorts } from './ports';

/** Gives a registered version to `work`, and frees it. @param id `solubility-42/v3` @throws what loading throws */
export async function withModel<T>(
  ports: Pick<DriftPorts, 'registry' | 'objects' | 'chemistry' | 'learning'>,
  id: string,
  work: (model: WatchedModel) => Promise<T>,
): Promise<T> {
  const loaded = await loadModel(ports, await ports.registry.resolve(id));
  try {
    const training = decodeNdjson<TrainingRow>(await ports.objects.get(loaded.card.training));
    return await work({ loaded, trained: new Set(training.map(({ moleculeId }) => moleculeId)) });
  } finally {
    loaded.dispose();
  }
}
