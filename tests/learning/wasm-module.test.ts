import fc from 'fast-check';
import { EMPTY, I32, moduleOf, signedLeb, wasm } from '../../src/learning/wasm-module';

const memory = new wasm.Memory({ initial: 1, maximum: 1 });

/** A function that stores a constant at an address, both instructions with offset 0. */
const storing = (exported: string, value: number) => ({
  exported,
  parameters: [I32],
  locals: [],
  body: [0x02, EMPTY, 0x20, 0, 0x41, ...signedLeb(value), 0x36, 2, 0, 0x0b, 0x0b],
});

test('property: a module holds its functions, and their constants are what was written', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 140 }), (values) => {
      const bytes = moduleOf(
        ['some', 'memory'],
        values.map((value, i) => storing(`f${i}`, value)),
      );
      const { exports } = new wasm.Instance(new wasm.Module(bytes), { some: { memory } });
      values.forEach((_, i) => (exports[`f${i}`] as (at: number) => void)(4 * i));
      expect([...new Int32Array(memory.buffer, 0, values.length)]).toEqual(values);
    }),
    { numRuns: 30 },
  );
});
