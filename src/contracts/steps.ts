/** A pure step: output is a function of what goes into the key. Raise `version` when its meaning changes. */
export interface StepDefinition {
  readonly name: string;
  readonly version: number;
}

/** What decides how a source's bytes become rows; how they are fetched and where the work runs does not. */
const STANDARDISING = [
  'src/sources/formats',
  'src/sources/detect.ts',
  'src/sources/read-source.ts',
  'src/measurements',
  'src/processing/record-reader.ts',
  'src/processing/source-mapping.ts',
  'src/processing/standardise-batch.ts',
  'src/processing/standardise-part.ts',
  'src/processing/standardise-source.ts',
  'src/processing/step-keys.ts',
  'src/chemistry',
] as const;

/** What decides which candidates are the best, and what is known of them. */
const CHOOSING = [
  'src/acquisition',
  'src/learning',
  'activities/gpu/choosing.ts',
  'activities/gpu/further.ts',
  'activities/gpu/score.ts',
  'activities/gpu/stock.ts',
  'activities/shared/rules.ts',
  'activities/shared/values.ts',
] as const;

/**
 * The pure steps. A step's recorded output is reused for ever, so its version goes up whenever its meaning changes; `sources`
 * are the files that make the meaning, and tests/activities/steps.test.ts fails when they change and the version does not.
 */
export const STEPS = {
  /** One part of a source: a stretch of its records, standardised. */
  standardisePart: {
    name: 'standardise-part',
    version: 1,
    sources: STANDARDISING,
  },
  standardiseSource: {
    name: 'standardise-source',
    version: 2,
    sources: STANDARDISING,
  },
  featuriseShard: { name: 'featurise-shard', version: 1, sources: ['src/chemistry'] },
  scaffoldLabels: { name: 'scaffold-labels', version: 1, sources: ['src/chemistry'] },
  screenShard: { name: 'screen-shard', version: 1, sources: ['src/chemistry'] },
  resolveList: {
    name: 'resolve-list',
    version: 1,
    sources: [
      'src/chemistry',
      'src/sources/formats',
      'src/sources/detect.ts',
      'src/sources/read-source.ts',
      'activities/featurization/lists.ts',
    ],
  },
  runTrial: { name: 'run-trial', version: 4, sources: ['src/learning'] },
  evaluateModel: { name: 'evaluate-model', version: 4, sources: ['src/learning'] },
  trainModel: { name: 'train-model', version: 4, sources: ['src/learning'] },
  /** The best of a group of the pool's shards. */
  scoreCandidates: {
    name: 'score-candidates',
    version: 1,
    sources: CHOOSING,
  },
  acquireBatch: {
    name: 'acquire-batch',
    version: 4,
    sources: [...CHOOSING, 'activities/gpu/acquire.ts', 'activities/gpu/look-ahead.ts'],
  },
  /** A sample of a pool with what a model says of it, that what is asked of the model is held against. */
  driftReference: {
    name: 'drift-reference',
    version: 1,
    sources: [
      'src/chemistry',
      'src/learning',
      'src/drift/sample-json.ts',
      'activities/deploy/drift/molecule-columns.ts',
      'activities/deploy/drift/pool-reference.ts',
    ],
  },
  dataCard: { name: 'data-card', version: 1, sources: ['src/datasets/card', 'src/chemistry'] },
} as const satisfies Record<string, StepDefinition & { sources: readonly string[] }>;
