import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { MEDIA_TYPES, shownUri, TitrateError, type LandedSource, type SourceSpec } from '../contracts';
import { hashOf } from '../foundation';
import type { ObjectStore } from '../objects';
import type { Landing, Transport } from './sources';
import {
  createSegmentWriter,
  findStaged,
  readSegments,
  SegmentLost,
  sweepStaged,
  versionDirectory,
  type Staged,
} from './staged-segments';
import { openSource, streamOf, transportFor, type OpenedBytes, type SourceTransport } from './transports';

export interface LandingOptions {
  readonly objects: Pick<ObjectStore, 'land'>;
  readonly transports: readonly Transport[];
  /** Where bytes of half-fetched sources are kept, on a local disk. Any number of processes may share it. */
  readonly stagingDirectory: string;
  /** Size of the pieces they are kept in, bytes: what a kill costs at most, and what is held in memory to check one. */
  readonly segmentBytes?: number;
  /** Half-fetched sources that nobody went on with for so long are removed, ms. */
  readonly staleAfterMs?: number;
}

const SEGMENT_BYTES = 8 << 20;
const STALE_AFTER_MS = 7 * 24 * 3600 * 1000;

/** The store may have wrapped what the stream failed with. */
const isSegmentLost = (error: unknown): boolean =>
  error instanceof SegmentLost ||
  (error instanceof Error && error.cause !== undefined && isSegmentLost(error.cause));

type LandOptions = NonNullable<Parameters<Landing['land']>[1]>;

/**
 * Brings sources into the temporary area of `objects`, raw, under their hash, in flat memory.
 *
 * Of a source that can be gone on with (https, gs) what was fetched is staged as well, and a call after an interrupted one, in
 * whatever process, fetches only the rest, as long as the source is of the same version. Others start anew: files of this machine,
 * standard input, BigQuery (whose finished query is found again), servers that name no version.
 * An answer shorter than announced fails; nothing is landed then.
 */
export function createLanding(options: LandingOptions): Landing {
  const { objects, transports, stagingDirectory } = options;
  const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
  let swept: Promise<void> | undefined;

  /** Bytes of the source as they go to the object store: those staged, then those that come, which are staged on the way. */
  async function* bytesOf(opened: OpenedBytes, staged: Staged | null, directory: string | null) {
    if (staged) yield* readSegments(staged.segments);
    const writer =
      directory === null || opened.version === null
        ? null
        : await createSegmentWriter(directory, opened.version, opened.start, segmentBytes);
    try {
      for await (const piece of opened.stream as AsyncIterable<Buffer | string>) {
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
        await writer?.write(bytes);
        yield bytes;
      }
    } finally {
      await writer?.close();
    }
  }

  async function* counting(
    pieces: AsyncIterable<Buffer>,
    where: string,
    total: number | undefined,
    onProgress: LandOptions['onProgress'],
  ): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const piece of pieces) {
      bytes += piece.length;
      yield piece;
      onProgress?.(bytes, total);
    }
    if (total === undefined || bytes === total) return;
    throw new TitrateError('unavailable', {
      what: `the source said that it has ${total} bytes, and ${bytes} came`,
      where,
      remedy: 'Try again; if it goes on, tell the owner of the server',
    });
  }

  /** Staging saves work, and its loss does no harm: another call may be writing into the folder at this moment. */
  const forget = async (directory: string | null) => {
    if (directory) await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  };

  async function landOnce(source: SourceSpec, { onProgress, signal }: LandOptions): Promise<LandedSource> {
    const { uri, query } = source;
    const transport = transportFor(transports, source) as Transport & Partial<SourceTransport>;
    const home = transport.resumable
      ? path.join(stagingDirectory, hashOf({ uri, query: query ?? null }).slice(0, 32))
      : null;
    const found = home === null ? null : await findStaged(home);
    const opened = await openSource(transports, source, {
      signal,
      ...(found && { resume: { offset: found.bytes, version: found.version } }),
    });
    try {
      const goesOn = found !== null && opened.version === found.version && opened.start === found.bytes;
      if (!goesOn && opened.start !== 0) {
        throw new TitrateError('internal', {
          what: `the source was opened at byte ${opened.start}, where 0 or ${found?.bytes ?? 0} was asked for`,
          where: uri,
        });
      }
      const directory =
        home === null || opened.version === null ? null : versionDirectory(home, opened.version);
      const pieces = streamOf(
        counting(bytesOf(opened, goesOn ? found : null, directory), uri, opened.bytes, onProgress),
        () => opened.stream.destroy(),
      );
      // What came before was checked when it came; a checksum of the whole covers where the parts meet as well.
      const whole =
        opened.start > 0 && opened.wholeCheck
          ? pipeline(pieces, opened.wholeCheck(), () => undefined)
          : pieces;
      let raw;
      try {
        raw = await objects.land(whole, MEDIA_TYPES.raw);
      } catch (error) {
        // All bytes came and are not those of the source: going on from them would fail for ever.
        if (whole !== pieces && whole.errored && pieces.readableEnded) await forget(directory);
        throw error;
      }
      await forget(directory);
      return { source, raw, retrieval: { uri: shownUri(uri), version: opened.version } };
    } finally {
      opened.stream.destroy();
    }
  }

  return {
    async land(source, landOptions = {}) {
      swept ??= sweepStaged(stagingDirectory, options.staleAfterMs ?? STALE_AFTER_MS);
      await swept;
      // A lost segment is gone now, so the next try asks for less; there are finitely many, yet others may be at it too.
      for (let tries = 1; ; tries++) {
        try {
          return await landOnce(source, landOptions);
        } catch (error) {
          if (!isSegmentLost(error)) throw error;
          if (tries < 5) continue;
          throw new TitrateError(
            'conflict',
            {
              what: `staged bytes are lost again and again (${(error as Error).message})`,
              where: stagingDirectory,
              remedy: 'Check the disk; the folder may be deleted when nothing is being ingested',
            },
            { cause: error },
          );
        }
      }
    },
  };
}
