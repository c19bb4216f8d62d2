import { frontOver, type Traded } from '../../src/acquisition';
import {
  propertiesOf,
  type Cut,
  type FrontSummary,
  type Objective,
  type TrainingRow,
} from '../../src/contracts';
import type { ObjectStore } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';
import { valuesOf } from '../shared/values';

/** The front over what a cut knows; null before any molecule has every value, undefined for a campaign of one property. */
export async function frontOf(
  objects: ObjectStore,
  { training, others }: Cut,
  objective: Objective,
): Promise<FrontSummary | null | undefined> {
  if (!others) return undefined;
  const artifacts = jsonArtifacts(objects);
  const tables = [training, ...others.map((known) => known.training)];
  const traded: Traded[] = [];
  for (const [i, { direction, reference }] of propertiesOf(objective).entries()) {
    const rows = await artifacts.getRows<TrainingRow>(tables[i]!);
    traded.push({
      direction,
      ...(reference !== undefined && { reference }),
      values: valuesOf(rows),
    });
  }
  const front = frontOver(traded);
  return (
    front && {
      size: front.moleculeIds.length,
      hypervolume: front.hypervolume,
      reference: front.reference,
    }
  );
}
