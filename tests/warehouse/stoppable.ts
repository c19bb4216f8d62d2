import type { WarehouseIndex } from '../../src/warehouse';

/** An index whose writes of campaigns' entries all fail from `stop` on: the record is there, the index is not. */
export function stoppable(index: WarehouseIndex): { readonly index: WarehouseIndex; stop(): void } {
  let stopped = false;
  const refuse = () => Promise.reject(new Error('stopped here'));
  return {
    index: {
      ...index,
      applyResults: (entry) => (stopped ? refuse() : index.applyResults(entry)),
      applyOpening: (entry) => (stopped ? refuse() : index.applyOpening(entry)),
    },
    stop: () => (stopped = true),
  };
}
