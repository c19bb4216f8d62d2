import { tileModule, type TileFunctions } from '../backends/wasm-tiles';
import { moduleOf, wasm } from '../wasm-module';
import { doubles, minima, singles, values } from './kernel-loops';

type Values = (
  ...of: [
    shared: number,
    totals: number,
    squares: number,
    products: number,
    out: number,
    outEnd: number,
    constants: number,
  ]
) => void;

/** Loops on a memory of their own; addresses in bytes. */
export interface KernelMachine {
  readonly memory: ArrayBuffer;
  minima(entries: number, entriesEnd: number, out: number, outEnd: number): void;
  readonly ratios64: Values;
  readonly mixed64: Values;
  readonly ratios32: Values;
  readonly mixed32: Values;
  /** Products in float32. */
  readonly tiles: TileFunctions;
}

const PAGE = 65_536;

/** A machine with at least this much memory. */
export function createKernelMachine(bytes: number): KernelMachine {
  const pages = Math.ceil(bytes / PAGE);
  const memory = new wasm.Memory({ initial: pages, maximum: pages });
  const on = (module: Uint8Array<ArrayBuffer>) =>
    new wasm.Instance(new wasm.Module(module), { titrate: { memory } }).exports;
  const place = ['titrate', 'memory'] as const;
  const loops = on(
    moduleOf(place, [
      minima(),
      values('ratios64', doubles, false),
      values('mixed64', doubles, true),
      values('ratios32', singles, false),
      values('mixed32', singles, true),
    ]),
  ) as unknown as Omit<KernelMachine, 'memory' | 'tiles'>;
  return { memory: memory.buffer, ...loops, tiles: on(tileModule(place)) as unknown as TileFunctions };
}
