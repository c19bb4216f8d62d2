import type { RowLists } from '../backends/row-lists';
import { mix, type EncodedGraphs } from './encoding';

/** Messages, or atoms, that are equal: where each starts from, and the messages that it adds up, both one layer below. */
export interface ClassLayer {
  readonly size: number;
  /** For every class the one thing it starts from: a kind of message, or a kind of atom. */
  readonly start: RowLists;
  /** For every class the classes below whose messages it sums. */
  readonly below: RowLists;
}

/**
 * A batch of molecules with everything that is computed twice left out. After t steps a directed bond's message depends only on
 * what lies within t bonds behind it, and drugs are made of much the same pieces: directed bonds (and in the end atoms) with equal
 * surroundings are one class (colour refinement, Weisfeiler and Leman 1968), computed once. Sums and gradients are exactly those of
 * the whole batch, because a class is listed as often as it occurs.
 */
export interface BatchClasses {
  /** Kinds of message there are before the first step: atom kind and bond kind of each. */
  readonly messages: { readonly atomKinds: Int32Array; readonly bondKinds: Int32Array };
  /** Kinds of atom in the batch. */
  readonly atomKinds: Int32Array;
  /** One a message-passing step; none in a batch without bonds. */
  readonly steps: readonly ClassLayer[];
  readonly atoms: ClassLayer;
  /** For every molecule the classes of its atoms. */
  readonly molecules: RowLists;
}

const KEY_RADIX = 2 ** 26;

/** Numbers distinct (start, sorted list of classes) pairs; the list's order is by content, whatever else is in the batch. */
class Refinement {
  readonly starts: number[] = [];
  readonly offsets: number[] = [0];
  readonly indices: number[] = [];
  readonly hashes: number[] = [];
  private readonly children = new Map<number, number>();
  private readonly classes: number[] = [];
  private nodes: number;

  /** @param startHashes of what classes start from @param belowHashes of the classes they list */
  constructor(
    private readonly startHashes: readonly number[],
    private readonly belowHashes: readonly number[],
  ) {
    this.nodes = startHashes.length;
  }

  /** @param list is sorted in place */
  classOf(start: number, list: number[]): number {
    this.sort(list);
    let node = start;
    for (const item of list) {
      const key = node * KEY_RADIX + item;
      let child = this.children.get(key);
      if (child === undefined) {
        child = this.nodes++;
        this.children.set(key, child);
      }
      node = child;
    }
    const before = this.classes[node];
    if (before !== undefined) return before;
    const made = this.starts.push(start) - 1;
    this.classes[node] = made;
    for (const item of list) this.indices.push(item);
    this.offsets.push(this.indices.length);
    this.hashes.push(
      list.reduce((hash, item) => mix(hash, this.belowHashes[item]!), this.startHashes[start]!),
    );
    return made;
  }

  layer(): ClassLayer {
    const size = this.starts.length;
    return {
      size,
      start: {
        offsets: Int32Array.from({ length: size + 1 }, (_, i) => i),
        indices: Int32Array.from(this.starts),
      },
      below: { offsets: Int32Array.from(this.offsets), indices: Int32Array.from(this.indices) },
    };
  }

  /** By insertion: lists are of two or three. */
  private sort(list: number[]): void {
    const hashes = this.belowHashes;
    for (let i = 1; i < list.length; i++) {
      const item = list[i]!;
      let at = i - 1;
      while (at >= 0 && (hashes[list[at]!]! - hashes[item]! || list[at]! - item) > 0) {
        list[at + 1] = list[at]!;
        at--;
      }
      list[at + 1] = item;
    }
  }
}

/** Gives numbers from 0 to what comes, in the order in which it comes. */
class Numbering {
  readonly items: number[] = [];
  private readonly known = new Map<number, number>();

  of(item: number): number {
    const before = this.known.get(item);
    if (before !== undefined) return before;
    this.known.set(item, this.items.length);
    return this.items.push(item) - 1;
  }
}

/** @param steps message-passing steps after the messages were started, from 0 */
export function classesOf(graphs: EncodedGraphs, rows: ArrayLike<number>, steps: number): BatchClasses {
  const { atomStarts, bondStarts, atomKinds, begins, ends, bondKinds } = graphs;
  const bondRadix = graphs.bonds.inputs.length;
  const kinds = new Numbering();
  const messages = new Numbering();
  // Directed bond 2b runs from the first atom of bond b to the second, 2b + 1 back. Atoms are numbered through the batch.
  const kindOf: number[] = [];
  const sources: number[] = [];
  const incoming: number[][] = [];
  let current: number[] = [];
  const moleculeOffsets = new Int32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const first = kindOf.length;
    for (let atom = atomStarts[row]!; atom < atomStarts[row + 1]!; atom++) {
      kindOf.push(kinds.of(atomKinds[atom]!));
      incoming.push([]);
    }
    for (let bond = bondStarts[row]!; bond < bondStarts[row + 1]!; bond++) {
      const [begin, end] = [begins[bond]!, ends[bond]!];
      for (const [from, to] of [
        [begin, end],
        [end, begin],
      ] as const) {
        incoming[first + to]!.push(sources.push(first + from) - 1);
        current.push(messages.of(atomKinds[atomStarts[row]! + from]! * bondRadix + bondKinds[bond]!));
      }
    }
    moleculeOffsets[i + 1] = kindOf.length;
  }
  const messageKinds = {
    atomKinds: Int32Array.from(messages.items, (item) => Math.floor(item / bondRadix)),
    bondKinds: Int32Array.from(messages.items, (item) => item % bondRadix),
  };
  const started = current;
  const startHashes = messages.items.map((_, i) =>
    mix(graphs.atoms.hashes[messageKinds.atomKinds[i]!]!, graphs.bonds.hashes[messageKinds.bondKinds[i]!]!),
  );
  let hashes: readonly number[] = startHashes;
  const layers: ClassLayer[] = [];
  const list: number[] = [];
  for (let step = 0; step < (current.length ? steps : 0); step++) {
    const refinement = new Refinement(startHashes, hashes);
    const below = current;
    current = started.map((start, edge) => {
      list.length = 0;
      // The message that came along this very bond, the other way, is left out.
      for (const other of incoming[sources[edge]!]!) if (other !== (edge ^ 1)) list.push(below[other]!);
      return refinement.classOf(start, list);
    });
    layers.push(refinement.layer());
    hashes = refinement.hashes;
  }
  const refinement = new Refinement(
    kinds.items.map((kind) => graphs.atoms.hashes[kind]!),
    hashes,
  );
  const classes = kindOf.map((kind, atom) => {
    list.length = 0;
    for (const edge of incoming[atom]!) list.push(current[edge]!);
    return refinement.classOf(kind, list);
  });
  return {
    messages: messageKinds,
    atomKinds: Int32Array.from(kinds.items),
    steps: layers,
    atoms: refinement.layer(),
    molecules: { offsets: moleculeOffsets, indices: Int32Array.from(classes) },
  };
}
