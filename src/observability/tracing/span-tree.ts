import { roundSpanId, runSpanId } from '../../contracts';
import type { StoredSpan } from './read-spans';

/** A span in its place. */
export interface SpanNode {
  readonly span: StoredSpan;
  readonly children: readonly SpanNode[];
  readonly depth: number;
  /** It is known by what lies under it alone: it goes on still, or it was lost with its process. */
  readonly unfinished: boolean;
  /** What the end of the round waited for. */
  readonly critical: boolean;
}

interface Draft {
  span: StoredSpan;
  readonly children: Draft[];
  depth: number;
  readonly unfinished: boolean;
  critical: boolean;
}

/**
 * The spans of a round's trace as a forest by their start: the round's work, the wait for its results, and what has no other parent. A parent
 * that has not ended is stood in for, from the first start to the last end of what lies under it.
 */
export function spanTree(
  spans: readonly StoredSpan[],
  { campaign, round }: { readonly campaign: string; readonly round: number },
): SpanNode[] {
  const work = roundSpanId(campaign, round, 'round');
  const lab = roundSpanId(campaign, round, 'lab');
  const drafts = new Map(spans.map((span) => [span.spanId, draft(span)]));
  const standIn = (spanId: string, name: string, like: StoredSpan): void => {
    const parentSpanId = spanId === work || spanId === lab ? null : work;
    const nothing = { kind: 'internal', failure: null, attributes: {}, links: [] } as const;
    drafts.set(spanId, draft({ ...like, ...nothing, spanId, name, parentSpanId }, true));
    // It is put under the work, whatever it was under.
    if (parentSpanId && !drafts.has(work)) standIn(work, 'round', like);
  };
  for (const span of spans) {
    const { parentSpanId: id, attributes } = span;
    if (id === null || id === undefined || drafts.has(id) || (span.spanId === lab && id === work)) continue;
    const run = attributes['temporal.run_id'];
    const isRun = typeof run === 'string' && runSpanId(run) === id;
    const ofRun = isRun ? String(attributes['temporal.workflow_type']) : 'unknown';
    standIn(id, id === work ? 'round' : id === lab ? 'lab' : ofRun, span);
  }
  const top: Draft[] = [];
  for (const node of drafts.values()) {
    // The wait for the lab comes after the work: a root beside it.
    const parent = node.span.spanId === lab ? undefined : drafts.get(node.span.parentSpanId ?? '');
    (parent ? parent.children : top).push(node);
  }
  const byStart = (a: Draft, b: Draft) => a.span.startMs - b.span.startMs || b.span.endMs - a.span.endMs;
  const settle = (node: Draft, depth: number): void => {
    node.depth = depth;
    node.children.forEach((child) => settle(child, depth + 1));
    if (node.unfinished) {
      const startMs = Math.min(...node.children.map(({ span }) => span.startMs));
      const endMs = Math.max(...node.children.map(({ span }) => span.endMs));
      node.span = { ...node.span, startMs, endMs };
    }
    node.children.sort(byStart);
  };
  top.forEach((node) => settle(node, 0));
  top.sort(byStart);
  const of = top.find(({ span }) => span.spanId === work);
  if (of) markCritical(of, of.span.endMs);
  return top;
}

const draft = (span: StoredSpan, unfinished = false): Draft => ({
  ...{ span, unfinished },
  children: [],
  depth: 0,
  critical: false,
});

/** What goes on beside may end when it likes. */
const isBeside = ({ span }: Draft) => span.attributes['titrate.beside'] === true;

/** From the end backwards: each time the child that ended last is what was waited for. */
function markCritical(node: Draft, until: number): void {
  node.critical = true;
  let at = Math.min(node.span.endMs, until);
  const children = node.children.filter((child) => !isBeside(child));
  for (const child of children.sort((a, b) => b.span.endMs - a.span.endMs)) {
    if (child.span.endMs > at || child.span.startMs >= at) continue;
    markCritical(child, at);
    at = child.span.startMs;
  }
}

/** A tree in the order in which it is read. */
export const inOrder = (nodes: readonly SpanNode[]): SpanNode[] =>
  nodes.flatMap((node) => [node, ...inOrder(node.children)]);
