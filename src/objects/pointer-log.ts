import { TitrateError } from '../contracts';
import { createNumberedLog, type NumberedEntry, type NumberedLog } from './numbered-log';
import type { ObjectStore } from './object-store';
import type { PointerEntry, PointerLog } from './pointers';

type Move = Omit<PointerEntry, 'number'>;

/**
 * Pointer logs as records `pointers/<pointer>/<number>`.
 * `move` finds an operation that has moved this pointer already and returns that entry.
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

  return {
    async move(pointer, target, { operationId, author, reason }) {
      let found: NumberedEntry<Move> | undefined;
      const appended = await logOf(pointer).append((entries) => {
        found = entries.find((entry) => entry.value.operationId === operationId);
        if (found) return null;
        const previous = entries.at(-1)?.value.target ?? null;
        return { pointer, target, operationId, previous, author, reason, at: new Date().toISOString() };
      });
      const entry = entryOf((appended ?? found)!);
      if (entry.target !== target) {
        throw new TitrateError('usage', {
          what: `operation '${operationId}' has moved the pointer to '${entry.target}' and cannot move it to '${target}' as well`,
          where: `pointer '${pointer}', entry ${entry.number}`,
          remedy: 'Give every move an operation id of its own',
        });
      }
      return entry;
    },
    async head(pointer) {
      const last = (await logOf(pointer).entries()).at(-1);
      return last ? entryOf(last) : null;
    },
    async entries(pointer) {
      return (await logOf(pointer).entries()).map(entryOf);
    },
  };
}
