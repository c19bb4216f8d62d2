import type { PointerEntry } from '../../objects/pointers';
import type { CallOptions, Cluster } from './cluster';
import type { Converged } from './converge';
import { campaignSelector, slotName, type Slot } from './names';
import { modelOf } from './diagnosis';
import { look, type Look } from './observe';

export type Outcome =
  | { readonly kind: 'ready'; readonly look: Look }
  | { readonly kind: 'superseded'; readonly by: PointerEntry; readonly look: Look | null }
  | { readonly kind: 'failed'; readonly message: string };

export interface AwaitOptions extends CallOptions {
  readonly campaignId: string;
  readonly slot: Slot;
  /** Version id that the slot should have. */
  readonly model: string;
  /** The slot should be empty instead. */
  readonly gone: boolean;
  readonly cluster: Cluster;
  readonly converge: () => Promise<Converged | null>;
  /** The later entry that asks for something else; null while there is none. */
  readonly superseded: () => Promise<PointerEntry | null>;
  readonly deadlineMs: number;
  readonly patienceMs: number;
}

/** A look without an event, milliseconds: should a watch have gone silent, the truth comes this much later. */
const RESYNC_MS = 5000;
/** Wait before what is not as it should be is applied again, milliseconds. */
const AGAIN_MS = 250;
/** Somebody who deletes what we apply this often means it. */
const DELETIONS = 3;

/**
 * Converges, then watches a slot until its servers are ready, cannot become so, or time is up. A Deployment that is deleted
 * meanwhile is applied again; one that changes hands is the later operation's.
 */
export async function awaitStanding(options: AwaitOptions): Promise<Outcome> {
  const { campaignId, slot, model, gone, cluster, deadlineMs, patienceMs, signal, onProgress } = options;
  const name = slotName(campaignId, slot);
  const started = performance.now();
  // Before the first write: nothing that follows it is missed.
  const watch = cluster.watch(campaignSelector(campaignId));
  let applied: Converged | null = null;
  let deletions = 0;
  let said = '';
  let troubleSince: number | null = null;
  const say = (message: string) => {
    if (message !== said) onProgress?.((said = message));
  };
  try {
    for (;;) {
      signal?.throwIfAborted();
      applied ??= await options.converge();
      const head = await options.superseded();
      if (head) return { kind: 'superseded', by: head, look: await look(campaignId, cluster, options) };
      if (applied?.kind === 'refused') return { kind: 'failed', message: applied.message };

      const seen = await look(campaignId, cluster, options);
      const deployment = seen.deployment(slot);
      const elapsed = performance.now() - started;
      let state: string;
      if (gone) {
        if (!deployment) return { kind: 'ready', look: seen };
        state = `${name} is being deleted`;
        applied = null;
      } else if (!deployment) {
        deletions += 1;
        const message = `somebody deleted Deployment ${name}`;
        if (deletions > DELETIONS) return { kind: 'failed', message: `${message} ${deletions} times` };
        say((state = `${message}; it is applied again`));
        applied = null;
      } else if (modelOf(deployment) !== model) {
        // An earlier operation wrote last, or a hand did: what the pointers say is applied again.
        state = `${name} has ${modelOf(deployment)} instead of ${model}; it is applied again`;
        applied = null;
      } else if (applied?.kind === 'applied' && applied.plan.incomplete) {
        const { plan } = applied;
        const standing = await seen.standing(slot);
        const available = seen.deployment('stable')?.status?.availableReplicas ?? 0;
        const early = plan.share !== null && available < plan.share.stable;
        state = early
          ? `${available} of ${plan.share!.stable} servers of the stable version are ready, which the candidate waits for`
          : standing && standing.kind !== 'ready'
            ? standing.message
            : 'the share is being set';
        if (standing?.kind === 'stuck' && standing.final) return { kind: 'failed', message: state };
        troubleSince = standing?.kind === 'stuck' ? (troubleSince ?? performance.now()) : null;
        // Further as soon as what it waited for is there.
        if (!early || available > 0) applied = null;
      } else {
        const standing = (await seen.standing(slot))!;
        if (standing.kind === 'ready') {
          const servers = deployment.spec?.replicas ?? 1;
          say(`${servers} of ${servers} servers of ${name} are ready`);
          return { kind: 'ready', look: seen };
        }
        state = standing.message;
        if (standing.kind === 'stuck' && standing.final) return { kind: 'failed', message: state };
        troubleSince = standing.kind === 'stuck' ? (troubleSince ?? performance.now()) : null;
      }
      if (troubleSince !== null && performance.now() - troubleSince >= patienceMs)
        return { kind: 'failed', message: state };
      if (elapsed >= deadlineMs) {
        return {
          kind: 'failed',
          message: `it was not there within ${Math.round(deadlineMs / 1000)} s: ${state}`,
        };
      }
      say(state);
      const trouble = troubleSince === null ? Infinity : patienceMs - (performance.now() - troubleSince);
      await watch.next(
        Math.max(1, Math.min(applied ? RESYNC_MS : AGAIN_MS, deadlineMs - elapsed, trouble)),
        signal,
      );
    }
  } finally {
    watch.close();
  }
}
