import { TitrateError } from '../contracts';
import { createNumberedLog, type NumberedEntry, type NumberedLog } from './numbered-log';
import type { ObjectStore } from './object-store';
import type { PointerEntry, PointerLog, PointerMover } from './pointers';

type Move = Omit<PointerEntry, 'number'>;

/**
 * Pointer logs as records `pointers/<pointer>/<number>`.
 * `move` and `moveFrom` find an operation that has moved this pointer already and return that entry.
 * @throws TitrateError usage when an operation that moved the pointer to one target asks for another.
 */
export function createPointerLog(objects: ObjectStore): PointerLog {
  const logs = new Map<string, NumberedLog<Move>>();
  const logOf = (pointer: string) => {
    let log = logs.get(pointer);
    if (!log) logs.set(pointer, (log = createNumberedLog<Move>(objects, `pointers/${pointer}`)));
    return log;
  };
  const entryOf = ({ number, value }: NumberedEntry<Move>): PointerEntry => ({ number, ...value });

  async function moveIf(
    pointer: string,
    target: string,
    { operationId, author, reason, held }: PointerMover,
    may: (head: PointerEntry | null) => boolean,
  ): Promise<PointerEntry | null> {
    let found: NumberedEntry<Move> | undefined;
    const appended = await logOf(pointer).append((entries) => {
      found = entries.find((entry) => entry.value.operationId === operationId);
      const head = entries.at(-1);
      if (found || !may(head ? entryOf(head) : null)) return null;
      const previous = head?.value.target ?? null;
      const at = new Date().toISOString();
      return { pointer, target, operationId, previous, author, reason, at, ...(held && { held }) };
    });
    const entry = appended ?? found;
    if (!entry) return null;
    if (entry.value.target !== target) {
      throw new TitrateError('usage', {
        what: `operation '${operationId}' has moved the pointer to '${entry.value.target}' and cannot move it to '${target}' as well`,
        where: `pointer '${pointer}', entry ${entry.number}`,
        remedy: 'Give every move an operation id of its own',
      });
    }
    return entryOf(entry);
  }

  return {
    async move(pointer, target, by) {
      return (await moveIf(pointer, target, by, () => true))!;
    },
    moveFrom: (pointer, expected, target, by) =>
      moveIf(pointer, target, by, (head) => (head?.target ?? null) === expected),
    moveIf,
    async head(pointer) {
      const last = (await logOf(pointer).entries()).at(-1);
      return last ? entryOf(last) : null;
    },
    async entries(pointer) {
      return (await logOf(pointer).entries()).map(entryOf);
    },
  };
}
