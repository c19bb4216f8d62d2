import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { prepareBucket } from '../objects';
import { bucketOptions, openObjects, openWarehouseIndex } from './composition';
import { homePaths, type Settings } from './settings';

export interface StorageChange {
  readonly part: 'objects' | 'warehouse';
  readonly change: string;
}

/**
 * Makes or reconciles what the settings name: the bucket (versioning, lifecycle, labels) and the warehouse's tables. Safe to
 * repeat. BigQuery's migrations are looked at only when they are run.
 * @returns what was changed, or with `dryRun` would be, in words.
 */
export async function prepareStorage(
  settings: Settings,
  { dryRun }: { dryRun: boolean },
): Promise<StorageChange[]> {
  const changes: StorageChange[] = [];
  const { objects, warehouse, google } = settings;
  if (objects.store === 'gcs') {
    const words = await prepareBucket({
      ...bucketOptions(settings),
      location: google.location,
      labels: google.labels,
      landingDays: objects.landingDays,
      noncurrentDays: objects.noncurrentDays,
      dryRun,
    });
    changes.push(...words.map((change) => ({ part: 'objects' as const, change })));
  } else if (!dryRun) await mkdir(homePaths(settings).objects, { recursive: true });

  if (warehouse.engine === 'bigquery') {
    const place = `${google.project}.${warehouse.dataset}`;
    if (dryRun) changes.push({ part: 'warehouse', change: `would make or migrate the tables of ${place}` });
    else {
      const index = await openWarehouseIndex(settings, openObjects(settings));
      try {
        const stood = await index.prepare();
        if (!stood) changes.push({ part: 'warehouse', change: `made the tables of ${place}` });
      } finally {
        await index.close();
      }
    }
  } else if (!dryRun) await mkdir(path.dirname(homePaths(settings).warehouse), { recursive: true });
  return changes;
}
