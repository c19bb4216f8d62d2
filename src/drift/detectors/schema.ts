import type { DriftEvidence, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { judge, notEnough, percent } from '../finding';
import type { ColumnState } from '../sample';
import { sharePValue } from '../statistics/two-sample';
import type { WindowsAgainstReference } from './windows';

type Fault = 'missing' | 'unreadable';
const FAULTS: readonly Fault[] = ['missing', 'unreadable'];
const WORDS: Readonly<Record<Fault, string>> = { missing: 'empty', unreadable: 'not what the column holds' };

const share = (state: ColumnState, fault: Fault) => (state.rows > 0 ? state[fault] / state.rows : 0);

/** Columns that went, cells that are empty or cannot be read, against the reference's; corrected for the columns. */
export function schema({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const rows = Math.max(0, ...window.columns.map((column) => column.rows));
  const referenceRows = Math.max(0, ...reference.sample.columns.map((column) => column.rows));
  const pairs = window.columns.flatMap((own) => {
    const other = reference.sample.columns.find(({ name }) => name === own.name);
    return other?.present ? [{ own, other }] : [];
  });
  const gone = pairs.filter(({ own }) => !own.present);
  if (gone.length) {
    const names = gone.map(({ own }) => `'${own.name}'`).join(', ');
    return {
      ...{
        name: 'schema',
        verdict: 'act',
        test: 'presence',
        statistic: gone.length,
        p: null,
        threshold: null,
      },
      ...{ effect: 'share of cells that are missing, more than in the reference', effectSize: 1 },
      ...{ effectThreshold: ACT_FROM.unreadable, rows, referenceRows, windows },
      evidence: gone.map(({ own }) => ({
        ...{
          what: `column '${own.name}'`,
          reference: 1,
          window: 0,
          effectSize: 1,
          rows: own.rows,
          examples: [],
        },
      })),
      sentence: `The stream has no column ${names}, and the reference has.`,
    };
  }
  const cases = pairs
    .filter(({ own, other }) => own.rows > 0 && other.rows > 0)
    .flatMap(({ own, other }) =>
      FAULTS.map((fault) => ({ own, other, fault, by: share(own, fault) - share(other, fault) })),
    )
    .sort((a, b) => b.by - a.by);
  const [most] = cases;
  if (!most || rows < MINIMUM.window || referenceRows < MINIMUM.reference)
    return notEnough(
      'schema',
      ...([rows, referenceRows, ACT_FROM.unreadable] as const),
      `Schema: ${rows} rows against ${referenceRows} of the reference; at least ${MINIMUM.window} and ${MINIMUM.reference} are needed.`,
    );
  const { own, other, fault } = most;
  const evidence = (each: (typeof cases)[0]): DriftEvidence => ({
    what: `column '${each.own.name}', ${WORDS[each.fault]}`,
    reference: share(each.other, each.fault),
    window: share(each.own, each.fault),
    effectSize: each.by,
    rows: each.own[each.fault],
    examples: each.fault === 'unreadable' ? each.own.examples.slice(0, 3) : [],
  });
  return judge({
    ...{ name: 'schema', test: "share of cells, Fisher's exact test", statistic: share(own, fault) },
    p: Math.min(1, cases.length * sharePValue(own[fault], own.rows, other[fault], other.rows)),
    ...{ alpha, rows, referenceRows, windows },
    harmless: most.by < 0,
    effect: 'share of cells that are empty or cannot be read, more than in the reference',
    ...{ effectSize: most.by, effectThreshold: ACT_FROM.unreadable },
    evidence: cases
      .filter((each) => each === most || each.by > 0)
      .slice(0, 3)
      .map(evidence),
    change: `${percent(share(own, fault))} of the cells of '${own.name}' are ${WORDS[fault]}, ${percent(share(other, fault))} in the reference`,
    steady: 'Columns arrive as in the reference',
  });
}
