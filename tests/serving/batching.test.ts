import fc from 'fast-check';
import type { ModelVersion } from '../../src/contracts';
import type { CancelSignal } from '../../src/foundation';
import { Admission } from '../../src/serving/admission';
import { Batcher } from '../../src/serving/batcher';
import type { NamedPredictions } from '../../src/serving';
import '../support/property-seed';

const version = (number: number) => ({ id: `a/v${number}`, number }) as ModelVersion;
const never = () => new AbortController().signal;

/** A batcher whose model answers when the test says so; a molecule's outcome is its own SMILES, turned round. */
function world(maxBatch = 16) {
  const batches: {
    smiles: readonly string[];
    version: string;
    signal: CancelSignal;
    end(error?: Error): void;
  }[] = [];
  const batcher = new Batcher({
    maxBatch,
    predict: (of, smiles, signal) =>
      new Promise<NamedPredictions>((resolve, reject) => {
        const predictions = smiles.map((text) => ({ smiles: text, error: `not ${text}`, reason: 'test' }));
        const answer = { model: 'a', version: `v${of.number}`, property: 'p', unit: null, predictions };
        batches.push({
          ...{ smiles, version: of.id, signal },
          end: (error) => (error ? reject(error) : resolve(answer)),
        });
      }),
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { batcher, batches, turn };
}

test('what arrives while the model works is one batch, and everybody gets their own molecules', async () => {
  const { batcher, batches, turn } = world();
  const first = batcher.predict(version(1), ['A'], never());
  await turn();
  const later = ['B', 'C'].map((text) => batcher.predict(version(1), [text], never()));
  await turn();
  expect(batches.map(({ smiles }) => smiles)).toEqual([['A']]);
  expect(batcher.waiting).toBe(2);
  batches[0]!.end();
  expect((await first).predictions).toMatchObject([{ smiles: 'A' }]);
  await turn();
  expect(batches[1]!.smiles).toEqual(['B', 'C']);
  batches[1]!.end();
  expect((await Promise.all(later)).map(({ predictions }) => predictions[0]!.smiles)).toEqual(['B', 'C']);
  expect(batcher.waiting).toBe(0);
});

test('a large request does not keep a small one behind it waiting for its end', async () => {
  const { batcher, batches, turn } = world(16);
  const large = Array.from({ length: 100 }, (_, i) => `L${i}`);
  void batcher.predict(version(1), large, never());
  await turn();
  const small = batcher.predict(version(1), ['S'], never());
  let at = 0;
  for (; !batches.some(({ smiles }) => smiles.includes('S')); at++) {
    batches[at]!.end();
    await turn();
  }
  // The very next batch that starts has it.
  expect(at).toBe(1);
  batches.slice(at).forEach(({ end }) => end());
  expect((await small).predictions).toMatchObject([{ smiles: 'S' }]);
});

test('versions are never mixed in a batch', async () => {
  const { batcher, batches, turn } = world();
  void batcher.predict(version(1), ['A'], never());
  void batcher.predict(version(2), ['B'], never());
  await turn();
  expect(batches.map((batch) => [batch.version, batch.smiles])).toEqual([
    ['a/v1', ['A']],
    ['a/v2', ['B']],
  ]);
});

test('who leaves is rejected at once with the reason, and work ends when nobody waits for it', async () => {
  const { batcher, batches, turn } = world();
  const one = new AbortController();
  const two = new AbortController();
  const asked = [
    batcher.predict(version(1), ['A'], one.signal),
    batcher.predict(version(1), ['B'], two.signal),
  ];
  await turn();
  one.abort(new Error('one left'));
  await expect(asked[0]).rejects.toThrow('one left');
  expect(batches[0]!.signal.aborted).toBe(false);
  two.abort(new Error('two left'));
  await expect(asked[1]).rejects.toThrow('two left');
  expect(batches[0]!.signal.aborted).toBe(true);
  const waiting = new AbortController();
  const queued = batcher.predict(version(1), ['C'], waiting.signal);
  waiting.abort(new Error('left the queue'));
  await expect(queued).rejects.toThrow('left the queue');
  expect(batcher.waiting).toBe(0);
});

test('a batch that fails fails its own requests and no others', async () => {
  const { batcher, batches, turn } = world();
  const first = batcher.predict(version(1), ['A'], never());
  await turn();
  const second = batcher.predict(version(1), ['B'], never());
  batches[0]!.end(new Error('it broke'));
  await expect(first).rejects.toThrow('it broke');
  await turn();
  batches[1]!.end();
  expect((await second).predictions).toHaveLength(1);
});

test('however requests are sized, each molecule is predicted once and comes back in its place', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 20 }), async (lengths, maxBatch) => {
      const { batcher, batches, turn } = world(maxBatch);
      const requests = lengths.map((length, r) => Array.from({ length }, (_, i) => `${r}/${i}`));
      const answers = requests.map((smiles) => batcher.predict(version(1), smiles, never()));
      await turn();
      for (let at = 0; at < batches.length; at++) {
        expect(batches[at]!.smiles.length).toBeLessThanOrEqual(maxBatch);
        batches[at]!.end();
        await turn();
      }
      const got = (await Promise.all(answers)).map(({ predictions }) =>
        predictions.map(({ smiles }) => smiles),
      );
      expect(got).toEqual(requests);
      expect(batches.flatMap(({ smiles }) => smiles).sort()).toEqual(requests.flat().sort());
    }),
    { numRuns: 50 },
  );
});

describe('admission', () => {
  const limits = { maxMolecules: 100, maxWaitMs: 1000 };

  test('refuses beyond the bound with the time to wait, and always lets a lone request in', () => {
    const admission = new Admission(limits);
    admission.enter(1000);
    expect(() => admission.check()).toThrow('1000 molecules are in work, and at most 100 may be');
    expect(() => admission.enter(1)).toThrow(expect.objectContaining({ status: 429, retryAfter: 1 }));
    admission.leave(1000);
    admission.check();
    admission.enter(60);
    expect(() => admission.enter(60)).toThrow('60 molecules');
  });

  test('streams wait for half of the room, in their order, and leave the queue when they are aborted', async () => {
    const admission = new Admission(limits);
    admission.enter(40);
    const order: string[] = [];
    const gone = new AbortController();
    const turns = [
      admission.enterInTurn(20, never()).then(() => order.push('first')),
      admission.enterInTurn(20, gone.signal).catch((error: Error) => order.push(error.message)),
      admission.enterInTurn(5, never()).then(() => order.push('third')),
    ];
    admission.enter(10);
    gone.abort(new Error('gone'));
    admission.leave(40);
    await Promise.all(turns);
    expect(order.sort()).toEqual(['first', 'gone', 'third']);
    expect(admission.molecules).toBe(35);
  });
});
