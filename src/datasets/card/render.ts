import type { DataCard, Distribution, SharedPart, SplitLeakage } from './data-card';

const number = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString('en-GB') : String(Number(value.toPrecision(4)));
const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;

/** Text of a source or a molecule, as it may stand in a cell of a table. */
const text = (value: string): string => value.replace(/[\\|`*_<>[\]]/g, '\\$&').replace(/\s+/g, ' ');
/** SMILES and ids: no mark-up inside, whatever they hold. */
const code = (value: string): string =>
  `\`${value.replaceAll('`', "'").replaceAll('|', '\\|').replace(/\s+/g, ' ')}\``;

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  if (!rows.length) return ['None.', ''];
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? number(cell) : cell)).join(' | ')} |`;
  return [line(header), `|${header.map(() => ' --- |').join('')}`, ...rows.map(line), ''];
}

const DISTRIBUTION = ['min', '5 %', '25 %', 'median', '75 %', '95 %', 'max', 'mean', 's.d.'];
const distribution = (d: Distribution | null): (string | number)[] =>
  d
    ? [d.min, d.p05, d.p25, d.median, d.p75, d.p95, d.max, d.mean, d.standardDeviation]
    : DISTRIBUTION.map(() => '–');

function valuesSection({ values, conversions, measuredAt }: DataCard): string[] {
  if (!values.length) return ['## Values', '', 'No measured values.', ''];
  const label = (value: DataCard['values'][number]) => [
    value.assay === null ? '–' : text(value.assay),
    value.unit === null ? '–' : text(value.unit),
  ];
  return [
    '## Values',
    '',
    ...(measuredAt ? [`Measured from ${measuredAt.first} to ${measuredAt.last}.`, ''] : []),
    ...table(
      ['assay', 'unit', 'rows', 'molecules', '=', '<', '>', ...DISTRIBUTION],
      values.map((v) => [
        ...label(v),
        v.rows,
        v.molecules,
        v.qualifiers['='],
        v.qualifiers['<'],
        v.qualifiers['>'],
        ...distribution(v.distribution),
      ]),
    ),
    'The distribution is that of values without a bound.',
    '',
    '### Replicates',
    '',
    ...table(
      ['assay', 'unit', '1 value', '2', '3', '4 or more', 's.d. within molecules', 'widest'],
      values.map((v) => [
        ...label(v),
        ...v.replicates.molecules,
        v.replicates.pooledStandardDeviation ?? '–',
        v.replicates.widest
          ? `${code(v.replicates.widest.smiles)} (s.d. ${number(v.replicates.widest.spread)})`
          : '–',
      ]),
    ),
    '### Conversions',
    '',
    ...table(
      ['conversion', 'from', 'to', 'rows'],
      conversions.map((c) => [code(c.conversion), text(c.from ?? '–'), text(c.to ?? '–'), c.rows]),
    ),
  ];
}

function leakageSection({ leakage, scaffolds }: DataCard): string[] {
  const shared = ({ shared, share }: SharedPart) => `${number(shared)} (${percent(share)})`;
  const split = (name: string, { folds, scaffolds: seen, skeletons }: SplitLeakage) => [
    name,
    folds.map(number).join(', '),
    percent(seen),
    percent(skeletons),
  ];
  return [
    '## Leakage',
    '',
    `What test molecules have in common with training molecules, ${scaffolds.sampled ? `over a random sample of ${number(scaffolds.lookedAt)} molecules` : 'over all molecules'}. A model looks better than it is where these shares are high.`,
    '',
    ...table(
      ['split in five', 'molecules a fold', 'scaffold seen in training', 'skeleton seen in training'],
      [split('random', leakage.random), split('by scaffold', leakage.scaffold)],
    ),
    ...(leakage.betweenSources.length
      ? [
          'Between sources: what of the second the first has too.',
          '',
          ...table(
            ['trained on', 'tested on', 'molecules', 'skeletons', 'scaffolds'],
            leakage.betweenSources.map((o) => [
              text(o.train),
              text(o.test),
              shared(o.molecules),
              shared(o.skeletons),
              shared(o.scaffolds),
            ]),
          ),
        ]
      : []),
  ];
}

/** The card as Markdown (tables of GitHub's flavour). */
export function renderDataCard(card: DataCard): string {
  const { counts, duplicates, size, scaffolds } = card;
  const lines = [
    `# Data card: ${text(card.dataset)}`,
    '',
    `Version ${code(card.version)}, ${card.parent ? `made from ${code(card.parent)}` : 'made from nothing before it'}; standardised by ${text(card.ruleSet)}; seed ${card.seed}.`,
    '',
    ...table(
      ['rows', 'molecules', 'rows with a value', 'molecules with a value', 'rows in quarantine'],
      [
        [
          counts.rows,
          counts.molecules,
          counts.measuredRows,
          counts.measuredMolecules,
          counts.quarantinedRows,
        ],
      ],
    ),
    '## Sources',
    '',
    ...table(
      ['source', 'format', 'accepted', 'quarantined', 'molecules', 'sha256'],
      card.sources.map((s) => [
        text(s.name),
        s.format ?? '–',
        s.accepted,
        s.quarantined,
        s.molecules,
        code(s.sha256.slice(0, 12)),
      ]),
    ),
    '## Quarantine',
    '',
    ...table(
      ['reason', 'rows', 'for instance'],
      card.quarantine.map((q) => [q.reason, q.rows, text(q.example)]),
    ),
    ...valuesSection(card),
    '## Duplicates',
    '',
    `${number(duplicates.moleculesInSeveralRows)} molecules stand in several rows, at most in ${number(duplicates.mostRows)}. ${number(duplicates.moleculesWithSharedSkeleton)} molecules share their skeleton (the first block of the InChIKey) with another one: stereoisomers, isotopes, tautomers; ${number(duplicates.sharedSkeletons)} skeletons are shared.`,
    '',
    ...duplicates.examples.map((e) => `- ${code(e.skeleton)}: ${e.smiles.map(code).join(', ')}`),
    ...(duplicates.examples.length ? [''] : []),
    '## Size',
    '',
    ...table(
      ['', ...DISTRIBUTION],
      [
        ['heavy atoms', ...distribution(size.heavyAtoms)],
        ['characters of SMILES', ...distribution(size.smilesCharacters)],
      ],
    ),
    '## Scaffolds',
    '',
    `${number(scaffolds.distinct)} Bemis-Murcko scaffolds ${scaffolds.sampled ? `in a random sample of ${number(scaffolds.lookedAt)} molecules` : `in ${number(scaffolds.lookedAt)} molecules`}; ${number(scaffolds.singletons)} of one molecule only; ${number(scaffolds.withoutRings)} molecules without rings${scaffolds.undetermined ? `; ${number(scaffolds.undetermined)} undetermined` : ''}.`,
    '',
    ...table(
      ['scaffold', 'molecules'],
      scaffolds.mostCommon.map((s) => [code(s.scaffold), s.molecules]),
    ),
    ...leakageSection(card),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
