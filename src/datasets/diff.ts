import type { DatasetRow, DatasetVersion } from '../contracts';
import { aggregateValues, type MeasuredValue } from '../measurements';
import type { VersionBytes } from './bytes';
import type { DatasetDiff, DiffMolecule } from './datasets';
import type { Engine, Session } from './engine';
import { canonicalLine, COLUMN_NAMES, rowOf, selectRows } from './row-columns';

/** All rows of one molecule, in canonical order. */
interface MoleculeRows {
  readonly moleculeId: string;
  readonly rows: DatasetRow[];
  readonly lines: string[];
}

async function* byMolecule(session: Session, select: string): AsyncGenerator<MoleculeRows> {
  let current: MoleculeRows | null = null;
  for await (const chunk of session.stream(COLUMN_NAMES, select)) {
    for (const cells of chunk) {
      const row = rowOf(cells);
      if (!current || current.moleculeId !== row.moleculeId) {
        if (current) yield current;
        current = { moleculeId: row.moleculeId, rows: [], lines: [] };
      }
      current.rows.push(row);
      current.lines.push(canonicalLine(cells));
    }
  }
  if (current) yield current;
}

/** Aggregated by the one rule there is, each unit on its own: values of different units have no mean. */
function aggregated({ rows }: MoleculeRows): { value: number | null; spelling: string } {
  const units = new Map<string, MeasuredValue[]>();
  for (const { moleculeId, smiles, value, unit = '', qualifier = '=' } of rows) {
    if (value === undefined) continue;
    const values = units.get(unit) ?? [];
    values.push({ moleculeId, smiles, value, qualifier });
    units.set(unit, values);
  }
  const results = [...units]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([unit, values]) => {
      const { value, qualifier, replicates } = aggregateValues(values);
      return { unit, value, qualifier, replicates };
    });
  return { value: results[0]?.value ?? null, spelling: JSON.stringify(results) };
}

function sourceChanges(from: DatasetVersion, to: DatasetVersion): DatasetDiff['sources'] {
  const spellings = (version: DatasetVersion) => {
    const byName = new Map<string, string[]>();
    for (const { name, sha256, accepted, quarantined } of version.sources)
      byName.set(name, [...(byName.get(name) ?? []), `${sha256} ${accepted} ${quarantined}`].sort());
    return new Map([...byName].map(([name, entries]) => [name, entries.join('\n')]));
  };
  const [before, after] = [spellings(from), spellings(to)];
  const sorted = (names: Iterable<string>, keep: (name: string) => boolean) => [...names].filter(keep).sort();
  return {
    added: sorted(after.keys(), (name) => !before.has(name)),
    removed: sorted(before.keys(), (name) => !after.has(name)),
    changed: sorted(after.keys(), (name) => before.has(name) && before.get(name) !== after.get(name)),
  };
}

/** Walks two versions side by side: both lie sorted by moleculeId, so memory holds two molecules at a time. */
export async function diffVersions(
  engine: Engine,
  bytes: VersionBytes,
  from: DatasetVersion,
  to: DatasetVersion,
  limit: number,
): Promise<DatasetDiff> {
  const rows = { added: 0, removed: 0 };
  const molecules = { added: 0, removed: 0 };
  let changedValues = 0;
  const examples = {
    added: [] as DiffMolecule[],
    removed: [] as DiffMolecule[],
    changed: [] as DatasetDiff['examples']['changed'][number][],
  };
  const done = (): DatasetDiff => ({
    from: from.id,
    to: to.id,
    rows,
    molecules,
    changedValues,
    sources: sourceChanges(from, to),
    examples,
  });
  if (from.schema === to.schema && from.rowsSha256 === to.rowsSha256) return done();

  const appeared = (kind: 'added' | 'removed', molecule: MoleculeRows) => {
    rows[kind] += molecule.rows.length;
    molecules[kind]++;
    if (examples[kind].length < limit) {
      const { moleculeId, smiles } = molecule.rows[0]!;
      examples[kind].push({ moleculeId, smiles, value: aggregated(molecule).value });
    }
  };
  const inBoth = (before: MoleculeRows, after: MoleculeRows) => {
    const [old, now] = [new Set(before.lines), new Set(after.lines)];
    const added = after.lines.filter((line) => !old.has(line)).length;
    const removed = before.lines.filter((line) => !now.has(line)).length;
    if (!added && !removed) return;
    rows.added += added;
    rows.removed += removed;
    const [was, is] = [aggregated(before), aggregated(after)];
    if (was.spelling === is.spelling) return;
    changedValues++;
    if (examples.changed.length < limit) {
      const { moleculeId, smiles } = after.rows[0]!;
      examples.changed.push({ moleculeId, smiles, before: was.value, after: is.value });
    }
  };

  const selects = [selectRows(from, await bytes.rowsFile(from)), selectRows(to, await bytes.rowsFile(to))];
  return engine.session((one) =>
    engine.session(async (two) => {
      const [left, right] = [byMolecule(one, selects[0]!), byMolecule(two, selects[1]!)];
      let [a, b] = [await left.next(), await right.next()];
      while (!a.done || !b.done) {
        if (b.done || (!a.done && a.value.moleculeId < b.value.moleculeId)) {
          appeared('removed', a.value as MoleculeRows);
          a = await left.next();
        } else if (a.done || b.value.moleculeId < a.value.moleculeId) {
          appeared('added', b.value);
          b = await right.next();
        } else {
          inBoth(a.value, b.value);
          a = await left.next();
          b = await right.next();
        }
      }
      return done();
    }),
  );
}
