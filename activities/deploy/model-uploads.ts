import { uploadCampaign, versionsToUpload } from '../../src/training';
import { withHeartbeat } from '../shared/heartbeat';
import type { DeployPorts } from '../shared/ports';

/** Registered models are entered into a registry elsewhere, where the settings want it, by activities that no round waits for. */
export function createModelUploadActivities(
  ports: Pick<DeployPorts, 'objects' | 'registry' | 'modelUpload'>,
) {
  const { objects, registry, modelUpload } = ports;

  /** Ids of the versions that are to be uploaded; none where models are not uploaded. */
  async function modelsToUpload({ campaignId }: { campaignId: string }): Promise<string[]> {
    if (!modelUpload) return [];
    const { place } = modelUpload;
    return withHeartbeat(async () =>
      (await versionsToUpload(campaignId, { objects, registry, place })).map(({ id }) => id),
    );
  }

  /** Uploads them. @returns ids of the versions that this call has uploaded or found there */
  async function uploadModels({ campaignId }: { campaignId: string }): Promise<string[]> {
    if (!modelUpload) return [];
    return withHeartbeat((signal, onProgress) =>
      uploadCampaign(campaignId, {
        ...{ objects, registry, modelUpload, signal, onProgress },
        ...{ author: 'titrate', reason: 'training.uploadModels' },
      }),
    );
  }

  return { modelsToUpload, uploadModels };
}
