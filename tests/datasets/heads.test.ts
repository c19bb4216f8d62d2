import { createEngine } from '../../src/datasets';
import { allOf, by, newHome, sourceOf, told, type Home } from './support';

const engine = createEngine();
let home: Home;
let ids: string[];
beforeAll(async () => {
  home = newHome(engine);
  ids = [];
  for (const n of [1, 2, 3]) {
    const sources = [await sourceOf(home.objects, [{ n }], { uri: `${n}.csv` })];
    ids.push((await home.datasets.commit({ dataset: 'pool', onto: 'head', sources, ...by })).version.id);
  }
});
afterAll(() => engine.close());
const operation = (operationId: string) => ({ ...by, operationId });

test('references: ids, heads, tags, entries of the history; what there is when there is no such thing', async () => {
  const { datasets } = home;
  await datasets.tag('pool', 'good', ids[1]!, operation('tag'));
  const resolved = async (reference: string) => (await datasets.resolve(reference)).id;
  expect(await resolved(ids[0]!)).toBe(ids[0]);
  expect(await resolved('pool')).toBe(ids[2]);
  expect(await resolved('pool@good')).toBe(ids[1]);
  expect(await resolved('pool@1')).toBe(ids[0]);
  const refused = {
    pol: /no dataset 'pol'.*Did you mean 'pool'/,
    'pool@gone': /no tag 'gone'.*Its tags: good/,
    'pool@9': /no entry 9.*entries 1 to 3/,
    [`data_${'0'.repeat(32)}`]: /no dataset version/,
  };
  for (const [reference, message] of Object.entries(refused))
    await expect(resolved(reference)).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(message) }); // prettier-ignore
  await expect(resolved('a@b@c')).rejects.toMatchObject({ code: 'usage' });
});

test('a roll-back moves the head, once an operation, and history says who and why', async () => {
  const { datasets } = home;
  const back = () =>
    datasets.rollback('pool', 'pool@1', { author: 'bob', reason: 'bad plate', operationId: 'op-1' });
  const entry = await back();
  expect(entry).toMatchObject({
    target: ids[0],
    previous: ids[2],
    author: 'bob',
    reason: 'bad plate',
    number: 4,
  });
  expect(told(await allOf(datasets.rows(await datasets.resolve('pool'))))).toEqual(['1']);
  await datasets.rollback('pool', ids[2]!, operation('forward'));
  expect(await back()).toEqual(entry);
  expect((await datasets.resolve('pool')).id).toBe(ids[2]);
  expect((await datasets.history('pool')).map(({ target }) => target)).toEqual([...ids, ids[0], ids[2]]);
  const other = [await sourceOf(home.objects, [{ n: 8 }], { uri: 'other.csv' })];
  const stranger = await datasets.commit({ dataset: 'other', onto: 'head', sources: other, ...by });
  await expect(datasets.rollback('pool', stranger.version.id, operation('x'))).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining("no version of dataset 'pool'"),
  });
});

test('tags come, move and go; the list shows them beside head and parentage', async () => {
  const { datasets } = home;
  await datasets.tag('pool', 'release', ids[0]!, operation('t1'));
  await datasets.tag('pool', 'release', ids[1]!, operation('t2'));
  await datasets.tag('pool', 'release', ids[0]!, operation('t1')); // a retry of what was done before
  const listed = await datasets.list('pool');
  expect(listed.map(({ version, tags, isHead }) => [version.id, tags.includes('release'), isHead])).toEqual([
    [ids[0], false, false],
    [ids[1], true, false],
    [ids[2], false, true],
  ]);
  await datasets.untag('pool', 'release', operation('u1'));
  await datasets.untag('pool', 'release', operation('u1'));
  await expect(datasets.untag('pool', 'release', operation('u2'))).rejects.toMatchObject({
    code: 'not-found',
  });
  expect((await datasets.list('pool')).flatMap(({ tags }) => tags)).not.toContain('release');
  for (const tag of ['7', 'a/b', '']) await expect(datasets.tag('pool', tag, ids[0]!, operation('bad'))).rejects.toMatchObject({ code: 'usage' }); // prettier-ignore
  await expect(datasets.list('none')).rejects.toMatchObject({ code: 'not-found' });
  await expect(datasets.history('none')).rejects.toMatchObject({ code: 'not-found' });
});
