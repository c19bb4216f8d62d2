import { z } from 'zod';
import { CAMPAIGN_ID_PATTERN } from './ids';

/**
 * What travels in the headers of workflows and activities, JSON each: whose work it is; the span that asked for it (a W3C
 * `traceparent`); and what only the next workflow has to know.
 */
export const TRACE_HEADERS = {
  context: 'titrate-context',
  parent: 'traceparent',
  span: 'titrate-span',
} as const;

/** Whose work it is: header `titrate-context`. */
export const workContextSchema = z.object({
  campaign: z.string().regex(CAMPAIGN_ID_PATTERN).optional(),
  round: z.number().int().min(0).optional(),
  stage: z.string().max(100).optional(),
});
export type WorkContext = Readonly<z.infer<typeof workContextSchema>>;

/** A campaign's round as a trace sees it: the work up to the batch, and the wait for its results. */
export type RoundPhase = 'round' | 'lab';

/** Trace, and the span in it that something belongs under. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** A span of a workflow, as the sandbox hands it over. Times are Temporal's: when the workflow task began that it happened in. */
export interface WorkflowSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** Why it failed. */
  readonly failure?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Spans of other traces that it follows on. */
  readonly links?: readonly Pick<TraceParent, 'traceId' | 'spanId'>[];
}

/** Sink that workflows hand their spans to; every worker that runs workflows has it. */
export type WorkflowSpanSinks = {
  readonly titrateSpans: { ended(span: WorkflowSpan): void };
};

const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** `00-TRACE-SPAN-01` (W3C Trace Context, version 00). */
export const traceParentText = ({ traceId, spanId, sampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** null for anything that is no `traceparent`. */
export function readTraceParent(text: unknown): TraceParent | null {
  const match = typeof text === 'string' ? TRACE_PARENT.exec(text) : null;
  if (!match || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return null;
  return { traceId: match[1]!, spanId: match[2]!, sampled: (parseInt(match[3]!, 16) & 1) === 1 };
}

/** The trace of a round: anybody who knows campaign and round knows its id. */
export const roundTraceId = (campaign: string, round: number) => hash128(`${campaign}/round/${round}`);

/** The span of a round's phase: the same in every execution of the campaign that takes part in it. */
export const roundSpanId = (campaign: string, round: number, phase: RoundPhase) =>
  hash128(`${campaign}/round/${round}/${phase}`).slice(0, 16);

/** The span of a workflow's execution, and the trace of one that belongs to no other. */
export const runSpanId = (runId: string) => hash128(`${runId}/span`).slice(0, 16);
export const runTraceId = (runId: string) => hash128(`${runId}/trace`);

/**
 * MurmurHash3, x86, 128 bits, seed 0 (Appleby, public domain), as 32 hexadecimal digits: ids are derived where there is no hash
 * function to import, and the workflow's own random numbers must not be drawn from. Not for secrets.
 */
export function hash128(text: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes.push(code & 0xff);
    if (code > 0xff) bytes.push(code >>> 8);
  }
  const h = [0, 0, 0, 0];
  const word = (at: number) =>
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  const blocks = bytes.length - (bytes.length % 16);
  for (let at = 0; at < blocks; at += 16) {
    for (let lane = 0; lane < 4; lane++) {
      h[lane] = h[lane]! ^ scrambled(word(at + 4 * lane), lane);
      h[lane] = (rotate(h[lane]!, ROTATIONS[lane]!) + h[(lane + 1) % 4]!) | 0;
      h[lane] = (Math.imul(h[lane]!, 5) + ADDENDS[lane]!) | 0;
    }
  }
  for (let lane = 0; lane < 4; lane++)
    if (bytes.length > blocks + 4 * lane) h[lane] = h[lane]! ^ scrambled(word(blocks + 4 * lane), lane);
  for (let lane = 0; lane < 4; lane++) h[lane] = h[lane]! ^ bytes.length;
  gather(h);
  for (let lane = 0; lane < 4; lane++) h[lane] = finished(h[lane]!);
  gather(h);
  return h.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

const MULTIPLIERS = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];
const ADDENDS = [0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17];
const ROTATIONS = [19, 17, 15, 13];
const WORD_ROTATIONS = [15, 16, 17, 18];

const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));

const scrambled = (word: number, lane: number) =>
  Math.imul(rotate(Math.imul(word, MULTIPLIERS[lane]!), WORD_ROTATIONS[lane]!), MULTIPLIERS[(lane + 1) % 4]!);

function gather(h: number[]): void {
  for (let lane = 1; lane < 4; lane++) h[0] = (h[0]! + h[lane]!) | 0;
  for (let lane = 1; lane < 4; lane++) h[lane] = (h[lane]! + h[0]!) | 0;
}

function finished(x: number): number {
  let hash = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
