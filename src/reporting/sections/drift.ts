import type { KeptAction, KeptLook } from '../../contracts';
import type { ReportContext } from '../context';
import { section, table } from '../elements';
import { count, plural } from '../format';
import { markup, type Html } from '../html';

/** Looks in the table: those that saw something, the last ones first. */
const MOST_LOOKS = 30;

const WORDS = { asked: 'what was asked', returned: 'what came back' } as const;
const EFFECTS = {
  helped: 'helped',
  'no-change': 'changed nothing',
  worse: 'made it worse',
  'not-known-yet': 'not known yet',
} as const;

const isChange = ({ record }: KeptLook) => record.look.verdict === 'act' || record.look.verdict === 'watch';

const looksOf = (looks: readonly KeptLook[]) =>
  looks
    .filter(isChange)
    .slice(-MOST_LOOKS)
    .reverse()
    .map(({ record: { at, id, stream, look } }) => [
      ...[at.slice(0, 16).replace('T', ' '), WORDS[stream], id, look.verdict],
      look.diagnosis ? `${look.diagnosis.cause}: ${look.diagnosis.sentence}` : '–',
    ]);

const actionRow = ({ record, note, found }: KeptAction) => [
  record.id,
  record.action,
  record.state,
  record.state === 'done' ? EFFECTS[record.effect] : '–',
  [note, record.state === 'done' && record.effectSentence, found?.sentence].filter(Boolean).join(' '),
];

/** What was seen of drift, and what was done about it; nothing where nobody looked. */
export function driftSection({ drift }: ReportContext): Html | null {
  if (!drift || drift.looks.length === 0) return null;
  const { looks, actions } = drift;
  const seen = looksOf(looks);
  const changes = looks.filter(isChange).length;
  return section('drift', 'Drift', [
    markup`<p>${plural(looks.length, 'look')}; ${count(changes)} saw a change.</p>`,
    seen.length > 0
      ? table(
          'Changes that were seen',
          ['when', 'of', 'look', 'verdict', 'what it looks like'].map((head) => ({ head })),
          seen,
        )
      : '',
    actions.length > 0
      ? table(
          'What was done about them',
          ['action', 'what', 'state', 'effect', 'what came of it'].map((head) => ({ head })),
          actions.map(actionRow),
        )
      : '',
  ]);
}
