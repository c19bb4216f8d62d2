import fc from 'fast-check';
import { SharedCpu, type AtWork } from '../../src/observability';
import '../support/property-seed';

/** A process whose clock goes as told: microseconds of CPU. */
function processAt() {
  let micros = 0;
  jest.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: micros, system: 0 }));
  return (used: number) => (micros += used);
}
afterEach(() => jest.restoreAllMocks());

test('alone, an activity gets all that the process used; side by side, even shares', () => {
  const use = processAt();
  const cpu = new SharedCpu();
  use(5e6);
  const first = cpu.begin();
  use(1e6);
  const second = cpu.begin();
  use(4e6);
  expect(cpu.end(second)).toBeCloseTo(2);
  use(3e6);
  expect(cpu.end(first)).toBeCloseTo(1 + 2 + 3);
});

test('of any starts and ends, the sum is what the process used while anything was at work', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(1000)), { maxLength: 60 }), (events) => {
      const use = processAt();
      const cpu = new SharedCpu();
      const open: AtWork[] = [];
      let [told, used] = [0, 0];
      for (const [starts, micros] of events) {
        if (starts || open.length === 0) open.push(cpu.begin());
        else told += cpu.end(open.shift()!);
        use(micros);
        if (open.length) used += micros;
      }
      for (const one of open) told += cpu.end(one);
      jest.restoreAllMocks();
      expect(told).toBeCloseTo(used / 1e6, 9);
    }),
  );
});

test('an accelerator is busy while one or several use it, and idle beside other work', () => {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  let busy = 0;
  const cpu = new SharedCpu((seconds) => (busy += seconds));
  const plain = cpu.begin();
  now += 1000;
  const [a, b] = [cpu.begin(true), cpu.begin(true)];
  now += 2000;
  cpu.settle();
  expect(busy).toBe(2);
  now += 500;
  cpu.end(a);
  now += 500;
  cpu.end(b);
  now += 9000;
  cpu.end(plain);
  expect(busy).toBe(3);
});
