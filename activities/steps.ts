import type { StepDefinition } from '../src/objects';

/**
 * The pure steps. A step's recorded output is reused for ever, so its version goes up whenever its meaning changes; `sources`
 * are the files that make the meaning, and tests/activities/steps.test.ts fails when they change and the version does not.
 */
export const STEPS = {
  standardiseSource: { name: 'standardise-source', version: 1, sources: ['src/processing', 'src/chemistry'] },
  featuriseShard: { name: 'featurise-shard', version: 1, sources: ['src/chemistry'] },
  runTrial: { name: 'run-trial', version: 1, sources: ['src/learning'] },
  evaluateModel: { name: 'evaluate-model', version: 1, sources: ['src/learning'] },
  trainModel: { name: 'train-model', version: 1, sources: ['src/learning'] },
  acquireBatch: {
    name: 'acquire-batch',
    version: 1,
    sources: ['src/acquisition', 'src/learning', 'activities/gpu/acquire.ts'],
  },
} as const satisfies Record<string, StepDefinition & { sources: readonly string[] }>;
