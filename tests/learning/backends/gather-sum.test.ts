import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { gatherSum } from '../../../src/learning/backends/gather-sum';
import { transposed, type RowLists } from '../../../src/learning/backends/row-lists';
import { selectBackend } from '../../../src/learning/backends/select';

const ROWS = 7;
const listsOf = (lists: readonly (readonly number[])[]): RowLists => ({
  offsets: Int32Array.from([0, ...lists].map((_, i) => lists.slice(0, i).flat().length)),
  indices: Int32Array.from(lists.flat()),
});
const someLists = fc.array(fc.array(fc.nat(ROWS - 1), { maxLength: 5 }), { minLength: 1, maxLength: 9 });

describe.each(['wasm', 'cpu'] as const)('sums of listed rows on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  it('property: equal the sums they stand for, and turned round give the gradient by the rows', () => {
    fc.assert(
      fc.property(someLists, fc.integer({ min: 1, max: 21 }), fc.nat(), (lists, width, seed) => {
        const random = createRandom(seed);
        const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
        const [values, byOutputs] = [normals(ROWS * width), normals(lists.length * width)];
        const before = tf.memory().numTensors;
        const [sums, gradient] = tf.tidy(() => {
          const x = tf.tensor2d(values, [ROWS, width]);
          const out = gatherSum(x, listsOf(lists));
          expect(out.shape).toEqual([lists.length, width]);
          const back = gatherSum(tf.tensor2d(byOutputs, out.shape), transposed(listsOf(lists), ROWS));
          expect(back.shape).toEqual(x.shape);
          return [out.dataSync(), back.dataSync()];
        });
        const expected = new Float64Array(ROWS * width);
        lists.forEach((list, to) => {
          for (let column = 0; column < width; column++) {
            const sum = list.reduce((total, row) => total + values[row * width + column]!, 0);
            expect(sums[to * width + column]).toBeCloseTo(sum, 5);
            for (const row of list) expected[row * width + column]! += byOutputs[to * width + column]!;
          }
        });
        gradient.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 40 },
    );
  });
});
