import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createFileObjectStore, createPointerLog } from '../../src/objects';

const directory = mkdtempSync(path.join(tmpdir(), 'titrate-pointers-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const objects = createFileObjectStore(directory);
const by = (operationId: string) => ({ operationId, author: 'ada', reason: 'better' });

describe('pointer log', () => {
  test('moves are numbered and name the target before', async () => {
    const log = createPointerLog(objects);
    expect(await log.head('c1/production')).toBeNull();
    expect(await log.entries('c1/production')).toEqual([]);
    await log.move('c1/production', 'v1', by('op-1'));
    await log.move('c1/production', 'v2', by('op-2'));
    const back = await log.move('c1/production', 'v1', by('op-3'));
    expect(back).toMatchObject({
      number: 3,
      pointer: 'c1/production',
      target: 'v1',
      previous: 'v2',
      author: 'ada',
      reason: 'better',
    });
    expect(await createPointerLog(objects).head('c1/production')).toEqual(back);
    expect((await log.entries('c1/production')).map((entry) => entry.target)).toEqual(['v1', 'v2', 'v1']);
  });

  test('an operation moves a pointer once, however often it is retried, and also after later moves', async () => {
    const log = createPointerLog(objects);
    const first = await log.move('c2', 'v1', by('op-1'));
    await log.move('c2', 'v2', by('op-2'));
    expect(await createPointerLog(objects).move('c2', 'v1', by('op-1'))).toEqual(first);
    expect((await log.head('c2'))?.target).toBe('v2');
  });

  test('an operation cannot move a pointer to two targets', async () => {
    const log = createPointerLog(objects);
    await log.move('c3', 'v1', by('op-1'));
    await expect(log.move('c3', 'v2', by('op-1'))).rejects.toMatchObject({ code: 'usage' });
  });

  test('racing writers each get a number, and an operation that races with itself gets one', async () => {
    const moves = Array.from({ length: 12 }, (_, i) =>
      createPointerLog(objects).move('c4', `v${i % 6}`, by(`op-${i % 6}`)),
    );
    const entries = await Promise.all(moves);
    expect([...new Set(entries.map((entry) => entry.number))].sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    const log = await createPointerLog(objects).entries('c4');
    expect(log.map((entry) => entry.previous)).toEqual([
      null,
      ...log.slice(0, -1).map((entry) => entry.target),
    ]);
  });

  test('a move from an expected target happens only from there', async () => {
    const log = createPointerLog(objects);
    expect(await log.moveFrom('c6', 'v0', 'v1', by('op-0'))).toBeNull();
    expect(await log.moveFrom('c6', null, 'v1', by('op-1'))).toMatchObject({ number: 1, previous: null });
    expect(await log.moveFrom('c6', null, 'v2', by('op-2'))).toBeNull();
    const second = await log.moveFrom('c6', 'v1', 'v2', by('op-2'));
    expect(second).toMatchObject({ number: 2, target: 'v2', previous: 'v1' });
    // Repeated, also from another process and after later moves: the same entry.
    await log.moveFrom('c6', 'v2', 'v1', by('op-3'));
    expect(await createPointerLog(objects).moveFrom('c6', 'v1', 'v2', by('op-2'))).toEqual(second);
    await expect(log.moveFrom('c6', 'v1', 'v9', by('op-2'))).rejects.toMatchObject({ code: 'usage' });
    expect((await log.entries('c6')).map((entry) => entry.target)).toEqual(['v1', 'v2', 'v1']);
  });

  test('of writers that move from the same target one wins, and retries on top lose nothing', async () => {
    const add = async (name: string) => {
      const log = createPointerLog(objects);
      for (let attempt = 0; ; attempt++) {
        const head = (await log.head('c7'))?.target ?? null;
        const moved = await log.moveFrom('c7', head, `${head ?? ''}${name}`, by(`op-${name}-${attempt}`));
        if (moved) return;
      }
    };
    await Promise.all([...'abcdefgh'].map(add));
    const entries = await createPointerLog(objects).entries('c7');
    expect(entries.map((entry) => entry.target.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...entries.at(-1)!.target].sort().join('')).toBe('abcdefgh');
  });

  test('a pointer below another one is not part of it', async () => {
    const log = createPointerLog(objects);
    await log.move('c5/aliases', 'v1', by('op-1'));
    expect(await log.entries('c5')).toEqual([]);
  });
});
