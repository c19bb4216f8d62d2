import type { Prospects } from '../../contracts';
import { shortId, withUnit, type ReportContext } from '../context';
import { describeFamily } from '../describe';
import type { LoadedRound } from '../dossier';
import { section, table } from '../elements';
import { count, fixed, number, percent, plural } from '../format';
import { markup, type Html } from '../html';
import { batchGrid, tally } from './batch';
import { explorationTable } from './exploration';

const DEPLOYMENT = {
  deployed: 'deployed',
  held: 'held back',
  superseded: 'superseded',
  'rolled-back': 'rolled back',
  failed: 'failed',
  off: 'off',
} as const;

function overviewTable(context: ReportContext): Html {
  const heads = [
    'round',
    'labels',
    'best',
    'model',
    'backend',
    'RMSE',
    'R²',
    '90 % covers',
    'rollout',
    'batch',
    'results',
  ];
  const numeric = new Set(['labels', 'best', 'RMSE', 'R²', '90 % covers', 'batch']);
  return table(
    'Rounds at a glance: what was known, the model made of it, the batch it picked',
    heads.map((head) => ({ head, numeric: numeric.has(head) })),
    context.dossier.rounds.map((round) => {
      const { summary } = round.record;
      return [
        markup`<a href="#round-${round.round}">${round.round}</a>`,
        count(summary.labels),
        number(summary.best, 4),
        summary.family ? describeFamily(summary.family) : 'none',
        summary.backend ?? '–',
        fixed(summary.metrics?.rmse, 3),
        fixed(summary.metrics?.r2, 2),
        percent(summary.metrics?.coverage90),
        summary.deployment ? DEPLOYMENT[summary.deployment.status] : '–',
        count(summary.batchSize),
        tally(context.outcomes.get(round)!),
      ];
    }),
  );
}

function gates({ record }: LoadedRound): Html {
  const { deployment } = record.summary;
  if (!deployment) return markup``;
  const list = deployment.gates.map(
    (gate) =>
      markup`<li class="${gate.passed ? 'ok' : 'bad'}">
        <span class="mark">${gate.passed ? 'passed' : 'not passed'}</span> <strong>${gate.gate}</strong>:
        ${gate.evidence}
      </li>`,
  );
  return markup`<h4>Rollout: ${DEPLOYMENT[deployment.status]}</h4>
    <p>${deployment.message}</p>
    ${
      list.length > 0 &&
      markup`<ul class="gates">
        ${list}
      </ul>`
    }`;
}

/** What the model expected of the molecules left, where the campaign's stopping rules asked. */
function prospectsWords(
  { chance, left, best, margin, batchGain, batchSize }: Prospects,
  { objective }: ReportContext,
): string {
  const by = margin > 0 ? ` by more than ${withUnit(margin, objective)}` : '';
  return `${percent(chance, 1)} chance that any of ${plural(left, 'molecule')} is better than ${withUnit(best, objective)}${by}; expected improvement by the batch of ${count(batchSize)}: ${withUnit(batchGain, objective)}`;
}

function known(context: ReportContext, round: LoadedRound): Html {
  const { summary, cut, model } = round.record;
  const facts: ([string, string | Html] | false | undefined | null)[] = [
    [
      'Known',
      `${plural(cut.labels, 'label')}: ${count(cut.measured)} measured, ${count(cut.censored)} as bounds; ${count(cut.failed)} failed, ${count(cut.abandoned)} abandoned, ${count(cut.pendingCount)} pending`,
    ],
    ...(cut.others ?? []).map(({ property, labels, measured, censored, failed }): [string, string] => [
      property,
      `${plural(labels, 'label')}: ${count(measured)} measured, ${count(censored)} as bounds; ${count(failed)} failed`,
    ]),
    cut.front && [
      'Front',
      `${plural(cut.front.size, 'molecule')}, hypervolume ${number(cut.front.hypervolume, 4)}`,
    ],
    ['Best', cut.best ? withUnit(cut.best.value, context.objective) : 'nothing measured yet'],
    [
      'Model',
      summary.family
        ? `${model?.id ?? summary.modelVersion ?? ''} ${describeFamily(summary.family)}${summary.featurizer ? ` on ${summary.featurizer}` : ''}`.trim()
        : 'none: there were too few labels, or nothing to learn from',
    ],
    summary.chosenBy && ['Batch by', `${summary.chosenBy.strategy}. ${summary.chosenBy.why}`],
    summary.prospects && ['Left', prospectsWords(summary.prospects, context)],
    ['Data', markup`<code>${shortId(cut.dataVersion)}</code>, cut <code>${shortId(cut.cutId)}</code>`],
    [
      'Seal',
      round.sheet
        ? markup`<code>${shortId(round.sheet.seal)}</code>
            ${round.sealHolds ? markup`<span class="ok">holds</span>` : markup`<strong class="bad">broken: the sheet is not the one that was sealed</strong>`}`
        : 'no batch',
    ],
  ];
  return markup`<dl class="facts">
    ${facts
      .flatMap((fact) => (fact ? [fact] : []))
      .map(
        ([label, value]) =>
          markup`<div>
          <dt>${label}</dt>
          <dd>${value}</dd>
        </div>`,
      )}
  </dl>`;
}

function roundDetails(context: ReportContext, round: LoadedRound, open: boolean): Html {
  const { record } = round;
  const outcomes = context.outcomes.get(round)!;
  const line = `${plural(record.summary.batchSize, 'pick')}: ${tally(outcomes)}`;
  const gains = outcomes.filter((outcome) => outcome.improved).length;
  return markup`<details class="round" id="round-${round.round}" ${open && markup` open`}>
    <summary>
      <h3>Round ${round.round}</h3>
      <span>${line}</span>${gains > 0 && markup`<span class="chip new-best">${plural(gains, 'better value')}</span>`}
    </summary>
    <div class="round-body">
      ${known(context, round)}${record.exploration ? explorationTable(record.exploration, round.round) : markup`<p class="note">Nothing was explored in this round.</p>`}${gates(round)}${batchGrid(context, round)}${context.sources.cite(
        [`training table, before round ${round.round}`, record.cut.training],
        [`results used, round ${round.round}`, record.cut.resultIds],
        [`model card, round ${round.round}`, record.model?.card],
        [`sheet, round ${round.round}`, record.sheet],
        [`held-out predictions, round ${round.round}`, record.evaluation?.predictions],
        ...(record.cut.others ?? []).map(
          ({ property, training }) => [`${property}, before round ${round.round}`, training] as const,
        ),
      )}
    </div>
  </details> `;
}

export function roundsSection(context: ReportContext): Html {
  const { rounds } = context.dossier;
  if (rounds.length === 0)
    return section('rounds', 'Rounds', markup`<p class="note">No round is on record yet.</p>`);
  return section('rounds', 'Rounds', [
    overviewTable(context),
    ...rounds.map((round, i) => roundDetails(context, round, i === rounds.length - 1)),
  ]);
}
