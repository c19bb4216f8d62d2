import { rmSync } from 'node:fs';
import type { ModelMoved, ModelVersion } from '../../src/contracts';
import { openWorld, type World } from '../serving/support/world';
import { titrate, workplace, type Ran } from './support';

const CAMPAIGN = 'solubility-42';
const directory = workplace();
let world: World;
let versions: ModelVersion[];

beforeAll(async () => {
  world = await openWorld();
  versions = [await world.train(CAMPAIGN), await world.train(CAMPAIGN, 2), await world.train(CAMPAIGN, 4)];
  const by = { operationId: 'newest', author: 'titrate', reason: 'round 3' };
  await world.registry.moveAlias(CAMPAIGN, 'candidate', versions[2]!, by);
});
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true, force: true });
});

const models = (...args: string[]) =>
  titrate(directory, '--home', world.directory, '--json', 'models', ...args);
function json<T>({ code, stdout, stderr }: Ran): T {
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
const inProduction = async () => (await world.registry.alias(CAMPAIGN, 'production'))?.id ?? null;

// One story, in order. No server runs: what serves is the pointer that one would follow.
describe('titrate models, with no server', () => {
  test('promote puts a version into production and says who and why; a dry run moves nothing', async () => {
    const name = `${CAMPAIGN}@candidate`;
    expect(json(models('promote', name, '--dry-run'))).toMatchObject({ dryRun: true, to: versions[2]!.id });
    expect(await inProduction()).toBeNull();
    const ran = models('promote', name, '--by', 'ada', '--reason', 'good on the new plate');
    expect(json<ModelMoved>(ran)).toMatchObject({
      from: null,
      to: versions[2]!.id,
      move: 1,
      production: { held: false },
      deployment: {
        status: 'failed',
        message: expect.stringMatching(/loaded as soon as one runs/) as string,
      },
    });
    expect(await inProduction()).toBe(versions[2]!.id);
  });

  test('rollback holds production; list and show tell so; promote asks for --release', async () => {
    const ran = models('rollback', CAMPAIGN, '--to', 'v1', '--by', 'ada', '--reason', 'v3 misleads us');
    expect(json<ModelMoved>(ran)).toMatchObject({ from: versions[2]!.id, production: { held: true } });
    expect(ran.stderr).toContain(`titrate models rollback ${CAMPAIGN} --release`);
    const listed = json<{ id: string; aliases: string[]; held: string[] }[]>(models('list', CAMPAIGN));
    expect(listed.map(({ aliases, held }) => [aliases, held])).toEqual([
      [['production'], ['production']],
      [[], []],
      [['candidate'], []],
    ]);
    expect(json<{ moves: object[] }>(models('show', `${CAMPAIGN}/v1`)).moves).toEqual([
      expect.objectContaining({
        ...{ alias: 'production', number: 2, author: 'ada', reason: 'v3 misleads us', held: true },
        ...{ previous: versions[2]!.id, version: versions[0]!.id },
      }),
    ]);
    const refused = models('promote', `${CAMPAIGN}/v2`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/held at solubility-42\/v1 by ada: v3 misleads us.*--release/);
    expect(await inProduction()).toBe(versions[0]!.id);
  });

  test('a release lets rollouts move it again, once', async () => {
    expect(json<ModelMoved>(models('rollback', CAMPAIGN, '--release'))).toMatchObject({
      to: versions[0]!.id,
      production: { held: false },
    });
    const again = models('rollback', CAMPAIGN, '--release');
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/nothing holds 'production'/);
  });

  test('diff tells the labels that changed; wrong use is exit code 2, an unknown version exit code 1', () => {
    const diff = json<{ labels: { changed: number; gained: number }; settings: object[] }>(
      models('diff', `${CAMPAIGN}/v1`, `${CAMPAIGN}/v2`),
    );
    expect(diff).toMatchObject({ labels: { changed: 30, gained: 0 }, settings: [] });
    expect(models('rollback', CAMPAIGN).code).toBe(2);
    const unknown = models('rollback', CAMPAIGN, '--to', 'v9');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/no model version 'solubility-42\/v9'/);
  });
});
