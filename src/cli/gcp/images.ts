import type { Settings } from '../../platform/settings';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal } from './rest';

const IMAGE = /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/([^@:]+)@(sha256:[0-9a-f]{64})$/;

/** The images that the settings name, by the names of the settings. */
export function imagesOf({ training, kubernetes, processing, rollout }: Settings): [string, string][] {
  const named: [string, string | undefined][] = [
    ['training.image', training.engine === 'vertex' ? training.image : undefined],
    ['training.uploadImage', training.uploadModels ? training.uploadImage : undefined],
    ['kubernetes.image', rollout.engine === 'kubernetes' ? kubernetes.image : undefined],
    ['processing.workerImage', processing.engine === 'dataflow' ? processing.workerImage : undefined],
  ];
  return named.filter((entry): entry is [string, string] => entry[1] !== undefined);
}

/** An image is in Artifact Registry under the digest that a setting names. */
export async function checkImage(
  { rest, project }: Examination,
  setting: string,
  image: string,
): Promise<Finding> {
  const check = `image of ${setting}`;
  const { ok, warn, fail } = findings(check);
  const [, location, owner, repository, name, digest] = IMAGE.exec(image) ?? [];
  if (!digest)
    return warn(
      `${image} is no image of Artifact Registry by its digest, and cannot be looked at`,
      `Name it by its digest, which does not change: gcloud artifacts docker images describe ${image.split('@')[0]} --format='value(image_summary.digest)'`,
    );
  const answer = await rest.get(
    'artifactregistry',
    `v1/projects/${owner}/locations/${location}/repositories/${repository}/dockerImages/${encodeURIComponent(`${name}@${digest}`)}`,
  );
  if (answer.status === 200) return ok(image);
  if (answer.status === 404)
    return fail(
      `${image} is not there`,
      `Push it, or set ${setting} to one of: gcloud artifacts docker images list ${location}-docker.pkg.dev/${owner}/${repository}/${name} --include-tags`,
    );
  return refusal(check, answer, {
    service: 'artifactregistry',
    permission: 'artifactregistry.dockerimages.get',
    project,
  });
}
