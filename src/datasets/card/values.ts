import type { DatasetRow } from '../../contracts';
import { meanAndSpread } from '../../measurements';
import type { DataCard, ValueSummary } from './data-card';
import { distributionOf } from './distribution';

interface Group {
  readonly assay: string | null;
  readonly unit: string | null;
  rows: number;
  molecules: number;
  readonly qualifiers: { '=': number; '<': number; '>': number };
  readonly exact: number[];
  readonly replicates: [number, number, number, number];
  squares: number;
  degrees: number;
  widest: { moleculeId: string; smiles: string; spread: number } | null;
}

/** Gathers what the values of a version are like, molecule by molecule. */
export function createValueStatistics() {
  const groups = new Map<string, Group>();
  const conversions = new Map<
    string,
    { conversion: string; from: string | null; to: string | null; rows: number }
  >();
  let measuredMolecules = 0;
  let dates: { first: string; last: string } | null = null;

  function groupOf(row: DatasetRow): Group {
    const assay = row.assay ?? null;
    const unit = row.unit ?? null;
    const key = JSON.stringify([assay, unit]);
    let group = groups.get(key);
    if (!group) {
      group = { assay, unit, rows: 0, molecules: 0, qualifiers: { '=': 0, '<': 0, '>': 0 }, exact: [], replicates: [0, 0, 0, 0], squares: 0, degrees: 0, widest: null }; // prettier-ignore
      groups.set(key, group);
    }
    return group;
  }

  function note(row: DatasetRow): void {
    const { measuredAt, conversion } = row;
    if (measuredAt !== undefined) {
      dates ??= { first: measuredAt, last: measuredAt };
      if (measuredAt < dates.first) dates.first = measuredAt;
      if (measuredAt > dates.last) dates.last = measuredAt;
    }
    if (conversion === undefined) return;
    const [from, to] = [row.reportedUnit ?? null, row.unit ?? null];
    const key = JSON.stringify([conversion, from, to]);
    const entry = conversions.get(key) ?? { conversion, from, to, rows: 0 };
    entry.rows++;
    conversions.set(key, entry);
  }

  function countReplicates(
    group: Group,
    values: readonly number[],
    { moleculeId, smiles }: DatasetRow,
  ): void {
    if (!values.length) return;
    group.replicates[Math.min(values.length, 4) - 1]!++;
    if (values.length < 2) return;
    const { spread } = meanAndSpread(values);
    group.squares += (values.length - 1) * spread ** 2;
    group.degrees += values.length - 1;
    if (!group.widest || spread > group.widest.spread) group.widest = { moleculeId, smiles, spread };
  }

  return {
    /** @param rows all rows of one molecule */
    add(rows: readonly DatasetRow[]): void {
      const ofMolecule = new Map<Group, number[]>();
      for (const row of rows) {
        note(row);
        if (row.value === undefined) continue;
        const group = groupOf(row);
        const qualifier = row.qualifier ?? '=';
        const exact = ofMolecule.get(group) ?? [];
        ofMolecule.set(group, exact);
        group.rows++;
        group.qualifiers[qualifier]++;
        if (qualifier === '=') {
          exact.push(row.value);
          group.exact.push(row.value);
        }
      }
      if (ofMolecule.size) measuredMolecules++;
      for (const [group, values] of ofMolecule) {
        group.molecules++;
        countReplicates(group, values, rows[0]!);
      }
    },
    end(): Pick<DataCard, 'values' | 'conversions' | 'measuredAt'> & { measuredMolecules: number } {
      const values = [...groups.values()].map(
        ({ exact, squares, degrees, replicates, widest, ...group }): ValueSummary => ({
          ...group,
          distribution: distributionOf(exact),
          replicates: {
            molecules: replicates,
            pooledStandardDeviation: degrees ? Math.sqrt(squares / degrees) : null,
            widest,
          },
        }),
      );
      const label = (value: ValueSummary) => `${value.assay ?? ''}\n${value.unit ?? ''}`;
      return {
        measuredMolecules,
        measuredAt: dates,
        values: values.sort((a, b) => b.rows - a.rows || (label(a) < label(b) ? -1 : 1)),
        conversions: [...conversions.entries()]
          .sort(([a, x], [b, y]) => y.rows - x.rows || (a < b ? -1 : 1))
          .map(([, entry]) => entry),
      };
    },
  };
}
