import { createGunzip, type ZlibOptions } from 'node:zlib';
import { SourceCut } from './source-cut';

/** A table compresses 3 to 20 times; deflate can reach 1,032. What inflates more than this is no table. */
export const MAX_INFLATION_RATIO = 200;
/** Bytes that may come out before the ratio is looked at: small files of equal rows do compress very well. */
export const INFLATION_ALLOWANCE_BYTES = 256 * 2 ** 20;

/** Bytes given to zlib at once, whatever the pieces the source comes in: what is read before a damage must not depend on them. */
const BLOCK_BYTES = 1 << 12;
const OUTPUT_BYTES = 1 << 16;
/** Above what one block can inflate to (1,032 times), so that zlib never waits for room. */
const OUTPUT_ROOM_BYTES = 1 << 23;

export interface InflationLimits {
  readonly ratio: number;
  readonly allowanceBytes: number;
}
const LIMITS: InflationLimits = { ratio: MAX_INFLATION_RATIO, allowanceBytes: INFLATION_ALLOWANCE_BYTES };

/** zlib's stream, a block at a time: what a block gives is at hand before the next one goes in. */
class Inflater {
  private readonly gunzip = createGunzip({
    chunkSize: OUTPUT_BYTES,
    readableHighWaterMark: OUTPUT_ROOM_BYTES,
  } as ZlibOptions);
  private fail: (error: Error) => void = () => undefined;

  constructor() {
    this.gunzip.on('error', (error) => this.fail(error));
  }

  /** @throws zlib's error; what this block gave before it is lost. */
  write(block: Uint8Array): Promise<Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.fail = reject;
      this.gunzip.write(block, (error) => (error ? reject(error) : resolve(this.drain())));
    });
  }

  /** @throws zlib's error where the data have not come to their end. */
  async end(): Promise<void> {
    this.gunzip.end();
    for await (const _ of this.gunzip);
  }

  /** Bytes taken so far; fewer than were given where zeros follow the last member, and zlib ignores all from there on. */
  get taken(): number {
    return this.gunzip.bytesWritten;
  }

  close(): void {
    this.gunzip.destroy();
  }

  private drain(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    // Without a size it would all come as one piece.
    const next = () => (this.gunzip.read(OUTPUT_BYTES) ?? this.gunzip.read()) as Uint8Array | null;
    for (let piece = next(); piece !== null; piece = next()) pieces.push(piece);
    return pieces;
  }
}

async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < BLOCK_BYTES) continue;
    const all = Buffer.concat(waiting);
    let at = 0;
    for (; at + BLOCK_BYTES <= all.length; at += BLOCK_BYTES) yield all.subarray(at, at + BLOCK_BYTES);
    waiting = [all.subarray(at)];
    bytes = all.length - at;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

/** Whether the error is about the data, and not one of the stream they come from. */
const isZlibError = (error: unknown): error is Error =>
  (error as NodeJS.ErrnoException | null)?.code?.startsWith('Z_') ?? false;

const notGzip = (at: number) =>
  new SourceCut(`what follows byte ${at} is not gzip data; fetch the file again`);

function damage(error: Error, at: number): SourceCut {
  if (error.message === 'incorrect data check' || error.message === 'incorrect length check')
    return new SourceCut(
      `the checksum of the gzip data that end at byte ${at} is wrong: rows before it may be damaged; fetch the file again`,
    );
  if (error.message === 'incorrect header check') return notGzip(at);
  return new SourceCut(
    `the gzip data are damaged at byte ${at} (${error.message}); what came before was read; fetch the file again`,
  );
}

/**
 * Inflates gzip data of any number of members, in flat memory.
 * @param reopen opens the same bytes again: asked for only where they are damaged, to get at the last bytes before the damage
 * @throws SourceCut where the data end early, are damaged, or inflate beyond all measure; naming the byte of the compressed data.
 */
export async function* inflate(
  pieces: AsyncIterable<Uint8Array>,
  reopen: () => AsyncIterable<Uint8Array>,
  limits: InflationLimits = LIMITS,
): AsyncGenerator<Uint8Array> {
  const inflater = new Inflater();
  let taken = 0;
  let given = 0;
  function* passOn(inflated: readonly Uint8Array[]): Generator<Uint8Array> {
    for (const piece of inflated) {
      given += piece.length;
      if (given > limits.allowanceBytes && given > limits.ratio * taken) {
        throw new SourceCut(
          `the first ${taken} bytes inflate to more than ${given - piece.length}, over ${limits.ratio} times as much: no table does; what came before was read`,
        );
      }
      yield piece;
    }
  }
  try {
    for await (const block of inBlocks(pieces)) {
      if (inflater.taken < taken) {
        checkPadding(block, 0, taken);
        taken += block.length;
        continue;
      }
      let inflated: Uint8Array[];
      try {
        inflated = await inflater.write(block);
      } catch (error) {
        if (!isZlibError(error)) throw error;
        yield* lastBytes(reopen, taken, passOn);
        throw damage(error, taken);
      }
      const before = taken;
      taken += block.length;
      yield* passOn(inflated);
      checkPadding(block, inflater.taken - before, before);
    }
    await inflater.end();
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new SourceCut(
      `the gzip data stop at byte ${taken}, before their end: the file was cut; fetch it again`,
    );
  } finally {
    inflater.close();
  }
}

/** @throws SourceCut where a block holds anything but zeros from `from` on: what zlib did not take. */
function checkPadding(block: Uint8Array, from: number, start: number): void {
  for (let i = from; i < block.length; i++) if (block[i] !== 0) throw notGzip(start + i);
}

/**
 * What the block from `start` on gives before its damage: byte by byte, since zlib keeps nothing of a step that fails.
 * @throws SourceCut naming the damaged byte.
 */
async function* lastBytes(
  reopen: () => AsyncIterable<Uint8Array>,
  start: number,
  passOn: (inflated: readonly Uint8Array[]) => Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const inflater = new Inflater();
  let at = 0;
  try {
    for await (const block of inBlocks(reopen())) {
      if (at < start) {
        await inflater.write(block);
        at += block.length;
        continue;
      }
      for (let i = 0; i < block.length; i++, at++) {
        yield* passOn(await inflater.write(block.subarray(i, i + 1)));
      }
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw damage(error, at);
  } finally {
    inflater.close();
  }
}
