/**
 * The models of `npm run bench:serving`: an ensemble of five networks on the 43 descriptors, and the same on ECFP4 (2,048 bits), trained
 * by the recipe of `titrate train` on the measured values of a file and exported to ONNX for the peer. Minutes of work, done once: what
 * lies in the folder already is taken as it is.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createChemistry } from '../../../src/chemistry';
import { cardOf, columnOf, featuriseRows } from '../../../src/cli/models/train-model';
import { readLabels } from '../../../src/cli/models/label-table';
import {
  featurizerSchema,
  moleculeCapsSchema,
  ruleSetName,
  standardisationSchema,
  type FeaturizerSpec,
} from '../../../src/contracts';
import { encodeNdjson, release } from '../../../src/foundation';
import { createLearning, SIMILARITY_FEATURIZER, trainRecipe } from '../../../src/learning';
import { exportOnnx } from '../../../src/learning/onnx';
import { openModelDirectory, writeModelDirectory } from '../../../src/tracking';

export interface BenchModel {
  readonly name: 'descriptors' | 'fingerprints';
  /** As `titrate train` writes it. */
  readonly directory: string;
  readonly onnx: string;
}

export interface TrainingFile {
  readonly file: string;
  readonly targetColumn: string;
}

const FEATURES: Readonly<Record<BenchModel['name'], FeaturizerSpec>> = {
  descriptors: featurizerSchema.parse({ kind: 'descriptors' }),
  fingerprints: SIMILARITY_FEATURIZER,
};
const SEED = 1;

/** @param data left out where the models are there already */
export async function benchModels(folder: string, data: TrainingFile | null): Promise<BenchModel[]> {
  const models: BenchModel[] = [];
  for (const name of Object.keys(FEATURES) as BenchModel['name'][]) {
    const directory = path.join(folder, name);
    const onnx = path.join(folder, `${name}.onnx`);
    if (!existsSync(path.join(directory, 'card.json'))) {
      if (!data)
        throw new Error(`there is no model in ${directory}: give --data FILE and --target-column NAME once`);
      mkdirSync(folder, { recursive: true });
      await train(name, directory, data);
    }
    if (!existsSync(onnx)) {
      const { card, get } = await openModelDirectory(directory);
      writeFileSync(onnx, exportOnnx({ name, card, weights: await get(card.weights) }).bytes);
    }
    models.push({ name, directory, onnx });
  }
  return models;
}

async function train(name: BenchModel['name'], directory: string, data: TrainingFile): Promise<void> {
  process.stderr.write(`training on ${name}\n`);
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'auto' });
  try {
    const standardisation = standardisationSchema.parse({});
    const how = { chemistry, caps: moleculeCapsSchema.parse({}), standardisation };
    const table = await readLabels({ ...data, ...how, task: 'regression' });
    const featurizer = FEATURES[name];
    const { rows, matrices } = await featuriseRows({ chemistry }, table.rows, [
      featurizer,
      SIMILARITY_FEATURIZER,
    ]);
    const result = await trainRecipe(learning, {
      sets: [{ featurizer, features: matrices[0]! }],
      labels: { ...columnOf(rows), task: table.task },
      families: 'mlp-ensemble',
      seed: SEED,
      split: null,
      fingerprints: matrices[1]!,
    });
    const runtime = {
      ...(await learning.runtime()),
      rdkit: await chemistry.version(),
      ruleSet: ruleSetName(standardisation),
      node: process.versions.node,
    };
    const card = cardOf(result, {
      ...{ name, property: data.targetColumn, seed: SEED, split: 'random', rows, runtime, code: release },
      sourceSha256: createHash('sha256').update(readFileSync(data.file)).digest('hex'),
    });
    await writeModelDirectory(directory, {
      card,
      weights: await result.model.serialise(),
      training: encodeNdjson(rows),
    });
    result.model.dispose();
  } finally {
    await Promise.all([chemistry.close(), learning.close()]);
  }
}
