import { STYLE } from './style';
import { drawAll, drawingsABatch } from './depiction';
import { loadDossier } from './dossier';
import type { ReportContext } from './context';
import { section } from './elements';
import { markup, raw } from './html';
import { outcomesOf } from './outcomes';
import type { ReportRequest } from './reporting';
import { bestSoFar, learningCurve } from './sections/learning-curve';
import { calibrationPlot } from './sections/calibration';
import { coveragePerRound, errorPerRound } from './sections/model-by-round';
import { driftSection } from './sections/drift';
import { frontSection } from './sections/front';
import { furtherSections } from './sections/further-properties';
import { heldOutScatter, pickScatter } from './sections/scatter';
import { bestMolecules, gallerySmiles, keyFigures, masthead } from './sections/overview';
import { performanceSection } from './sections/performance';
import { provenanceSection, readingSection } from './sections/provenance';
import { roundsSection } from './sections/rounds';
import { yardstick } from './sections/yardstick';
import { timingsSection } from './sections/timings';
import { Sources } from './sources';
import { topMolecules } from './top-molecules';

/** Nothing is fetched and no script runs, whatever an id or a SMILES from outside holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * A campaign as one self-contained HTML page: no network, no scripts, charts as inline SVG, light and dark, fit to print.
 * A pure function of its request.
 * @throws TitrateError `artifact-corrupt` for bytes that are not what their hash says, `usage` for a truth that says nothing,
 *   and whatever `load` and `depict` throw. A molecule that cannot be drawn is shown as its SMILES.
 */
export async function renderReport({
  record,
  load,
  depict,
  truth,
  performance,
  drift,
  generatedAt,
}: ReportRequest): Promise<string> {
  const dossier = await loadDossier(record, load);
  const { objective } = record.config;
  const limit = drawingsABatch(record.rounds.length);
  const drawn = dossier.rounds.flatMap(({ sheet }) =>
    (sheet?.picks ?? []).slice(0, limit).map((pick) => pick.smiles),
  );
  const context: ReportContext = {
    dossier,
    record,
    objective,
    outcomes: outcomesOf(dossier),
    top: truth ? topMolecules(truth, record.poolSize, objective.direction) : null,
    sources: new Sources(),
    drawings: await drawAll([...gallerySmiles({ dossier, objective }), ...drawn], depict),
    drawingsABatch: limit,
    ...(performance && { performance }),
    ...(drift && { drift }),
  };
  const evaluated = record.rounds.some((round) => round.evaluation);
  const noModel = markup`<p class="note">No model has been evaluated yet.</p>`;
  const noRound = markup`<p class="note">No round is on record yet.</p>`;
  // In the order of the page: provenance, near its end, lists what the sections before it cite.
  const sections = [
    keyFigures(context),
    section(
      'learning',
      'What was learnt',
      dossier.cuts.length
        ? markup`<div class="figures">${learningCurve(context)}${bestSoFar(context)}${errorPerRound(context)}${yardstick(context)}</div>`
        : noRound,
    ),
    frontSection(context),
    bestMolecules(context),
    section(
      'model',
      objective.others ? `How good the model of ${objective.property} is` : 'How good the model is',
      evaluated
        ? markup`<div class="figures">${heldOutScatter(context)}${pickScatter(context)}${calibrationPlot(context)}${coveragePerRound(context)}</div>`
        : noModel,
    ),
    ...furtherSections(context),
    roundsSection(context),
    driftSection(context),
    timingsSection(context),
    performanceSection(context),
    provenanceSection(context),
    readingSection(),
  ];
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${record.config.title ?? record.campaignId} · titrate</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        ${masthead(context, generatedAt)}<main>${sections}</main>
      </body>
    </html> `.text;
}
