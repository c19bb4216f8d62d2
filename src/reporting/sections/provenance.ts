import type { ReportContext } from '../context';
import { section, table } from '../elements';
import { markup, type Html } from '../html';

/** Ids and seals of every round, the full hash of every artifact that the page cites, and the configuration. Made last. */
export function provenanceSection({ dossier, record, sources }: ReportContext): Html {
  const seals = dossier.rounds.map((round) => {
    const { cut, model } = round.record;
    const seal = round.sheet
      ? markup`<code class="hash">${round.sheet.seal}</code>
          ${round.sealHolds ? markup`<span class="ok">holds</span>` : markup`<strong class="bad">broken</strong>`}`
      : '–';
    return [
      String(round.round),
      markup`<code class="hash">${cut.dataVersion}</code>`,
      markup`<code class="hash">${cut.cutId}</code>`,
      model ? markup`<code>${model.id}</code>` : '–',
      round.sheet ? markup`<code>${round.sheet.batchId}</code>` : '–',
      seal,
    ];
  });
  const final = record.finalCut;
  if (final)
    seals.push([
      'end',
      markup`<code class="hash">${final.dataVersion}</code>`,
      markup`<code class="hash">${final.cutId}</code>`,
      '–',
      '–',
      '–',
    ]);
  const artifacts = sources.rows();
  return section(
    'provenance',
    'Provenance',
    [
      markup`<p>
        A seal is the sha256 of a batch's model, data version, cut, rule and picks, made before anything of it
        was measured. This page has computed every seal again, and has checked every artifact it read against
        its hash.
      </p>`,
      seals.length > 0 &&
        table(
          'Versions and seals by round',
          ['round', 'data version', 'cut', 'model', 'batch', 'seal'].map((head) => ({ head })),
          seals,
        ),
      artifacts.length > 0 &&
        table(
          'Artifacts that this page cites',
          [{ head: 'what' }, { head: 'sha256' }, { head: 'size', numeric: true }, { head: 'media type' }],
          artifacts,
        ),
      markup`<details class="data">
        <summary>Configuration</summary>
        <pre>${JSON.stringify(record.config, null, 2)}</pre>
      </details>`,
    ].filter((part): part is Html => part !== false),
  );
}

const TERMS: readonly (readonly [string, string])[] = [
  [
    'Label',
    'a molecule of the pool with a measured value at that cut; a bound (< or >) counts. Replicates are averaged.',
  ],
  ['Cut', 'the results a round used, fixed when it began. What came later counts from the next cut on.'],
  [
    'Predicted ± sd',
    "the model's mean and total standard deviation (of the model and of the assay) for one measurement, calibrated on held-out data.",
  ],
  ['Held out', 'predicted by a model trained without that molecule, in cross-validation.'],
  ['90 % interval', 'should hold the measured value nine times in ten; how often it did is its coverage.'],
  [
    'Random baseline',
    'what the same number of labels drawn at random from the pool would find: exactly, by the hypergeometric distribution, where the whole truth is known; else an estimate from the first random batch, with its Wilson interval.',
  ],
  [
    'Top',
    'the best molecules by true value, a fixed share of the pool; molecules that tie with the last of them are interchangeable, and never more count than there are places.',
  ],
  ['New best', 'better than everything known when its batch was picked.'],
  [
    'Failed, abandoned, pending',
    'tried without a value; never tried, so a candidate again; still with the lab. “No value” where failed molecules may be tried again.',
  ],
];

export function readingSection(): Html {
  return section(
    'reading',
    'How to read this',
    markup`<dl class="terms">
      ${TERMS.map(
        ([term, meaning]) =>
          markup`<div>
            <dt>${term}</dt>
            <dd>${meaning}</dd>
          </div>`,
      )}
    </dl>`,
  );
}
