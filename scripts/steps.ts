import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from 'esbuild';
import { STEPS } from '../src/contracts';
import { packageRoot, sha256, writeFileAtomic } from '../src/foundation';

/** Version and source hash of each step, as committed: what a recorded output was made by. */
export type StepsLock = Record<string, { readonly version: number; readonly sources: string }>;

export const LOCK_FILE = path.join(packageRoot, 'activities/steps.lock.json');

function filesUnder(place: string): string[] {
  const at = path.join(packageRoot, place);
  if (statSync(at).isFile()) return [place];
  return readdirSync(at)
    .flatMap((name) => filesUnder(path.posix.join(place, name)))
    .filter((name) => name.endsWith('.ts'))
    .sort();
}

/** Hash over what the sources do: comments and layout are left out. */
function hashOfSources(places: readonly string[]): string {
  const parts = places.flatMap(filesUnder).map((file) => {
    const code = readFileSync(path.join(packageRoot, file), 'utf8');
    return `${file}\0${transformSync(code, { loader: 'ts', minifyWhitespace: true, target: 'es2023' }).code}`;
  });
  return sha256(parts.join('\0'));
}

export function currentLock(): StepsLock {
  return Object.fromEntries(
    Object.values(STEPS).map(({ name, version, sources }) => [
      name,
      { version, sources: hashOfSources(sources) },
    ]),
  );
}

export function readLock(): StepsLock {
  return JSON.parse(readFileSync(LOCK_FILE, 'utf8')) as StepsLock;
}

/** Steps whose sources changed while the version stayed: their recorded outputs would be taken for what the new code computes. */
export function unversionedChanges(before: StepsLock, now: StepsLock): string[] {
  return Object.entries(now).flatMap(([name, { version, sources }]) =>
    before[name] && before[name].sources !== sources && before[name].version === version ? [name] : [],
  );
}

/** `node dist/scripts/steps.js`: writes the lock. `--same-meaning` accepts changed sources under an unchanged version (a refactoring). */
async function main(): Promise<void> {
  const now = currentLock();
  let before: StepsLock = {};
  try {
    before = readLock();
  } catch {
    // the first lock
  }
  const changed = unversionedChanges(before, now);
  if (changed.length && !process.argv.includes('--same-meaning')) {
    process.stderr.write(
      `sources changed, versions did not: ${changed.join(', ')}. Raise their versions in src/contracts/steps.ts, or, if every output is the same as before, run again with --same-meaning.\n`,
    );
    process.exitCode = 1;
    return;
  }
  await writeFileAtomic(LOCK_FILE, `${JSON.stringify(now, null, 2)}\n`);
}

if (require.main === module) void main();
