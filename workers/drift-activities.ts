import path from 'node:path';
import { createDriftActivities, type DriftActivities } from '../activities/deploy/drift';
import type { Ports } from '../src/platform/composition';
import { openDriftSchedules } from '../src/platform/drift-schedules';
import { createDriftLog } from '../src/tracking';

/** Where the inference server of these settings writes what is asked of it; null where it keeps nothing. */
export const predictionDirectory = ({ settings }: Pick<Ports, 'settings'>): string | null => {
  const { log } = settings.inference;
  return log.share > 0 ? path.resolve(settings.home, log.directory ?? 'predictions') : null;
};

/** Watching for drift, with what the settings of this process have for it. */
export const driftActivities = (ports: Ports, env: NodeJS.ProcessEnv): DriftActivities =>
  createDriftActivities({
    ...ports,
    chemistry: ports.chemistry(),
    learning: ports.learning(),
    driftLog: createDriftLog(ports.objects),
    // Its connection ends with the process.
    schedules: openDriftSchedules(ports.settings),
    predictions: predictionDirectory(ports),
    webhookSecret: env.TITRATE_WEBHOOK_SECRET || null,
  });
