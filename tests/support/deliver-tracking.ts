import path from 'node:path';
import { createFileObjectStore, createPointerLog } from '../../src/objects';
import {
  createModelRegistry,
  createTrackingSpool,
  createWandbTracker,
  deliverCampaign,
} from '../../src/tracking';

/** `node dist/tests/support/deliver-tracking.js HOME CAMPAIGN BASE_URL`: one delivery, in a process that a test can kill. */
async function main([home, campaignId, baseUrl]: string[]): Promise<void> {
  const objects = createFileObjectStore(path.join(home!, 'objects'));
  const registry = createModelRegistry({ objects, pointers: createPointerLog(objects) });
  const { WANDB_API_KEY } = process.env;
  const at = { baseUrl: baseUrl!, entity: 'chemists', project: 'titrate' };
  await deliverCampaign(campaignId!, {
    spool: createTrackingSpool(objects),
    tracker: createWandbTracker({ ...at, objects, apiKey: () => WANDB_API_KEY }),
    registry,
    signal: new AbortController().signal,
  });
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
