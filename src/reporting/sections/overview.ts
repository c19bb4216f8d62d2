import { propertiesOf } from '../../contracts';
import { compoundIds, drawing, moleculeName, signOf, withUnit, type ReportContext } from '../context';
import { describeFamily, describeProperty, describeStop, describeStrategy } from '../describe';
import { section } from '../elements';
import { count, duration, instant, number, percent, plural } from '../format';
import { markup, join, type Html } from '../html';
import { latestOf } from '../summary';

const DROP = markup`<svg class="drop" viewBox="0 0 24 32" aria-hidden="true">
  <path d="M12 1C12 1 2 13 2 20.5a10 10 0 0 0 20 0C22 13 12 1 12 1Z" />
  <path class="level" d="M4.2 21c2.6-2 5.2-2 7.8 0s5.2 2 7.8 0a7.8 7.8 0 0 1-15.6 0Z" />
</svg>`;

export function masthead({ record, objective, performance }: ReportContext, generatedAt: string): Html {
  const { acquisition, budget, seed } = record.config;
  const aims = propertiesOf(objective).map(
    (each) => `${each.direction === 'maximize' ? 'maximise' : 'minimise'} ${describeProperty(each)}`,
  );
  const aim = `${aims[0]![0]!.toUpperCase()}${aims.join(' and ').slice(1)}`;
  const plan = `over a pool of ${plural(record.poolSize, 'molecule')}, in up to ${plural(budget.rounds, 'round')} of ${count(acquisition.batchSize)}, picked by ${describeStrategy(acquisition.strategy)}`;
  const share =
    acquisition.randomShare > 0
      ? `, ${percent(acquisition.randomShare, Number.isInteger(Math.round(acquisition.randomShare * 1e6) / 1e4) ? 0 : 1)} of every batch at random`
      : '';
  const state =
    record.stopReason === null
      ? markup`<span class="pill running">Running</span>`
      : markup`<span class="pill">Finished: ${describeStop(record.stopReason)}${record.stopWhy !== undefined && `: ${record.stopWhy}`}</span>`;
  return markup`<header class="masthead">
      ${DROP}
      <div>
        <p class="eyebrow">titrate · campaign <bdi>${record.campaignId}</bdi></p>
        <h1>${record.config.title ?? record.campaignId}</h1>
        <p class="lede">${aim} ${plan}${share}; seed\u00a0${seed}.</p>
        <p class="meta">${state}<span>Written ${instant(generatedAt)}</span></p>
      </div>
    </header>
    <nav aria-label="Sections">
      <a href="#learning">Learning</a>${objective.others && markup`<a href="#front">Front</a>`}
      <a href="#model">Model</a>
      <a href="#rounds">Rounds</a>
      <a href="#time">Time</a>${performance && markup`<a href="#performance">What would have taken less</a>`}
      <a href="#provenance">Provenance</a>
      <a href="#reading">How to read this</a>
    </nav>`;
}

interface Tile {
  readonly label: string;
  readonly value: string | Html;
  readonly detail: string | Html;
}

export function keyFigures(context: ReportContext): Html {
  const { dossier, record, objective, top } = context;
  const { latest } = dossier;
  const labelled = latest?.labelled ?? [];
  const best = latest?.cut.best ?? null;
  const tiles: Tile[] = [];
  tiles.push({
    label: objective.others ? `Best ${objective.property}` : 'Best measured',
    value: best ? markup`${number(best.value, 4)}<small> ${objective.unit}</small>` : '–',
    detail: best
      ? moleculeName({ moleculeId: best.moleculeId, compoundId: compoundIds(dossier).get(best.moleculeId) })
      : 'nothing measured yet',
  });
  const front = dossier.cuts
    .map(({ cut }) => cut.front)
    .findLast((each) => each !== undefined && each !== null);
  if (front) {
    tiles.push({
      label: 'On the front',
      value: count(front.size),
      detail: `hypervolume ${number(front.hypervolume, 4)}`,
    });
  }
  if (top) {
    const found = top.found(labelled.map((row) => row.moleculeId));
    const expected = top.expectedFound(labelled.length);
    tiles.push({
      label: `Top ${percent(top.fraction, top.fraction < 0.01 ? 1 : 0)} found`,
      value: markup`${count(found)}<small> of ${count(top.size)}</small>`,
      detail: `random: ${number(expected, 3)} expected`,
    });
  }
  tiles.push({
    label: 'Measured',
    value: markup`${count(labelled.length)}<small> of ${count(record.poolSize)}</small>`,
    detail: `${percent(labelled.length / Math.max(1, record.poolSize), 1)} of the pool`,
  });
  // From the picks, not from the cut: a batch handed out after the last cut is pending too.
  const pending = [...context.outcomes.values()].flat().filter(({ status }) => status === 'pending').length;
  const lost = [
    latest?.cut.failed && `${count(latest.cut.failed)} failed`,
    latest?.cut.abandoned && `${count(latest.cut.abandoned)} abandoned`,
    pending && `${count(pending)} pending`,
  ];
  const nothingLost = record.rounds.length ? 'every assay came back' : 'none on record yet';
  tiles.push({
    label: 'Rounds',
    // The closing training hands nothing out.
    value: count(record.rounds.filter((round) => round.sheet !== null).length),
    detail: lost.filter(Boolean).join(', ') || nothingLost,
  });
  const evaluation = latestOf(record, (round) => round.evaluation);
  if (evaluation) {
    tiles.push({
      label: 'Held-out RMSE',
      value: markup`${number(evaluation.metrics.rmse, 3)}<small> ${objective.unit}</small>`,
      detail: `R²\u00a0${number(evaluation.metrics.r2, 2)}, ${percent(evaluation.metrics.coverage90)} inside the 90 % interval`,
    });
  }
  const version = latestOf(record, (round) => round.summary.modelVersion);
  const family = latestOf(record, (round) => round.summary.family);
  tiles.push({
    label: 'Model',
    value: markup`<span class="words">${version?.split('/').at(-1) ?? 'none yet'}</span>`,
    detail: family ? describeFamily(family) : 'picks are random until there is one',
  });
  tiles.push({
    label: 'TensorFlow.js backend',
    value: markup`<span class="words">${latestOf(record, (round) => round.summary.backend) ?? '–'}</span>`,
    detail:
      family === 'mlp-ensemble'
        ? 'the model was trained on it'
        : 'networks were explored on it; a Gaussian process computes in float64',
  });
  const seconds = record.rounds
    .flatMap((round) => round.timings)
    .reduce((sum, timing) => sum + timing.seconds, 0);
  tiles.push({
    label: 'Duration',
    value: markup`<span class="words">${duration(seconds)}</span>`,
    detail: 'in all stages, without waiting for the lab',
  });
  return markup`<section id="key-figures" aria-label="Key figures">
    <dl class="tiles">
      ${tiles.map(
        (tile) =>
          markup`<div class="tile">
            <dt>${tile.label}</dt>
            <dd class="value">${tile.value}</dd>
            <dd class="detail">${tile.detail}</dd>
          </div>`,
      )}
    </dl>
  </section> `;
}

const GALLERY = 5;

/** SMILES of the molecules that `bestMolecules` shows. */
export function gallerySmiles(context: Pick<ReportContext, 'dossier' | 'objective'>): string[] {
  return bestRows(context).map((row) => row.smiles);
}

function bestRows({ dossier, objective }: Pick<ReportContext, 'dossier' | 'objective'>) {
  const sign = signOf(objective);
  return [...(dossier.latest?.labelled ?? [])]
    .filter((row) => row.qualifier === '=')
    .sort((a, b) => sign * (b.value - a.value) || (a.moleculeId < b.moleculeId ? -1 : 1))
    .slice(0, GALLERY);
}

/** The best measured molecules of the pool, drawn. */
export function bestMolecules(context: ReportContext): Html {
  const rows = bestRows(context);
  if (rows.length === 0) return markup``;
  const { dossier, objective, sources, top } = context;
  const ids = compoundIds(dossier);
  const pickedIn = new Map(
    dossier.rounds.flatMap(({ round, sheet }) =>
      (sheet?.picks ?? []).map((pick) => [pick.moleculeId, round] as const),
    ),
  );
  const card = (row: (typeof rows)[number], i: number) => {
    const compoundId = ids.get(row.moleculeId);
    const round = pickedIn.get(row.moleculeId);
    const notes = [
      round === undefined ? 'known beforehand' : `round ${round}`,
      row.replicates > 1 && `mean of ${row.replicates}`,
      top?.isTop(row.moleculeId) && `top ${percent(top.fraction, top.fraction < 0.01 ? 1 : 0)}`,
    ];
    return markup`<li class="card best">
      <p class="card-head">
        <span class="rank">${i + 1}</span><span class="name">${moleculeName({ moleculeId: row.moleculeId, compoundId })}</span>
      </p>
      ${drawing(context, row.smiles, `Structure of ${row.smiles}`)}
      <p class="measured-value">${withUnit(row.value, objective)}</p>
      <p class="reason">
        ${join(
          notes.filter((note): note is string => Boolean(note)),
          ' · ',
        )}
      </p>
      <code class="smiles" title="${row.smiles}">${row.smiles}</code>
    </li>`;
  };
  const { cut } = dossier.latest!;
  return section('best', 'Best molecules', [
    markup`<ul class="cards">
      ${rows.map(card)}
    </ul>`,
    sources.cite(['training table, last cut', cut.training], ['results used, last cut', cut.resultIds]),
  ]);
}
