import { TitrateError } from '../../contracts';
import type { ObjectStore } from '../../objects';
import type { ExperimentTracker } from '../tracker';
import { createWandbApi, type WandbConnection } from './api';
import { createWandbArtifacts } from './artifacts';
import { createWandbRuns } from './runs';

export type WandbTrackerOptions = Omit<WandbConnection, 'apiKey'> & {
  readonly objects: ObjectStore;
  /** Asked at the first call, so that nothing else needs the key. Never logged, stored or put into an error. */
  readonly apiKey: () => string | undefined;
  /** How long the SDK may take to open runs, ms. Default 30 s. */
  readonly sdkTimeoutMs?: number;
};

/** Weights & Biases: runs with tables and charts, artifacts with versions and aliases. */
export function createWandbTracker({
  objects,
  apiKey,
  sdkTimeoutMs,
  ...at
}: WandbTrackerOptions): ExperimentTracker {
  const baseUrl = at.baseUrl.replace(/\/+$/, '');
  let opened: (ReturnType<typeof createWandbRuns> & ReturnType<typeof createWandbArtifacts>) | undefined;

  function parts() {
    if (opened) return opened;
    const key = apiKey();
    if (!key) {
      throw new TitrateError('config-invalid', {
        what: "tracking.engine is 'wandb' and WANDB_API_KEY is not set",
        where: 'environment',
        remedy: 'Set WANDB_API_KEY for the deploy worker, then run titrate tracking deliver; nothing is lost',
      });
    }
    const connection = { ...at, baseUrl, apiKey: key };
    const api = createWandbApi(connection);
    opened = {
      ...createWandbRuns(connection, api, sdkTimeoutMs),
      ...createWandbArtifacts(connection, api, objects),
    };
    return opened;
  }

  return {
    destination: `${baseUrl}/${at.entity}/${at.project}`,
    putRuns: async (runs, signal) => parts().putRuns(runs, signal),
    run: async (runId, signal) => parts().run(runId, signal),
    putArtifact: async (artifact, signal) => parts().putArtifact(artifact, signal),
    artifact: async (name, signal) => parts().artifact(name, signal),
    moveAlias: async (name, alias, signal) => parts().moveAlias(name, alias, signal),
    aliased: async (collection, alias, signal) => parts().aliased(collection, alias, signal),
  };
}
