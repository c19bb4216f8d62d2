import { intervalStrip } from '../charts/interval';
import { drawing, moleculeName, plainName, type ReportContext } from '../context';
import { describeStrategy, unitSuffix } from '../describe';
import type { LoadedRound } from '../dossier';
import { table } from '../elements';
import { count, decimalsFor, fixed, number, percent, plural, plusMinus } from '../format';
import { join, markup, type Html } from '../html';
import type { OutcomeStatus, PickOutcome } from '../outcomes';

const STATUS_WORDS: Record<OutcomeStatus, string> = {
  measured: 'measured',
  failed: 'failed',
  abandoned: 'abandoned',
  'no-value': 'no value',
  pending: 'pending',
};

/** `6 measured, 1 failed` */
export function tally(outcomes: readonly PickOutcome[]): string {
  const order = Object.keys(STATUS_WORDS) as OutcomeStatus[];
  const parts = order.flatMap((status) => {
    const n = outcomes.filter((outcome) => outcome.status === status).length;
    return n ? [`${count(n)} ${STATUS_WORDS[status]}`] : [];
  });
  return parts.join(', ') || 'no picks';
}

/** The measurement in words, with as many decimals as the prediction beside it. */
function measuredText({ row, pick }: PickOutcome): string {
  if (!row) return '';
  const value = pick.standardDeviation
    ? fixed(row.value, Math.max(2, decimalsFor(pick.standardDeviation)))
    : number(row.value, 5);
  return `${row.qualifier === '=' ? '' : `${row.qualifier} `}${value}`;
}

const predictedText = ({ pick }: PickOutcome): string =>
  pick.predicted === undefined
    ? '–'
    : pick.standardDeviation === undefined
      ? number(pick.predicted, 4)
      : plusMinus(pick.predicted, pick.standardDeviation);

/** Everything of a batch on one scale, so that cards can be compared by eye. */
function sharedDomain(outcomes: readonly PickOutcome[]): [number, number] {
  const values = outcomes.flatMap(({ pick, row }) => [
    ...(pick.interval90 ?? []),
    ...(row ? [row.value] : []),
  ]);
  return [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
}

/** What stands beside the reason: the terms of the acquisition value, the nearest measured molecule, where it goes. */
function explanation({ pick }: PickOutcome): Html | false {
  const { terms, nearest, teaches, plate, well, cost } = pick;
  const total = terms && Math.abs(terms.exploit) + Math.abs(terms.explore);
  const parts = [
    terms &&
      total &&
      `${percent(Math.abs(terms.exploit) / total)} from its prediction, ${percent(Math.abs(terms.explore) / total)} from its uncertainty`,
    teaches !== undefined && `teaches ${percent(teaches, 1)} of what is not known of the candidates`,
    nearest &&
      markup`nearest measured: <code title="${nearest.moleculeId}">${nearest.smiles ?? nearest.moleculeId}</code>, similarity ${fixed(nearest.similarity, 2)}`,
    well !== undefined && `plate ${plate ?? 1}, well ${well}`,
    cost !== undefined && `price ${number(cost, 4)}`,
  ].filter((part): part is string | Html => Boolean(part));
  return parts.length > 0 && markup`<p class="note">${join(parts, ' · ')}</p>`;
}

/** Who stood high and was not picked. */
function passedOver(round: LoadedRound): Html | false {
  const passed = round.sheet?.passedOver ?? [];
  return (
    passed.length > 0 &&
    markup`<details class="data">
      <summary>${plural(passed.length, 'molecule')} passed over</summary>
      ${table(
        `Molecules that stood high and were not picked, round ${round.round}`,
        [{ head: 'SMILES' }, { head: 'value', numeric: true }, { head: 'why not' }],
        passed.map(({ smiles, moleculeId, value, why }) => [
          markup`<code title="${moleculeId}">${smiles}</code>`,
          number(value, 3),
          why,
        ]),
      )}
    </details>`
  );
}

/** What was predicted and measured of the further properties. */
function furtherValues({ objective, dossier }: ReportContext, { pick }: PickOutcome): Html[] {
  return (objective.others ?? []).map(({ property }, i) => {
    const own = pick.others?.find((other) => other.property === property);
    const row = dossier.latest?.others[i]?.get(pick.moleculeId);
    const predicted = own ? plusMinus(own.predicted, own.standardDeviation) : '–';
    const measured = row
      ? `${row.qualifier === '=' ? '' : `${row.qualifier} `}${number(row.value, 5)}`
      : 'no value';
    return markup`<dt>${property}</dt>
      <dd>${predicted}; measured: ${measured}</dd>`;
  });
}

function card(context: ReportContext, outcome: PickOutcome, domain: readonly [number, number]): Html {
  const { pick, row, status } = outcome;
  const { top, objective } = context;
  const chips = [
    outcome.improved && markup`<span class="chip new-best">new best</span>`,
    top?.isTop(pick.moleculeId) &&
      markup`<span class="chip top">top ${percent(top.fraction, top.fraction < 0.01 ? 1 : 0)}</span>`,
    pick.strategy === 'random' && markup`<span class="chip">random</span>`,
  ];
  const result = row
    ? markup`<dd class="measured-value">
        ${measuredText(outcome)}${row.replicates > 1 && markup` <small>mean of ${row.replicates}, sd ${number(row.spread, 2)}</small>`}
      </dd>`
    : markup`<dd class="no-value">${STATUS_WORDS[status]}</dd>`;
  const strip =
    pick.predicted !== undefined &&
    pick.interval90 &&
    intervalStrip({
      predicted: pick.predicted,
      interval: pick.interval90,
      measured: row ? row.value : null,
      domain,
      alt: `Predicted ${number(pick.predicted, 3)}, 90 % interval ${number(pick.interval90[0], 3)} to ${number(pick.interval90[1], 3)}${row ? `, measured ${number(row.value, 4)}` : ''}${unitSuffix(objective.unit)}`,
    });
  return markup`<li class="card s-${status}${outcome.improved && ' improved'}">
    <p class="card-head">
      <span class="rank">${pick.rank}</span><span class="name">${moleculeName(pick)}</span>${chips}
    </p>
    ${drawing(context, pick.smiles, `Structure of ${plainName(pick)}: ${pick.smiles}`)}
    <dl class="values">
      <dt>predicted</dt>
      <dd>${predictedText(outcome)}</dd>
      <dt>${row ? 'measured' : 'result'}</dt>
      ${result}${furtherValues(context, outcome)}
    </dl>
    ${strip}
    <p class="reason">${pick.reason}</p>
    ${explanation(outcome)}
    <code class="smiles" title="${pick.smiles}">${pick.smiles}</code>
  </li> `;
}

/** A round's batch: its molecules drawn, up to the page's limit, and the rest as a table. */
export function batchGrid(context: ReportContext, round: LoadedRound): Html {
  const outcomes = context.outcomes.get(round)!;
  if (!round.sheet) return markup`<p class="note">No batch was picked in this round.</p>`;
  if (outcomes.length === 0) return markup`<p class="note">The batch is empty: no candidates were left.</p>`;
  const limit = context.drawingsABatch;
  const shown = outcomes.slice(0, limit);
  const rest = outcomes.slice(limit);
  const domain = sharedDomain(outcomes);
  const more =
    rest.length > 0 &&
    markup`<p class="note">
        The first ${count(limit)} of ${count(outcomes.length)} molecules are drawn; the other
        ${count(rest.length)} are in the table.
      </p>
      <details class="data">
        <summary>${plural(rest.length, 'more molecule')}</summary>
        ${restTable(rest, round)}
      </details>`;
  const { unit } = context.objective;
  const strips =
    shown.some(({ pick }) => pick.interval90) &&
    markup`<p class="note strip-note">
      Strips: the bar is the predicted 90 % interval, the tick its mean, the dot what was measured; one scale
      for the whole batch, ${number(domain[0], 3)} to ${number(domain[1], 3)}${unitSuffix(unit)}.
    </p>`;
  const strategies = [...new Set(outcomes.map(({ pick }) => pick.strategy))]
    .map(describeStrategy)
    .join(' and ');
  return markup`<h4>Batch of ${plural(outcomes.length, 'molecule')}</h4>
    <p>Picked by ${strategies}. ${tally(outcomes)}.</p>
    ${strips}
    <ul class="cards">
      ${shown.map((outcome) => card(context, outcome, domain))}
    </ul>
    ${more}${passedOver(round)}`;
}

function restTable(outcomes: readonly PickOutcome[], round: LoadedRound): Html {
  return table(
    `Molecules of round ${round.round} without a drawing`,
    [
      { head: 'rank', numeric: true },
      { head: 'molecule' },
      { head: 'SMILES' },
      { head: 'predicted', numeric: true },
      { head: 'result', numeric: true },
      { head: 'why' },
    ],
    outcomes.map((outcome) => [
      String(outcome.pick.rank),
      moleculeName(outcome.pick),
      markup`<code>${outcome.pick.smiles}</code>`,
      predictedText(outcome),
      outcome.row ? measuredText(outcome) : STATUS_WORDS[outcome.status],
      outcome.pick.reason,
    ]),
  );
}
