import { MEDIA_TYPES, STEPS, type ArtifactRef, type Molecule } from '../../../src/contracts';
import { emptySample, sampleFromJson, sampleToJson, type DriftSample } from '../../../src/drift';
import { createRandom, decodeNdjson, deriveSeed } from '../../../src/foundation';
import { moleculeColumns, saidColumns, type WatchedModel } from './molecule-columns';
import type { DriftPorts } from './ports';

/** Molecules of the sample: from a thousand on a larger one tells little more. */
export const REFERENCE_ROWS = 1000;
/** Shards that it is drawn from, at most: where they are cut depends on the molecules' hashes alone, so each is a sample by itself. */
const REFERENCE_SHARDS = 8;
/** The same pool and model have the same reference, whoever asks. */
const SEED = 1;

/** A sample of a pool's molecules by chance. */
async function poolSample(
  { datasets, objects }: Pick<DriftPorts, 'datasets' | 'objects'>,
  dataVersion: string,
): Promise<Molecule[]> {
  const { shards } = await datasets.version(dataVersion);
  const random = createRandom(deriveSeed(SEED, 'drift-reference'));
  const molecules: Molecule[] = [];
  for (const shard of random.shuffle(shards).slice(0, REFERENCE_SHARDS))
    molecules.push(...decodeNdjson<Molecule>(await objects.get(shard)));
  return random.shuffle(molecules).slice(0, REFERENCE_ROWS);
}

/**
 * What is asked of a model is held against this: a sample of the screening pool, with what the model says of it. Worked out once for a
 * pool and a model.
 */
export async function poolReference(
  ports: Pick<DriftPorts, 'datasets' | 'objects' | 'steps' | 'chemistry'>,
  dataVersion: string,
  { loaded, trained }: WatchedModel,
): Promise<DriftSample> {
  const { objects, steps, chemistry } = ports;
  const { card } = loaded;
  const key = {
    inputs: { dataVersion, weights: card.weights.sha256, training: card.training.sha256 },
    parameters: { rows: REFERENCE_ROWS, shards: REFERENCE_SHARDS, calibration: { ...card.calibration } },
    seed: SEED,
    runtime: { rdkit: await chemistry.version() },
  };
  const { value } = await steps.run(STEPS.driftReference, key, async (): Promise<ArtifactRef> => {
    const molecules = await poolSample(ports, dataVersion);
    const sample: DriftSample = {
      ...emptySample,
      rows: molecules.length,
      smiles: molecules.map(({ smiles }) => smiles),
      ...(await moleculeColumns(ports, molecules)),
      ...saidColumns(await loaded.predictStandard(molecules), molecules, trained),
    };
    return objects.put(Buffer.from(sampleToJson(sample)), MEDIA_TYPES.json);
  });
  return sampleFromJson((await objects.get(value)).toString('utf8'));
}
