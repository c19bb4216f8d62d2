import { randomUUID } from 'node:crypto';
import { link, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { TitrateError } from '../contracts';
import { hashFile, makeDurableDirectory, syncDirectory } from './durable-files';

/** `objects`: permanent. `landing`: temporary, until promoted or expired. */
export type Area = 'objects' | 'landing';
const AREAS: readonly Area[] = ['objects', 'landing'];

/** Where a deletion keeps a file while it looks again. A process that dies just then leaves the file here, still readable. */
const ASIDE = 'leaving';
/** A file that lies aside for longer belongs to a deletion that was killed, ms. */
const ASIDE_STALE_MS = 60_000;

/** How to give a file its name, for bytes that may be there already. */
export interface Placement {
  /** @returns false when the name is taken. */
  create(target: string): Promise<boolean>;
  replace(target: string): Promise<void>;
}

const errno = (error: unknown) => (error as NodeJS.ErrnoException).code;
const isGone = (error: unknown) => errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR';

async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** @throws TitrateError usage unless it is 64 lower-case hexadecimal digits. */
export function checkSha256(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new TitrateError('usage', {
    what: `'${String(sha256).slice(0, 80)}' is not a sha256 of 64 lower-case hexadecimal digits`,
  });
}

/**
 * The files of a content-addressed directory, and the one rule that lets writers and deletions meet: a writer that finds its file
 * there already sets the file's time *by name*, and stores again when the name is gone; a deletion moves the file aside, looks at its
 * time once more, and puts it back when somebody touched it. So a touch that succeeded came before the move, and the second look
 * sees it; a touch that came later fails, and the writer stores the bytes anew.
 */
export function createFilePlaces(root: string) {
  const pathOf = (area: Area, sha256: string) =>
    path.join(root, area, checkSha256(sha256).slice(0, 2), sha256);
  const asideOf = (area: Area) => path.join(root, ASIDE, area);

  async function touchedAt(file: string): Promise<number | null> {
    const found = await unlessGone(stat(file));
    return found?.isFile() ? found.mtimeMs : null;
  }

  async function touch(file: string): Promise<boolean> {
    const now = new Date();
    return (await unlessGone(utimes(file, now, now).then(() => true))) ?? false;
  }

  async function isHealthy(file: string, sha256: string, bytes?: number): Promise<boolean> {
    if (bytes !== undefined && (await unlessGone(stat(file)))?.size !== bytes) return false;
    return (await hashFile(file))?.sha256 === sha256;
  }

  /** Copies of an object that lie aside. */
  async function aside(sha256: string): Promise<string[]> {
    const found: string[] = [];
    for (const area of AREAS) {
      for (const name of (await unlessGone(readdir(asideOf(area)))) ?? [])
        if (name.startsWith(sha256)) found.push(path.join(asideOf(area), name));
    }
    return found;
  }

  /** The file of an object, wherever it lies; null when there is none. */
  async function find(sha256: string): Promise<string | null> {
    // Twice: a promotion moves a file from the second place to the first while this looks from the first to the second.
    for (let pass = 0; pass < 2; pass++) {
      for (const area of AREAS) {
        const file = pathOf(area, sha256);
        if ((await touchedAt(file)) !== null) return file;
      }
    }
    return (await aside(sha256))[0] ?? null;
  }

  /** Makes sure that the file is there, whole, freshly touched, and that its name survives a power cut. */
  async function settle(area: Area, sha256: string, bytes: number, placement: Placement): Promise<void> {
    const target = pathOf(area, sha256);
    do {
      await makeDurableDirectory(path.dirname(target));
      if (!(await placement.create(target)) && !(await isHealthy(target, sha256, bytes)))
        await placement.replace(target);
      // Also a new file: the kernel's own times lag the clock by some milliseconds.
    } while (!(await touch(target)));
    // Also when another writer got there first: it may not have synced the folder yet.
    await syncDirectory(path.dirname(target));
  }

  async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
    try {
      await link(from, to);
      return true;
    } catch (error) {
      if (errno(error) === 'EEXIST') return false;
      throw error;
    }
  }

  async function putBack(from: string, area: Area, sha256: string): Promise<void> {
    const target = pathOf(area, sha256);
    await makeDurableDirectory(path.dirname(target));
    await unlessGone(linkUnlessTaken(from, target));
    await syncDirectory(path.dirname(target));
    await unlessGone(unlink(from));
  }

  /** Deletes a file unless it was touched at or after `untouchedSince` (ms since the epoch). @returns whether it is gone. */
  async function remove(area: Area, sha256: string, untouchedSince: number): Promise<boolean> {
    const target = pathOf(area, sha256);
    const before = await touchedAt(target);
    if (before === null) return true;
    if (before >= untouchedSince) return false;
    await makeDurableDirectory(asideOf(area));
    const away = path.join(asideOf(area), `${sha256}.${randomUUID()}`);
    if ((await unlessGone(rename(target, away).then(() => true))) === null) return true;
    const after = await touchedAt(away);
    // Null: another process took this one for killed and has put the file back.
    if (after === null) return (await touchedAt(target)) === null;
    if (after >= untouchedSince) {
      await putBack(away, area, sha256);
      return false;
    }
    await unlessGone(unlink(away));
    return true;
  }

  /** Puts back what killed deletions left aside. */
  async function recover(): Promise<void> {
    for (const area of AREAS) {
      for (const name of (await unlessGone(readdir(asideOf(area)))) ?? []) {
        const file = path.join(asideOf(area), name);
        const found = await unlessGone(stat(file));
        if (found && Date.now() - found.ctimeMs > ASIDE_STALE_MS)
          await putBack(file, area, name.slice(0, 64));
      }
    }
  }

  /** Gives a landed file its permanent name. @returns false when there is no such object anywhere. */
  async function promote(sha256: string): Promise<boolean> {
    const target = pathOf('objects', sha256);
    const landed = pathOf('landing', sha256);
    for (;;) {
      const source = (await touchedAt(landed)) !== null ? landed : (await aside(sha256))[0];
      if (source === undefined) {
        if (await touch(target)) return true;
        if ((await find(sha256)) === null) return false;
        continue; // it moved while this looked
      }
      await makeDurableDirectory(path.dirname(target));
      const linked = await unlessGone(linkUnlessTaken(source, target));
      if (linked === null) continue;
      // Both are there: the landed bytes may be the better ones.
      if (!linked && !(await isHealthy(target, sha256))) {
        if ((await unlessGone(rename(source, target).then(() => true))) === null) continue;
      }
      if (!(await touch(target))) continue;
      await syncDirectory(path.dirname(target));
      await unlessGone(unlink(landed));
      return true;
    }
  }

  /** Size (bytes) and time of every file of an area. */
  async function* list(area: Area): AsyncGenerator<{ sha256: string; bytes: number; touchedAt: number }> {
    for (const shard of (await unlessGone(readdir(path.join(root, area)))) ?? []) {
      for (const sha256 of (await unlessGone(readdir(path.join(root, area, shard)))) ?? []) {
        if (!/^[0-9a-f]{64}$/.test(sha256)) continue;
        const found = await unlessGone(stat(pathOf(area, sha256)));
        if (found?.isFile()) yield { sha256, bytes: found.size, touchedAt: found.mtimeMs };
      }
    }
  }

  return {
    pathOf,
    find,
    settle,
    remove,
    recover,
    promote,
    list,
    async isPermanent(sha256: string): Promise<boolean> {
      return (await touchedAt(pathOf('objects', sha256))) !== null;
    },
    /** Touches a file wherever it lies. @returns whether there is one. */
    async renew(sha256: string): Promise<boolean> {
      for (const area of [...AREAS, ...AREAS]) if (await touch(pathOf(area, sha256))) return true;
      return (await aside(sha256)).length > 0 && (await promote(sha256));
    },
    async dropLanded(sha256: string): Promise<void> {
      await unlessGone(unlink(pathOf('landing', sha256)));
    },
  };
}
