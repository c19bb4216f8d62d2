import type { StandardisedSource } from '../../src/contracts';
import { createRandom, deriveSeed, type Random } from '../../src/foundation';
import { createFileObjectStore, createPointerLog, type ObjectStore } from '../../src/objects';
import { createDatasets, createEngine } from '../../src/datasets';
import { allOf, by, newFolder, newHome, sourceOf, told } from './support';

const engine = createEngine();
afterAll(() => engine.close());

/** Interleavings tried: all of a release's, or a sample of them. */
const INTERLEAVINGS =
  process.env.TITRATE_CHAOS === 'all' ? 1000 : Number(process.env.TITRATE_INTERLEAVINGS ?? 60);

/**
 * Runs writers one step at a time: each waits before every call that another process could see, and one of them, chosen by the seed, goes
 * on when all are waiting or done. So a seed names an interleaving.
 */
function createTurns(random: Random) {
  const waiting = new Map<number, () => void>();
  const running = new Set<number>();
  const trace: number[] = [];
  const goOn = () => {
    if (running.size || !waiting.size) return;
    const writers = [...waiting.keys()].sort();
    const writer = writers[random.below(writers.length)]!;
    trace.push(writer);
    const release = waiting.get(writer)!;
    waiting.delete(writer);
    running.add(writer);
    release();
  };
  return {
    trace,
    start: (writers: readonly number[]) => writers.forEach((writer) => running.add(writer)),
    turn: (writer: number) =>
      new Promise<void>((resolve) => {
        running.delete(writer);
        waiting.set(writer, resolve);
        goOn();
      }),
    done(writer: number) {
      running.delete(writer);
      goOn();
    },
  };
}

function takingTurns(objects: ObjectStore, turn: () => Promise<void>): ObjectStore {
  return {
    ...objects,
    async readRecord(key) {
      await turn();
      return objects.readRecord(key);
    },
    async createRecord(key, data) {
      await turn();
      return objects.createRecord(key, data);
    },
  };
}

async function interleave(seed: number) {
  const random = createRandom(deriveSeed(seed, 'interleaving'));
  const folder = newFolder();
  const objects = createFileObjectStore(folder);
  const writers = [0, 1, 2].slice(0, 2 + random.below(2));
  const onHead = random.below(2) === 1;
  if (onHead) {
    const { datasets } = newHome(engine, folder);
    const store = createFileObjectStore(`${folder}/store`);
    await datasets.commit({ dataset: 'pool', onto: 'head', sources: [await sourceOf(store, [{ n: 50 }], { uri: 'base' })], ...by }); // prettier-ignore
  }
  const shared = onHead ? createFileObjectStore(`${folder}/store`) : objects;
  const sources = new Map<number, StandardisedSource[]>();
  for (const writer of writers) {
    const mine: StandardisedSource[] = [];
    for (let i = 0; i < 2; i++)
      mine.push(await sourceOf(shared, [{ n: 1 + writer, value: i }, { n: 10 + 2 * writer + i }], { uri: `${writer}-${i}` })); // prettier-ignore
    sources.set(writer, mine);
  }

  const turns = createTurns(random);
  turns.start(writers);
  const committed: string[] = [];
  await Promise.all(
    writers.map(async (writer) => {
      const mine = takingTurns(shared, () => turns.turn(writer));
      const datasets = createDatasets({ objects: mine, pointers: createPointerLog(mine), engine });
      for (const source of sources.get(writer)!) {
        const { version } = await datasets.commit({
          dataset: 'pool',
          onto: 'head',
          sources: [source],
          ...by,
        });
        committed.push(version.id);
      }
      turns.done(writer);
    }),
  );

  const after = createDatasets({ objects: shared, pointers: createPointerLog(shared), engine });
  const head = await after.resolve('pool');
  const expected = writers.flatMap((w) => [0, 1].flatMap((i) => [`${1 + w}=${i}`, `${10 + 2 * w + i}`]));
  const chain: string[] = [];
  for (let at: string | null = head.id; at !== null;) {
    chain.push(at);
    at = (await after.version(at)).parent;
  }
  const history = (await after.history('pool')).map(({ target }) => target);
  return {
    rows: told(await allOf(after.rows(head))),
    expected: [...expected, ...(onHead ? ['50'] : [])].sort(),
    chain: chain.reverse(),
    history,
    committed,
    trace: turns.trace.join(''),
  };
}

test(
  `writers on one dataset: every row of each is in the last head, and the heads are one chain (${INTERLEAVINGS} interleavings)`,
  async () => {
    const traces = new Set<string>();
    for (let seed = 0; seed < INTERLEAVINGS; seed++) {
      const { rows, expected, chain, history, committed, trace } = await interleave(seed);
      expect({ seed, rows }).toEqual({ seed, rows: expected });
      expect({ seed, history }).toEqual({ seed, history: chain });
      expect(chain).toEqual(expect.arrayContaining(committed));
      traces.add(trace);
    }
    expect(traces.size).toBeGreaterThan(INTERLEAVINGS * 0.9);
  },
  INTERLEAVINGS * 5000,
);

test('an interleaving is named by its seed', async () => {
  expect((await interleave(3)).trace).toBe((await interleave(3)).trace);
});
