import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { asTitrateError, type ModelVersion } from '../contracts';
import { batchLineSchema } from './answers';
import type { Asking } from './inference';
import type { MoleculeOutcome } from './loaded-model';

/** Predicts the molecules of a few lines; outcome i belongs to SMILES i. */
export interface BlockPredictor {
  predictInTurn(
    version: ModelVersion,
    smiles: readonly string[],
    asking: Asking,
  ): Promise<{ readonly predictions: readonly MoleculeOutcome[] }>;
}

/** One line of the input that is not empty; null where it is too long to be one. */
interface Line {
  readonly number: number;
  readonly text: string | null;
}

type Read =
  | { readonly number: number; readonly smiles: string; readonly id?: string | number }
  | { readonly number: number; readonly error: string };

/** A SMILES has at most a thousand characters, a line a little more; longer ones are answered with an error and skipped. */
const MAX_LINE_CHARACTERS = 16_384;
/** Molecules asked for together; they fill a batch. */
const BLOCK_LINES = 32;
/** How long a stream that ended early is still read, milliseconds. */
const LINGER_MS = 5000;
/** Blocks under way: one is worked on while the next one is read. */
const BLOCKS_AHEAD = 2;

/** Lines of a stream, in groups that arrived together: nothing waits for a group to be full. */
async function* linesOf(source: Readable): AsyncGenerator<Line[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let skipping = false;
  let number = 0;
  const end = (text: string): Line[] => {
    number += 1;
    const tooLong = skipping || text.length > MAX_LINE_CHARACTERS;
    skipping = false;
    if (tooLong) return [{ number, text: null }];
    return text.trim() === '' ? [] : [{ number, text }];
  };
  for await (const chunk of source) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = parts.pop()!;
    const lines = parts.flatMap(end);
    if (rest.length > MAX_LINE_CHARACTERS) {
      skipping = true;
      rest = '';
    }
    for (let from = 0; from < lines.length; from += BLOCK_LINES) yield lines.slice(from, from + BLOCK_LINES);
  }
  rest += decoder.end();
  if (skipping || rest.trim() !== '') yield end(rest);
}

function read({ number, text }: Line): Read {
  if (text === null) return { number, error: `the line is longer than ${MAX_LINE_CHARACTERS} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { number, error: 'the line is not JSON' };
  }
  const parsed = batchLineSchema.safeParse(value);
  if (!parsed.success)
    return { number, error: 'a line is a SMILES as a JSON string, or { "smiles": "…", "id": … }' };
  return typeof parsed.data === 'string' ? { number, smiles: parsed.data } : { number, ...parsed.data };
}

/**
 * Predictions of a stream of lines, a line each and in their order, in flat memory: nothing more is read while the reader of the
 * answers or the model is behind. A bad line or molecule costs only itself. What ends the work early is the last line, as `problem`.
 */
export async function* predictLines(
  source: Readable,
  version: ModelVersion,
  predictor: BlockPredictor,
  asking: Asking,
): AsyncGenerator<string> {
  const block = async (lines: readonly Line[]): Promise<string> => {
    const asked = lines.map(read);
    const smiles = asked.flatMap((line) => ('smiles' in line ? [line.smiles] : []));
    const predictions = smiles.length
      ? (await predictor.predictInTurn(version, smiles, asking)).predictions
      : [];
    let next = 0;
    return asked.map((line) => answer(line, 'smiles' in line ? predictions[next++]! : null)).join('');
  };
  const ahead: Promise<string>[] = [];
  const lines = linesOf(source);
  let reading: Promise<IteratorResult<Line[]>> | null = null;
  try {
    for (let more = true; more || ahead.length > 0;) {
      if (more && ahead.length < BLOCKS_AHEAD) {
        // An answer goes out as soon as it is there, also to a client that waits for it before it sends more.
        const next = (reading ??= quietly(lines.next()));
        const read = await Promise.race([next, ...ahead.slice(0, 1).map((first) => first.then(() => null))]);
        if (read) {
          reading = null;
          if (read.done) more = false;
          else ahead.push(quietly(block(read.value)));
          continue;
        }
      }
      yield await ahead.shift()!;
    }
  } catch (error) {
    const { code, message, retryable } = asTitrateError(error);
    yield `${JSON.stringify({ problem: { code, detail: message, retryable } })}\n`;
  } finally {
    discardRest(source, lines);
  }
}

/** What still comes is read and thrown away for a while: a connection that is cut at once takes the last line with it. */
function discardRest(source: Readable, lines: AsyncGenerator<unknown>): void {
  const cut = setTimeout(() => source.destroy(), LINGER_MS);
  const rest = async () => {
    while (!(await lines.next()).done);
  };
  void quietly(rest().finally(() => (clearTimeout(cut), source.destroy())));
}

/** The same lines, the first of which has been waited for. */
export async function withFirst(lines: AsyncGenerator<string>): Promise<AsyncGenerator<string>> {
  const first = await lines.next();
  return (async function* () {
    try {
      if (first.done) return;
      yield first.value;
      yield* lines;
    } finally {
      await lines.return(undefined);
    }
  })();
}

/** Its failure is met where it is awaited, unless an earlier one ends the stream. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function answer(line: Read, outcome: MoleculeOutcome | null): string {
  const known = { line: line.number, ...('id' in line && line.id !== undefined && { id: line.id }) };
  const told =
    'error' in line ? { smiles: null, error: line.error, reason: 'line-unreadable' } : { ...outcome! };
  return `${JSON.stringify({ ...known, ...told })}\n`;
}
