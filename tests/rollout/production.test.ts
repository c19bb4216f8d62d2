import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ModelVersion } from '../../src/contracts';
import { createFileObjectStore, createPointerLog } from '../../src/objects';
import { createProduction, servingPointer, type Deployer } from '../../src/rollout';
import { createModelRegistry } from '../../src/tracking';
import { makeCard } from '../serving/support/card';

const CAMPAIGN = 'solubility-42';
let directory: string;
let world: Awaited<ReturnType<typeof openWorld>>;

/** Real pointers and registry; a deployer that moves the serving pointer and can be interrupted after it. */
async function openWorld() {
  const objects = createFileObjectStore(directory);
  const pointers = createPointerLog(objects);
  const registry = createModelRegistry({ objects, pointers });
  const versions: ModelVersion[] = [];
  for (const round of [1, 2, 3])
    versions.push(await registry.register(CAMPAIGN, makeCard({ round }), `register/${round}`));
  /** What happens between the deployment of an operation and whatever comes after it. */
  const meanwhile = new Map<string, () => Promise<unknown>>();
  const deployer: Deployer = {
    kind: 'local',
    trial: async () => ({ version: null, status: 'ready', endpoint: 'here', message: 'off' }),
    async deploy({ campaignId, version, operationId, author, reason }) {
      await pointers.move(servingPointer(campaignId), version.id, { operationId, author, reason });
      await meanwhile.get(operationId)?.();
      return { version: version.id, status: 'ready', endpoint: 'here', message: 'ready' };
    },
    observe: () => Promise.reject(new Error('not asked for')),
  };
  const production = createProduction({ registry, deployer, pointers });
  const serving = async () => (await pointers.head(servingPointer(CAMPAIGN)))?.target ?? null;
  const inProduction = async () => (await registry.alias(CAMPAIGN, 'production'))?.id ?? null;
  const request = (number: number, operationId: string) => ({
    campaignId: CAMPAIGN,
    version: versions[number - 1]!,
    operationId,
    author: 'ada',
    reason: 'because',
  });
  return { registry, production, meanwhile, serving, inProduction, request };
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-production-'));
  world = await openWorld();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const where = async () => [await world.inProduction(), await world.serving()];
const both = (number: number) => [`${CAMPAIGN}/v${number}`, `${CAMPAIGN}/v${number}`];

test('rollouts move on; what a person rolled back to stays until it is released', async () => {
  const { production, request } = world;
  expect(await production.advance(request(1, 'round/1'))).toMatchObject({ status: 'ready' });
  expect(await production.advance(request(2, 'round/2'))).toMatchObject({ status: 'ready' });
  await production.put({ ...request(1, 'back'), held: true });
  expect(await where()).toEqual(both(1));
  expect(await production.advance(request(3, 'round/3'))).toMatchObject({
    status: 'held',
    version: `${CAMPAIGN}/v1`,
    message: expect.stringMatching(/ada holds solubility-42\/v1 \(because\).*--release/) as string,
  });
  expect(await where()).toEqual(both(1));
  await production.release(CAMPAIGN, { operationId: 'let-go', author: 'ada', reason: 'mended' });
  expect(await where()).toEqual(both(1));
  expect(await production.advance(request(3, 'round/3'))).toMatchObject({ status: 'ready' });
  expect(await where()).toEqual(both(3));
});

test('a hold that is placed while a rollout is under way wins, and what serves is put back', async () => {
  const { production, request, meanwhile } = world;
  await production.advance(request(1, 'round/1'));
  // The alias is moved and held after the rollout has looked, and before its deployment has ended.
  meanwhile.set('round/2', async () => {
    meanwhile.delete('round/2');
    await world.registry.moveAlias(
      CAMPAIGN,
      'production',
      (await world.registry.versions(CAMPAIGN))[0]!,
      { operationId: 'hold', author: 'bob', reason: 'v2 looks wrong' },
      { held: true },
    );
  });
  expect(await production.advance(request(2, 'round/2'))).toMatchObject({ status: 'held', endpoint: 'here' });
  expect(await where()).toEqual(both(1));
  // Tried again, as Temporal would, it finds everything done.
  expect(await production.advance(request(2, 'round/2'))).toMatchObject({ status: 'held' });
  expect(await where()).toEqual(both(1));
});

test('a rollout whose worker died between serving and alias gives way when it is tried again', async () => {
  const { production, request, meanwhile } = world;
  await production.advance(request(1, 'round/1'));
  meanwhile.set('round/2', () => Promise.reject(new Error('killed')));
  await expect(production.advance(request(2, 'round/2'))).rejects.toThrow('killed');
  expect(await where()).toEqual([`${CAMPAIGN}/v1`, `${CAMPAIGN}/v2`]);
  meanwhile.clear();
  await world.registry.moveAlias(
    CAMPAIGN,
    'production',
    (await world.registry.versions(CAMPAIGN))[0]!,
    { operationId: 'hold', author: 'bob', reason: 'v2 looks wrong' },
    { held: true },
  );
  await production.advance(request(2, 'round/2'));
  expect(await where()).toEqual(both(1));
});

test('a slow rollout of an earlier round neither undoes a later one nor leaves its own model serving', async () => {
  const { production, request, meanwhile } = world;
  await production.advance(request(1, 'round/1'));
  meanwhile.set('round/2', async () => {
    meanwhile.delete('round/2');
    await world.registry.advanceAlias(CAMPAIGN, 'production', (await world.registry.versions(CAMPAIGN))[2]!, {
      operationId: 'round/3/production',
      author: 'titrate',
      reason: 'round 3',
    });
  });
  expect(await production.advance(request(2, 'round/2'))).toMatchObject({
    status: 'superseded',
    version: `${CAMPAIGN}/v3`,
  });
  expect(await where()).toEqual(both(3));
  expect(await production.advance(request(1, 'round/1-late'))).toMatchObject({ status: 'superseded' });
});

test('a mover that expects production elsewhere loses, and learns who was first', async () => {
  const { production, request } = world;
  await production.put({ ...request(1, 'a'), held: false, expected: null });
  const second = { ...request(2, 'b'), held: false, expected: `${CAMPAIGN}/v1` };
  await production.put(second);
  const late = production.put({ ...request(3, 'c'), held: false, expected: `${CAMPAIGN}/v1` });
  await expect(late).rejects.toMatchObject({
    code: 'contradiction',
    message: expect.stringMatching(
      /expected at solubility-42\/v1 and is at solubility-42\/v2 \(move 2, by ada: because\)/,
    ) as string,
  });
  expect(await where()).toEqual(both(2));
});
