/** What the drift policy has planned in a replayed campaign, a round a day, and what became of it. */
import {
  driftPolicySchema,
  type DriftActionRecord,
  type DriftFigures,
  type DriftLook,
  type DriftLookRecord,
  type DriftVerdict,
  type PlannedAction,
} from '../../../../src/contracts';
import { judgeEffect, recordOf, respond } from '../../../../src/drift';

export type Stream = DriftLookRecord['stream'];

const DAY = 24 * 3600 * 1000;
/** In a round the batch comes back first. */
const HOURS_INTO_THE_DAY: Readonly<Record<Stream, number>> = { returned: 0, asked: 12 };
const policy = driftPolicySchema.parse({});

const isOf = ({ evidence }: DriftActionRecord, stream: Stream) => evidence.look.startsWith(stream);

export class Answers {
  records: readonly DriftActionRecord[] = [];
  /** The first round in which a look says to act. */
  detected: number | null = null;
  readonly causes = new Set<string>();
  readonly looks: { readonly stream: Stream; readonly verdict: DriftVerdict }[] = [];

  /** Everything planned is done, at once. */
  plan(stream: Stream, round: number, look: DriftLook, figures: DriftFigures): readonly PlannedAction[] {
    this.looks.push({ stream, verdict: look.verdict });
    if (look.verdict === 'act') {
      this.detected ??= round;
      const { cause, of } = look.diagnosis ?? { cause: 'none' };
      this.causes.add(of ? `${cause} of ${of}` : cause);
    }
    const at = round * DAY + (HOURS_INTO_THE_DAY[stream] / 24) * DAY;
    const record = { id: `${stream}-${round}`, at: new Date(at).toISOString(), stream, look, figures };
    const planned = respond(policy, record, this.records, at);
    this.records = [...this.records, ...planned.map((each) => recordOf(each, 'done', each.at))];
    return planned;
  }

  /** What was asked and what was picked are different molecules: of the other stream only the comparison on the same rows counts. */
  judge(stream: Stream, figures: DriftFigures): void {
    const sameRows = { ...figures, measures: [] };
    this.records = this.records.map((record) =>
      judgeEffect(record, isOf(record, stream) ? figures : sameRows),
    );
  }
}
