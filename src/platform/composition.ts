import { createChemistry, type Chemistry } from '../chemistry';
import { createLearning, type Learning } from '../learning';
import {
  createFileObjectStore,
  createPointerLog,
  createStepCache,
  type ObjectStore,
  type PointerLog,
  type StepCache,
} from '../objects';
import { createLocalDeployer, type Deployer } from '../rollout';
import { createCampaignLog, createModelRegistry, type CampaignLog, type ModelRegistry } from '../tracking';
import { createDuckDbWarehouse, type Warehouse } from '../warehouse';
import { homePaths, type Settings } from './settings';

/** The parts of an installation. Costly ones (threads, the database) start when they are first asked for. */
export interface Ports {
  readonly settings: Settings;
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  readonly pointers: PointerLog;
  readonly registry: ModelRegistry;
  readonly log: CampaignLog;
  readonly deployer: Deployer;
  chemistry(): Chemistry;
  learning(): Learning;
  warehouse(): Promise<Warehouse>;
  close(): Promise<void>;
}

/** The one place where adapters are chosen. */
export function openPorts(settings: Settings): Ports {
  const paths = homePaths(settings);
  const objects = createFileObjectStore(paths.objects);
  const pointers = createPointerLog(objects);
  const registry = createModelRegistry({ objects, pointers });
  const endpoint = `http://${settings.inference.host}:${settings.inference.port}`;
  let chemistry: Chemistry | undefined;
  let learning: Learning | undefined;
  let warehouse: Promise<Warehouse> | undefined;
  return {
    settings,
    objects,
    pointers,
    registry,
    steps: createStepCache(objects),
    log: createCampaignLog(objects),
    deployer: createLocalDeployer({ pointers, registry, endpoint }),
    chemistry: () => (chemistry ??= createChemistry({ threads: settings.threads.chemistry })),
    learning: () =>
      (learning ??= createLearning({
        threads: settings.threads.learning,
        backend: settings.learning.backend,
      })),
    warehouse: () => (warehouse ??= createDuckDbWarehouse({ path: paths.warehouse, objects })),
    async close() {
      await Promise.all([chemistry?.close(), learning?.close(), warehouse?.then((w) => w.close())]);
    },
  };
}
