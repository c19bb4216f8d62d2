import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeaturizationActivities } from '../../activities/featurization';
import { featureReader } from '../../activities/gpu/features';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import type { FeaturizationPorts } from '../../activities/shared/ports';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import {
  featurizerSchema,
  type ArtifactRef,
  type FeaturisedShard,
  type FeaturizerInput,
  type FeaturizerSpec,
  type TrainingRow,
} from '../../src/contracts';
import { bundleFeatures } from '../../src/foundation';
import { createPointerLog, createStepCache, type StepOutcome } from '../../src/objects';
import { newHome } from '../datasets/support';

const COUNTS: FeaturizerInput = { kind: 'morgan-counts', radius: 2 };
const GRAPH: FeaturizerInput = { kind: 'graph' };
const BITS: FeaturizerInput = { kind: 'maccs' };
const SMILES = ['CCO', 'c1ccccc1', 'CC(=O)N', 'C#N'];

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

/** The featurization activities on a real store; what chemistry is asked for is kept. */
async function world() {
  const { objects, datasets } = newHome();
  const asked: string[] = [];
  const watched: Chemistry = Object.create(chemistry, {
    featurise: {
      value: (molecules: never, spec: FeaturizerSpec) => {
        asked.push(spec.kind === 'bundle' ? spec.parts.map(({ kind }) => kind).join('&') : spec.kind);
        return chemistry.featurise(molecules, spec);
      },
    },
  }) as Chemistry;
  const activities = createFeaturizationActivities({
    objects,
    steps: createStepCache(objects),
    pointers: createPointerLog(objects),
    chemistry: watched,
    // Features of shards need no bulk processing.
    processor: {} as FeaturizationPorts['processor'],
  });
  const artifacts = jsonArtifacts(objects);
  const shard = await artifacts.putRows(SMILES.map((smiles, i) => ({ moleculeId: `m${i}`, smiles })));
  const shards = await artifacts.putJson([shard]);
  const featurise = async (input: FeaturizerInput) => {
    const featurizer = featurizerSchema.parse(input);
    const environment = new MockActivityEnvironment();
    const run = environment.run(activities.featuriseShard, { shards, index: 0, featurizer });
    const outcome = (await run) as StepOutcome<FeaturisedShard>;
    return { ...outcome, set: await activities.assembleFeatures({ featurizer, shards: [outcome.value] }) };
  };
  const scaffolds = async () => {
    const training = await artifacts.putRows([
      { moleculeId: 'm0', smiles: 'CCc1ccccc1' },
      { moleculeId: 'm1', smiles: 'CCO' },
      { moleculeId: 'm2', smiles: 'OCCc1ccccc1' },
    ]);
    const run = new MockActivityEnvironment().run(activities.scaffoldLabels, { training });
    const { value, cached } = (await run) as StepOutcome<ArtifactRef>;
    return { rows: await artifacts.getRows(value), cached };
  };
  return { asked, featurise, scaffolds, reader: featureReader(objects), close: () => datasets.close() };
}

test('a bundle takes the parts that are there, makes the rest from one parse, and leaves them for others', async () => {
  const { asked, featurise, reader, close } = await world();
  try {
    const counts = await featurise(COUNTS);
    const bundle = await featurise({ kind: 'bundle', parts: [COUNTS, GRAPH, BITS] } as FeaturizerInput);
    expect(asked).toEqual(['morgan-counts', 'graph&maccs']);
    expect(bundle.cached).toBe(false);
    const graph = await featurise(GRAPH);
    const bits = await featurise(BITS);
    expect(await featurise({ kind: 'bundle', parts: [BITS, COUNTS] } as FeaturizerInput)).toMatchObject({
      cached: true,
    });
    expect(asked).toHaveLength(2);
    expect([graph.cached, bits.cached]).toEqual([true, true]);
    expect(bundle.value.features).toEqual([counts, graph, bits].map(({ value }) => value.features));
    expect(new Set([bundle, counts, graph, bits].map(({ set }) => set.digest)).size).toBe(4);

    const wanted = ['m3', 'm0'];
    const alone = await Promise.all([counts, graph, bits].map(({ set }) => reader.rowsFor(set, wanted)));
    const rows = await reader.rowsFor(bundle.set, wanted);
    expect(rows).toEqual(bundleFeatures(bundle.set.featurizer, alone));
    expect(rows.moleculeIds).toEqual(wanted);
  } finally {
    await close();
  }
});

test('scaffolds of the labels are computed once; a molecule without rings has none', async () => {
  const { scaffolds, reader, close } = await world();
  try {
    const { rows, cached } = await scaffolds();
    expect(cached).toBe(false);
    expect(rows).toEqual([
      { moleculeId: 'm0', key: 'c1ccccc1' },
      { moleculeId: 'm1', key: null },
      { moleculeId: 'm2', key: 'c1ccccc1' },
    ]);
    expect(await scaffolds()).toEqual({ rows, cached: true });
    const labels = [{ moleculeId: 'm2' }, { moleculeId: 'unheard-of' }] as TrainingRow[];
    expect(await reader.splitKeys({ kind: 'time', keys: null }, labels)).toEqual({
      kind: 'time',
      keys: [null, null],
    });
    expect(await reader.splitKeys(undefined, labels)).toBeNull();
  } finally {
    await close();
  }
});
