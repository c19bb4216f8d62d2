import type { ModelVersion } from '../../src/contracts';
import { createLocalDeployer, createProduction } from '../../src/rollout';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { ask, MOLECULES, openWorld, type World } from '../serving/support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
let server: InferenceServer;
let endpoint: string;
let versions: ModelVersion[];

/** Real models behind the real server; its poll is slow on purpose, so that the deployer's question makes it look. */
beforeAll(async () => {
  world = await openWorld();
  versions = [];
  for (const shift of [0, 3, 6]) versions.push(await world.train(CAMPAIGN, shift));
  server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0, pollMs: 60_000 });
  endpoint = await server.start();
  await server.whenReady();
});
afterAll(async () => {
  await server.close();
  await world.close();
});

const predictions = async () =>
  (await ask(`${endpoint}/predict`, { model: CAMPAIGN, smiles: MOLECULES })).body as {
    version: string;
    predictions: unknown[];
  };

test('rolled back to version N, the server gives the very predictions it gave then, until N is released', async () => {
  const production = createProduction({
    ...world,
    deployer: createLocalDeployer({ ...world, endpoint }),
  });
  const request = (number: number, operationId: string) => ({
    ...{ campaignId: CAMPAIGN, version: versions[number - 1]!, operationId },
    ...{ author: 'ada', reason: 'a bad plate' },
  });
  await production.advance(request(1, 'round/1'));
  const then = await predictions();
  expect(then.version).toBe('v1');
  await production.advance(request(2, 'round/2'));
  const between = await predictions();
  expect(between.version).toBe('v2');
  expect(between.predictions).not.toEqual(then.predictions);

  const back = { ...request(1, 'back'), held: true };
  expect((await production.put(back)).deployment).toMatchObject({ status: 'ready' });
  expect(await predictions()).toEqual(then);
  expect(await production.advance(request(3, 'round/3'))).toMatchObject({ status: 'held' });
  expect(await predictions()).toEqual(then);

  // On, and back again, are further moves; each of them sent twice is one.
  for (const [number, operation] of [
    [2, 'on'],
    [2, 'on'],
    [1, 'back-again'],
    [1, 'back-again'],
  ] as const)
    await production.put({ ...request(number, operation), held: true });
  expect(await predictions()).toEqual(then);
  const moves = await world.registry.aliasMoves(CAMPAIGN, 'production');
  expect(moves.map(({ version, held }) => [version.slice(-2), held])).toEqual([
    ['v1', false],
    ['v2', false],
    ['v1', true],
    ['v2', true],
    ['v1', true],
  ]);
});
