import type { ExplorationRecord } from '../../contracts';
import { tuningReport } from '../../learning/exploration/tuning-report';
import { table } from '../elements';
import { fixed, percent, plural } from '../format';
import { markup, type Html } from '../html';

/** Levels of one factor that are shown, best first. */
const MOST_LEVELS = 4;
/** A factor that explains less than this is not worth a line. */
const LEAST_SHARE = 0.01;

/** What mattered among the things that trials differ by, by the first rung; nothing where trials are too few to tell. */
export function tuningTable(exploration: ExplorationRecord, round: number): Html {
  const factors = tuningReport(exploration);
  const telling = factors.filter(({ explained }) => explained >= LEAST_SHARE);
  if (factors.length === 0) return markup``;
  const head = markup`<h4>What mattered</h4>`;
  if (telling.length === 0) {
    return markup`${head}
      <p class="note">
        Nothing that the ${plural(factors[0]!.trials, 'trial')} of the first rung differ by explains their errors
        better than chance would.
      </p>`;
  }
  const rows = telling.map(({ factor, trials, explained, levels }) => [
    factor,
    percent(explained),
    `${trials}`,
    levels
      .slice(0, MOST_LEVELS)
      .map(
        ({ level, meanScore, trials: count }) =>
          `${level}: ${fixed(meanScore, 3)} (${plural(count, 'trial')})`,
      )
      .join('; '),
  ]);
  return markup`${head}
    <p>
      The share of the spread of RMSE over the trials of the first rung that goes with each factor, corrected for what chance would
      explain; with a handful of trials this says where to look, not what is certain.
    </p>
    ${table(
      `What mattered in the exploration of round ${round}`,
      [
        { head: 'factor' },
        { head: 'explains', numeric: true },
        { head: 'trials', numeric: true },
        { head: 'mean RMSE by level, best first' },
      ],
      rows,
    )}`;
}

/** Where trials came from and how they were held out, where that is not the usual. */
export function explorationNotes({ downscaling, warmStart, tuner, split }: ExplorationRecord): Html {
  const lines: string[] = [];
  if (downscaling) lines.push(`Size of the downscaled set: ${downscaling}.`);
  if (split) lines.push(`Folds by ${split.kind}.`, ...split.notes.map((note) => `${note}.`));
  if (warmStart) {
    const origins = warmStart.trials.map(
      ({ trialId, campaignId, round, was }) => `${trialId} was ${was} of ${campaignId}, round ${round}`,
    );
    lines.push(
      origins.length
        ? `Warm start: ${origins.join('; ')}.`
        : `Warm start: ${plural(warmStart.read.length, 'earlier exploration')} looked at, nothing taken that was not drawn anyway.`,
      ...warmStart.notes.map((note) => `${note}.`),
    );
  }
  if (tuner) {
    lines.push(
      `Settings asked of Vizier, study ${tuner.study}: ${tuner.trials.join(', ') || 'none'}.${tuner.stopped.length ? ` Stopped by it: ${tuner.stopped.join(', ')}.` : ''}`,
      ...tuner.notes.map((note) => `${note}.`),
    );
  }
  return lines.length
    ? markup`<ul class="notes">${lines.map((line) => markup`<li>${line}</li>`)}</ul>`
    : markup``;
}
