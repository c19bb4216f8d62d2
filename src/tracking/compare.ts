import type { TrackedArtifact, TrackedRun } from '../contracts';
import type { ArtifactThere } from './tracker';

/** A destination may keep numbers as decimal text: the last digits of a double may be lost on the way, and nothing else. */
const RELATIVE_TOLERANCE = 1e-12;

/** Whether all of `expected` is in `there`. Objects may hold more: destinations add keys of their own. */
export function holds(expected: unknown, there: unknown): boolean {
  if (typeof expected === 'number' && typeof there === 'number') {
    const scale = Math.max(Math.abs(expected), Math.abs(there));
    return Object.is(expected, there) || Math.abs(expected - there) <= RELATIVE_TOLERANCE * scale;
  }
  if (expected === null || typeof expected !== 'object') return expected === there;
  if (there === null || typeof there !== 'object' || Array.isArray(expected) !== Array.isArray(there))
    return false;
  if (Array.isArray(expected)) {
    const list = there as readonly unknown[];
    return expected.length === list.length && expected.every((item, i) => holds(item, list[i]));
  }
  const object = there as Readonly<Record<string, unknown>>;
  return Object.entries(expected).every(([key, value]) => holds(value, object[key]));
}

/** What of a run is not there yet, in words; null when all of it is. A history that has grown since still holds it. */
export function missingFromRun(expected: TrackedRun, there: TrackedRun | null): string | null {
  if (!there) return 'the run';
  for (const part of ['name', 'group', 'jobType', 'tags', 'notes', 'config', 'summary'] as const)
    if (!holds(expected[part], there[part])) return part;
  const late = expected.history.find((point, i) => !holds(point, there.history[i]));
  if (late) return `step ${late.step} of the history`;
  for (const table of expected.tables) {
    const { name, columns, rows } = table;
    if (!there.tables.some((other) => holds({ name, columns, rows }, other))) return `table ${name}`;
  }
  for (const used of expected.uses)
    if (!there.uses.some((other) => holds(used, other))) return `its use of ${used.collection}`;
  return null;
}

export function missingFromArtifact(expected: TrackedArtifact, there: ArtifactThere | null): string | null {
  if (!there) return 'the version';
  if (there.type !== expected.type) return `type (it is ${there.type})`;
  if (!holds(expected.metadata, there.metadata)) return 'metadata';
  for (const { name, content } of expected.files) {
    const found = there.files.find((file) => file.name === name);
    if (found?.sha256 !== content.sha256 || found.bytes !== content.bytes) return `file ${name}`;
  }
  return there.files.length === expected.files.length ? null : 'its list of files';
}
