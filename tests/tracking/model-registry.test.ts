import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ModelCard, ModelVersion } from '../../src/contracts';
import { createFileObjectStore, createPointerLog } from '../../src/objects';
import { createModelRegistry } from '../../src/tracking';
import { makeCard } from '../serving/support/card';

let directory: string;
const open = () => {
  const objects = createFileObjectStore(directory);
  const pointers = createPointerLog(objects);
  return { objects, pointers, registry: createModelRegistry({ objects, pointers }) };
};
const by = (operationId: string) => ({ operationId, author: 'ada', reason: 'test' });

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-registry-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('versions are numbered from 1 and their cards come back as they were', async () => {
  const { registry } = open();
  const first = await registry.register('solubility-42', makeCard({ round: 1 }), 'op/1');
  const second = await registry.register('solubility-42', makeCard({ round: 2 }), 'op/2');
  expect([first.id, second.id]).toEqual(['solubility-42/v1', 'solubility-42/v2']);
  expect(await registry.card(second)).toEqual(makeCard({ round: 2 }));
  expect(await open().registry.versions('solubility-42')).toEqual([first, second]);
  expect(await registry.campaigns()).toEqual(['solubility-42']);
});

test('an operation registers once, also when its retries race in several processes', async () => {
  const racers = Array.from({ length: 4 }, open);
  const versions = await Promise.all(
    racers.flatMap(({ registry }) =>
      ['op/1', 'op/2', 'op/3'].map((op) =>
        registry.register('solubility-42', makeCard({ round: Number(op.slice(3)) }), op),
      ),
    ),
  );
  expect(new Set(versions.map(({ id }) => id)).size).toBe(3);
  const { registry } = open();
  expect((await registry.versions('solubility-42')).map(({ number }) => number)).toEqual([1, 2, 3]);
  const again = await registry.register('solubility-42', makeCard({ round: 2, seed: 99 }), 'op/2');
  expect((await registry.card(again)).seed).toBe(makeCard({}).seed);
  expect(await registry.versions('solubility-42')).toHaveLength(3);
});

test('names resolve by number and by alias, and an alias goes back as well as forth', async () => {
  const { registry, pointers } = open();
  const [one, two] = [
    await registry.register('solubility-42', makeCard({ round: 1 }), 'op/1'),
    await registry.register('solubility-42', makeCard({ round: 2 }), 'op/2'),
  ];
  expect(await registry.alias('solubility-42', 'production')).toBeNull();
  for (const [version, operation] of [
    [one, 'a'],
    [two, 'b'],
    [one, 'c'],
    [one, 'c'],
  ] as const) {
    await registry.moveAlias('solubility-42', 'production', version, by(operation));
    expect(await registry.resolve('solubility-42@production')).toEqual(version);
  }
  expect(await pointers.entries('alias/solubility-42/production')).toHaveLength(3);
  expect(await registry.resolve('solubility-42/v2')).toEqual(two);
  expect(await registry.resolve('solubility-42/2')).toEqual(two);
});

test('an alias has a history; of movers that expect the same place one wins, and a hold is released once', async () => {
  const versions: ModelVersion[] = [];
  for (const round of [1, 2, 3])
    versions.push(await open().registry.register('solubility-42', makeCard({ round }), `op/${round}`));
  const racers = await Promise.allSettled(
    versions.map((version, i) =>
      open().registry.moveAlias('solubility-42', 'champion', version, by(`race/${i}`), { expected: null }),
    ),
  );
  expect(racers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
  const { registry } = open();
  const first = (await registry.alias('solubility-42', 'champion'))!;
  await registry.moveAlias('solubility-42', 'champion', versions[0]!, by('hold'), { held: true });
  expect(await registry.advanceAlias('solubility-42', 'champion', versions[2]!, by('on'))).toBeNull();
  await registry.releaseAlias('solubility-42', 'champion', by('release'));
  await registry.releaseAlias('solubility-42', 'champion', by('release'));
  await expect(registry.releaseAlias('solubility-42', 'champion', by('release/again'))).rejects.toMatchObject(
    { code: 'contradiction' },
  );
  expect(await registry.advanceAlias('solubility-42', 'champion', versions[2]!, by('on'))).not.toBeNull();
  // Of an earlier version than the one it would replace.
  expect(await registry.advanceAlias('solubility-42', 'champion', versions[1]!, by('late'))).toBeNull();
  expect(await registry.aliases('solubility-42')).toEqual(['champion']);
  const moves = await open().registry.aliasMoves('solubility-42', 'champion');
  expect(moves.map(({ number, version, held, operationId }) => [number, version, held, operationId])).toEqual(
    [
      [1, first.id, false, expect.stringMatching(/^race/)],
      [2, versions[0]!.id, true, 'hold'],
      [3, versions[0]!.id, false, 'release'],
      [4, versions[2]!.id, false, 'on'],
    ],
  );
  expect(moves[1]).toMatchObject({ previous: first.id, author: 'ada', reason: 'test' });
});

test('an unknown name says what there is', async () => {
  const { registry } = open();
  await expect(registry.resolve('solubility-42/v1')).rejects.toMatchObject({ code: 'not-found' });
  await registry.register('solubility-42', makeCard({}), 'op/1');
  await expect(registry.resolve('solubility-42/v7')).rejects.toThrow(
    /no model version 'solubility-42\/v7'.*solubility-42\/v1/,
  );
  await expect(registry.resolve('solubility-42@production')).rejects.toThrow(
    /Known versions: solubility-42\/v1/,
  );
  await expect(registry.resolve('solubilty-42/v1')).rejects.toThrow(/Did you mean 'solubility-42'/);
  await expect(registry.resolve('solubility-42')).rejects.toMatchObject({ code: 'usage' });
  await expect(registry.resolve('solubility-42/v0')).rejects.toMatchObject({ code: 'usage' });
});

test('what does not belong together is refused', async () => {
  const { registry } = open();
  const card: ModelCard = makeCard({ campaignId: 'other' });
  await expect(registry.register('solubility-42', card, 'op/1')).rejects.toMatchObject({ code: 'usage' });
  await expect(registry.register('../etc', makeCard({ campaignId: '../etc' }), 'op/1')).rejects.toMatchObject(
    { code: 'usage' },
  );
  const other = await registry.register('other', card, 'op/1');
  await expect(registry.moveAlias('solubility-42', 'production', other, by('a'))).rejects.toMatchObject({
    code: 'usage',
  });
  await expect(registry.moveAlias('other', 'a/b', other, by('a'))).rejects.toMatchObject({ code: 'usage' });
  const ghost = { ...other, id: 'other/v9', number: 9 };
  await expect(registry.moveAlias('other', 'production', ghost, by('a'))).rejects.toMatchObject({
    code: 'not-found',
  });
});
