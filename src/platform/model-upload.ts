import { TitrateError } from '../contracts';
import type { ObjectStore } from '../objects';
import { createModelUpload, type ModelUpload } from '../training';
import { lackingForUpload, type Settings } from './settings';
import { jobEnvironment } from './training';

/** Upload of models to Vertex AI as the settings have it. @throws TitrateError config-invalid naming what they lack */
export function openModelUpload(settings: Settings, objects: ObjectStore): ModelUpload {
  const lacking = lackingForUpload(settings);
  if (lacking.length > 0) {
    throw new TitrateError('config-invalid', {
      what: `missing for the upload of models: ${lacking.join('; ')}`,
      where: 'settings',
      remedy: 'Set them in titrate.yaml or as TITRATE_* variables',
    });
  }
  const { google, training } = settings;
  return createModelUpload({
    objects,
    projectId: google.project!,
    region: google.region,
    endpoint: training.endpoint,
    image: (training.uploadImage ?? training.image)!,
    // The same store; a server answers without the GPU that training is paid for.
    environment: jobEnvironment({ ...settings, training: { ...training, acceleratorCount: 0 } }),
    serviceAccountEmail: training.serviceAccount,
    labels: google.labels,
  });
}
