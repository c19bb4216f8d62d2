import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { nearestName, TitrateError } from '../../contracts';
import { cancelWith, type SourceTransport } from './transport';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const CHUNK_BYTES = 1 << 18;

function filePath(uri: string, workingDirectory: string): string {
  if (!/^file:/i.test(uri)) return path.resolve(workingDirectory, uri);
  try {
    return fileURLToPath(uri);
  } catch {
    throw new TitrateError('config-invalid', {
      what: `'${uri}' is no file:// uri of this machine`,
      remedy: 'Write file:///path/of/the/file, or the path alone',
    });
  }
}

/** Turns what the system says into what a person can do. */
async function explain(error: unknown, file: string): Promise<TitrateError> {
  const { code } = error as NodeJS.ErrnoException;
  const fail = (kind: 'source-missing' | 'source-unreadable', what: string, remedy: string) =>
    new TitrateError(kind, { what, where: file, remedy }, { cause: error });
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE') {
    const beside = await readdir(path.dirname(file)).catch(() => [] as string[]);
    const near = nearestName(path.basename(file), beside.slice(0, 10_000));
    const remedy = near ? `Did you mean '${near}'?` : 'Check the path; a relative one starts at the directory titrate runs in'; // prettier-ignore
    return fail('source-missing', 'there is no such file', remedy);
  }
  if (code === 'EACCES' || code === 'EPERM')
    return fail('source-unreadable', 'the file may not be read', 'Give the user that runs titrate the right to read it'); // prettier-ignore
  return fail('source-unreadable', (error as Error).message, 'Check the file and its disk');
}

function refuseOthers(kind: 'directory' | 'pipe' | 'other', file: string): TitrateError {
  const what = {
    directory: 'this is a directory, and a source is one file',
    pipe: 'this is a pipe: it can be read once only, and a source may be read again',
    other: 'this is not a regular file',
  }[kind];
  const remedy =
    kind === 'directory' ? 'Name the files in it, one source each' : "Write it to a file first, or give it as standard input with '-'"; // prettier-ignore
  return new TitrateError('source-unreadable', { what, where: file, remedy });
}

const versionOf = async (handle: FileHandle) => {
  const { mtimeNs, size } = await handle.stat({ bigint: true });
  return { version: `${mtimeNs} ${size}`, bytes: Number(size) };
};

/** The bytes of a handle from an offset; fails where the file changes meanwhile, since half old and half new is neither. */
async function* readFrom(handle: FileHandle, file: string, start: number, version: string, bytes: number) {
  const changed = () =>
    new TitrateError('unavailable', {
      what: 'the file changed while it was read',
      where: file,
      remedy: 'Try again when whoever writes it is done',
    });
  try {
    let at = start;
    while (at < bytes) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw changed();
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if ((await versionOf(handle)).version !== version) throw changed();
  } finally {
    await handle.close();
  }
}

/**
 * Files of this machine: a path, relative to `workingDirectory`, or file://. Regular files only, links followed. The version is the
 * modification time (ns) and the size.
 */
export function createDiskTransport(options: { readonly workingDirectory: string }): SourceTransport {
  return {
    kind: 'disk',
    resumable: false,
    accepts: (uri) => uri !== '-' && (/^file:/i.test(uri) || !SCHEME.test(uri)),
    async open({ uri }, { resume, signal }) {
      const file = filePath(uri, options.workingDirectory);
      let handle: FileHandle;
      try {
        // Opening a pipe would wait for its writer.
        handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
      } catch (error) {
        throw await explain(error, file);
      }
      try {
        const found = await handle.stat();
        if (!found.isFile())
          throw refuseOthers(found.isDirectory() ? 'directory' : found.isFIFO() ? 'pipe' : 'other', file);
        const { version, bytes } = await versionOf(handle);
        const start = resume?.version === version && resume.offset <= bytes ? resume.offset : 0;
        const stream = Readable.from(readFrom(handle, file, start, version, bytes), { objectMode: false });
        // A stream that is never read never runs its generator.
        stream.once('close', () => void handle.close().catch(() => undefined));
        return { stream: cancelWith(stream, signal, file), bytes, version, start };
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
  };
}
