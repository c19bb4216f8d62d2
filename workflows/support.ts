import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  makeContinueAsNewFunc,
  type Workflow,
} from '@temporalio/workflow';

/** What really went wrong under the layers that children and activities wrap around it. */
export function rootCause(error: unknown): { message: string; type: string } {
  let at = error;
  while ((at instanceof ActivityFailure || at instanceof ChildWorkflowFailure) && at.cause) at = at.cause;
  if (at instanceof ApplicationFailure) return { message: at.message, type: at.type ?? 'internal' };
  return { message: at instanceof Error ? at.message : String(at), type: 'internal' };
}

/** The same failure with the cause's own words on top, which is what a person sees first. Cancellation passes through. */
export function surfaced(error: unknown): unknown {
  if (isCancellation(error)) return error;
  const { message, type } = rootCause(error);
  return ApplicationFailure.create({
    message,
    type,
    nonRetryable: true,
    cause: error instanceof Error ? error : undefined,
  });
}

/** Runs `items` through `work`, at most `limit` at once; results in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

/** Continues as new, onto the current version of the workers where they are versioned: so do old workers come to an end. */
export function goOn<W extends Workflow>(...args: Parameters<W>): Promise<never> {
  return makeContinueAsNewFunc<W>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(...args);
}
