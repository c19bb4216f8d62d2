import type { Authorship } from '../contracts';
import type { PointerEntry, PointerLog } from '../objects';

/** Who pruned a version's bytes, when and why. */
export interface Pruning extends Authorship {
  readonly at: string;
}

/** Pointer logs `retention/<id>`: whether a version's bytes are kept. A log that never moved means they are. */
export function createRetention(pointers: PointerLog) {
  const pointerOf = (id: string) => `retention/${id}`;

  async function move(id: string, target: 'pruned' | 'restored', by: Authorship): Promise<void> {
    const head = await pointers.head(pointerOf(id));
    if ((head?.target ?? 'restored') === target) return;
    await pointers.move(pointerOf(id), target, {
      operationId: `${target}/${(head?.number ?? 0) + 1}`,
      author: by.author,
      reason: by.reason,
    });
  }

  return {
    /** null: the bytes are kept. */
    async pruned(id: string): Promise<Pruning | null> {
      const head = await pointers.head(pointerOf(id));
      if (head?.target !== 'pruned') return null;
      return { author: head.author, reason: head.reason, at: head.at };
    },
    prune: (id: string, by: Authorship) => move(id, 'pruned', by),
    restore: (id: string, by: Authorship) => move(id, 'restored', by),
    history: (id: string): Promise<PointerEntry[]> => pointers.entries(pointerOf(id)),
  };
}
export type Retention = ReturnType<typeof createRetention>;
