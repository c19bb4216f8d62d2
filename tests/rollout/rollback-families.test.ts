import {
  featurizerSchema,
  modelFamilySchema,
  type BaseModelSettings,
  type ModelCard,
  type ModelFamily,
  type ModelVersion,
} from '../../src/contracts';
import { createLocalDeployer, createProduction } from '../../src/rollout';
import { createInferenceServer } from '../../src/serving';
import { ask, MOLECULES, openWorld, type World } from '../serving/support/world';

const MORGAN = featurizerSchema.parse({ kind: 'morgan', radius: 2, bits: 512 });
const GRAPH = featurizerSchema.parse({ kind: 'graph' });
const FIT = {
  members: 2,
  hidden: [8],
  dropout: 0.1,
  learningRate: 3e-3,
  weightDecay: 1e-4,
  batchSize: 8,
  epochs: 2,
};
const GP: BaseModelSettings = { family: 'gaussian-process', noiseRatios: [0.01, 0.1, 1] };
const MLP: BaseModelSettings = { family: 'mlp-ensemble', ...FIT };
const FOREST: BaseModelSettings = { family: 'random-forest', trees: 5, maxFeatures: 'sqrt', minLeaf: 1 };
const DMPNN: BaseModelSettings = { family: 'message-passing-ensemble', messageSize: 8, depth: 2, ...FIT };

const stackOf = (
  weights: readonly number[] | undefined,
): Pick<ModelCard, 'family' | 'settings' | 'featurizer'> => ({
  family: 'stack',
  settings: {
    family: 'stack',
    folds: 2,
    models: [
      { settings: GP, part: 0 },
      { settings: MLP, part: 0 },
      { settings: DMPNN, part: 1 },
    ],
    weights,
  },
  featurizer: featurizerSchema.parse({ kind: 'bundle', parts: [MORGAN, GRAPH] }),
});

/** Every family, small. */
const CARDS: Record<ModelFamily, Pick<ModelCard, 'family' | 'settings' | 'featurizer'>> = {
  'gaussian-process': { family: 'gaussian-process', settings: GP, featurizer: MORGAN },
  'mlp-ensemble': { family: 'mlp-ensemble', settings: MLP, featurizer: MORGAN },
  'message-passing-ensemble': { family: 'message-passing-ensemble', settings: DMPNN, featurizer: GRAPH },
  'random-forest': { family: 'random-forest', settings: FOREST, featurizer: MORGAN },
  // On so few molecules a network would get no weight, and not be there.
  stack: stackOf([0.4, 0.3, 0.3]),
};
const CASES = [
  ...modelFamilySchema.options.map((family) => [family, CARDS[family]] as const),
  ['stack that finds its weights', stackOf(undefined)] as const,
];

/** A server of its own, as one that was started anew. */
async function served(world: World, campaign: string) {
  const server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0, pollMs: 60_000 });
  const endpoint = await server.start();
  await server.whenReady();
  return {
    endpoint,
    predictions: async () =>
      (await ask(`${endpoint}/predict`, { model: campaign, smiles: MOLECULES })).body as {
        version: string;
        predictions: { value: number }[];
      },
    close: () => server.close(),
  };
}

describe.each(CASES)('%s', (name, card) => {
  const campaign = `${name.replaceAll(' ', '-')}-1`;
  let world: World;
  let versions: ModelVersion[];
  beforeAll(async () => {
    world = await openWorld();
    versions = [await world.train(campaign, 0, card), await world.train(campaign, 3, card)];
  });
  afterAll(() => world.close());

  test('trained again elsewhere from the same molecules and seed, it is the same bytes', async () => {
    const elsewhere = await openWorld();
    try {
      const again = await elsewhere.train(campaign, 0, card);
      const weights = async (from: World, version: ModelVersion) =>
        from.objects.get((await from.registry.card(version)).weights);
      const first = await weights(world, versions[0]!);
      expect((await weights(elsewhere, again)).equals(first)).toBe(true);
      expect((await weights(world, versions[1]!)).equals(first)).toBe(false);
    } finally {
      await elsewhere.close();
    }
  });

  test('rolled back to version 1, the server gives the very predictions it gave then, also started anew', async () => {
    const server = await served(world, campaign);
    try {
      const deployer = createLocalDeployer({ ...world, endpoint: server.endpoint });
      const production = createProduction({ ...world, deployer });
      const request = (number: number, operationId: string) => ({
        ...{ campaignId: campaign, version: versions[number - 1]!, operationId },
        ...{ author: 'ada', reason: 'a bad plate' },
      });
      await production.advance(request(1, 'round/1'));
      const then = await server.predictions();
      expect(then).toMatchObject({ version: 'v1' });
      expect(then.predictions.map(({ value }) => Number.isFinite(value))).toEqual(MOLECULES.map(() => true));
      await production.advance(request(2, 'round/2'));
      const between = await server.predictions();
      expect(between.version).toBe('v2');
      expect(between.predictions).not.toEqual(then.predictions);

      await production.put({ ...request(1, 'back'), held: true });
      expect(await server.predictions()).toEqual(then);
      const anew = await served(world, campaign);
      try {
        expect(await anew.predictions()).toEqual(then);
      } finally {
        await anew.close();
      }
    } finally {
      await server.close();
    }
  });
});
