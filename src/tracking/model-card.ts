import { featurizerName, type Interval, type ModelMetrics, type Split, type TrainedCard } from '../contracts';

/** One held-out figure; the interval is that of 95 %. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly interval: Interval | null;
  /** Whether it is in the unit of the property. */
  readonly inUnit: boolean;
}

const REGRESSION_FIGURES = [
  ['RMSE', 'rmse', true],
  ['MAE', 'mae', true],
  ['R²', 'r2', false],
  ['rank correlation', 'spearman', false],
  ['negative log likelihood', 'nll', false],
  ['coverage of the 90 % interval', 'coverage90', false],
] as const;
const CLASSIFICATION_FIGURES = [
  ['AUPRC', 'auprc', false],
  ['AUROC', 'auroc', false],
  ['Brier score', 'brier', false],
  ['log loss', 'logLoss', false],
] as const;

/** The held-out figures of a model, in the order people ask for them. */
export function figuresOf(metrics: ModelMetrics): Figure[] {
  if (metrics.task === 'classification') {
    const figures = CLASSIFICATION_FIGURES.map(([name, key, inUnit]) => ({
      ...{ name, value: metrics[key], interval: metrics.intervals?.[key] ?? null, inUnit },
    }));
    const calibration = { name: 'calibration error', value: metrics.calibrationError };
    return [...figures, { ...calibration, interval: null, inUnit: false }];
  }
  return REGRESSION_FIGURES.map(([name, key, inUnit]) => ({
    ...{ name, value: metrics[key], interval: metrics.intervals?.[key] ?? null, inUnit },
  }));
}

const short = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '–');
const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

const molecules = (metrics: ModelMetrics) =>
  `${metrics.n} molecules${metrics.task === 'classification' ? `, ${metrics.positives} of them of class 1` : ''}`;

const figureTable = (title: string, metrics: ModelMetrics, unit: string | undefined): string[] => [
  `## ${title}`,
  '',
  '| figure | value | 95 % interval |',
  '| --- | ---: | ---: |',
  ...figuresOf(metrics).map(({ name, value, interval, inUnit }) => {
    const range = interval ? `${short(interval[0])} to ${short(interval[1])}` : '';
    return `| ${name}${inUnit && unit ? ` (${cell(unit)})` : ''} | ${short(value)} | ${range} |`;
  }),
  '',
];

const HELD_OUT: Readonly<Record<Split, string>> = {
  random: 'Every molecule was predicted by a model that had not seen it.',
  scaffold: 'Every molecule was predicted by a model that had seen no molecule of its scaffold.',
  time: 'Every molecule was predicted by a model that had seen only what was measured before; the earliest molecules were trained on alone.',
};

/** How the calibration was done, in a sentence. */
function calibrationOf(card: TrainedCard): string {
  if (card.task === 'classification') {
    const { slope, intercept, n, logLossBefore, logLossAfter } = card.calibration;
    return `Probabilities are recalibrated (logit × ${short(slope)} ${intercept < 0 ? '−' : '+'} ${short(Math.abs(intercept))}), fitted to ${n} held-out molecules: log loss ${short(logLossBefore)} before, ${short(logLossAfter)} after.`;
  }
  const { scale, n, coverage90Before, coverage90After } = card.calibration;
  return `Standard deviations are multiplied by ${short(scale)}, fitted to ${n} held-out molecules: the 90 % interval held ${short(100 * coverage90Before)} % of them before, ${short(100 * coverage90After)} % after.`;
}

function applicabilityOf({ applicability, unit }: TrainedCard): string[] {
  if (!applicability) return [];
  return [
    '## Where it may be trusted',
    '',
    `A molecule whose nearest training molecule is less similar than ${short(applicability.threshold)} (Tanimoto, ECFP4, 2,048 bits) lies outside of what the model was judged on.`,
    '',
    `| similarity to the nearest training molecule | molecules | error${unit ? ` (${cell(unit)})` : ''} |`,
    '| --- | ---: | ---: |',
    ...applicability.bins.map(
      ({ similarity: [low, high], n, error }) =>
        `| ${short(low)} to ${short(high)} | ${n} | ${short(error)} |`,
    ),
    '',
  ];
}

/**
 * A model card as a document (Markdown): what the model predicts, how good it is on molecules it has not seen, where it may be
 * trusted, and everything it was made from. The same card gives the same text.
 */
export function renderModelCard(card: TrainedCard, name: string): string {
  const { metrics, runtime, unit } = card;
  const task = card.task ?? 'regression';
  const lines = [
    `# Model ${name}`,
    '',
    `Predicts ${card.property}${unit ? ` in ${unit}` : ''} (${task}${task === 'classification' ? ': the probability of 1' : ''}) with a ${card.family.replaceAll('-', ' ')} on ${featurizerName(card.featurizer)}, trained on ${card.labels} molecules.`,
    '',
    ...(card.test
      ? figureTable(`On a test set of ${molecules(card.test.metrics)}`, card.test.metrics, unit)
      : []),
    ...figureTable(`Cross-validated on ${molecules(metrics)}`, metrics, unit),
    HELD_OUT[card.split ?? 'random'],
    '',
    '## Calibration',
    '',
    calibrationOf(card),
    '',
    ...applicabilityOf(card),
    '## Where it comes from',
    '',
    '| | |',
    '| --- | --- |',
    ...(
      [
        ['campaign, round', `${card.campaignId}, ${card.round}`],
        ['data version', card.dataVersion],
        ['cut', card.cutId],
        ['training table (sha256)', card.training.sha256],
        ['weights (sha256)', card.weights.sha256],
        ['features', `\`${JSON.stringify(card.featurizer)}\``],
        ['settings', `\`${JSON.stringify(card.settings)}\``],
        ['seed', String(card.seed)],
        ['titrate', card.code ?? 'not recorded'],
        [
          'runtime',
          `${runtime.backend} ${runtime.backendVersion}, RDKit ${runtime.rdkit}, rules ${runtime.ruleSet}, Node ${runtime.node}, ${runtime.cpu}`,
        ],
      ] as const
    ).map(([key, value]) => `| ${key} | ${cell(value)} |`),
    '',
  ];
  return lines.join('\n');
}
