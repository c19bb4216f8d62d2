/** A figure that the model goes by, and where it comes from. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  readonly source: string;
  /** When it was measured, or taken for granted. */
  readonly date: string;
}

const measured = (value: number, unit: string, source: string, date = '2026-11-28'): Assumption => ({
  value,
  unit,
  source: `measured: ${source}`,
  date,
});
const assumed = (value: number, unit: string, source: string): Assumption => ({
  value,
  unit,
  source: `assumed: ${source}`,
  date: '2026-11-28',
});

/** Everything that capacity is reckoned from; CPU-seconds are those of one core of the machine of docs/benchmarks.md. */
export const ASSUMPTIONS = {
  standardiseMolecule: measured(1500e-6, 'CPU s', 'docs/benchmarks.md, Ingest', '2026-11-24'),
  featuriseMolecule: measured(
    1400e-6,
    'CPU s',
    'default featurizers (counts and descriptors) on 987 molecules of examples/solubility, machine busy',
  ),
  scoreMolecule: measured(13.8e-6, 'CPU s at 500 labels', 'docs/benchmarks.md, A pool of a million'),
  scoreLabels: measured(500, 'labels', 'docs/benchmarks.md, A pool of a million'),
  coverBatch: measured(1.3, 'CPU s', 'joint covariance of 4,000, docs/benchmarks.md'),
  fitSmall: measured(0.28, 'CPU s at 1,000 labels', 'docs/benchmarks.md, first table'),
  fitMiddle: measured(1.28, 'CPU s at 2,000 labels', 'docs/benchmarks.md, first table'),
  fitLarge: measured(39, 'CPU s at 65,000 labels', 'docs/benchmarks.md, below the first table'),
  ensembleLabel: measured(0.016, 'CPU s a label', 'five networks, 60 epochs, docs/benchmarks.md'),
  explore: measured(16.7, 'CPU s', 'docs/benchmarks.md, Exploring on little'),
  fitsPerRound: assumed(4, 'fits', 'three folds to evaluate by, and the one that is kept'),
  featureBytes: measured(2000, 'bytes a molecule', 'docs/benchmarks.md, A pool of a million'),
  rawBytes: assumed(100, 'bytes a molecule', 'a line of SMILES with an id'),
  standardBytes: assumed(
    400,
    'bytes a molecule',
    'standard SMILES, ids, provenance, as parts and as Parquet',
  ),
  scoreBytes: assumed(16, 'bytes a molecule and round', 'what a round keeps of its scores'),
  modelBytes: assumed(20e6, 'bytes a round', 'model, calibration, card, report, batch'),
  warehouseRowBytes: assumed(300, 'bytes a row', 'dataset_rows and molecules in BigQuery, uncompressed'),
  resultBytes: assumed(2000, 'bytes a result', 'measurements with their content in BigQuery'),
  queriesPerRound: assumed(60, 'queries', 'cuts, receipts, merges; more with more files of results'),
  tablesPerQuery: assumed(2, 'tables', 'BigQuery bills 10 MiB a table at least'),
  jobStart: assumed(300, 's', 'a job of Vertex AI, a node with a GPU: until our code runs'),
  jobsPerRound: measured(4, 'jobs', 'docs/google-cloud.md: explore, evaluate, train, choose'),
  jobThreads: assumed(
    4,
    'threads',
    'threads that learning keeps busy on a machine of 8 vCPUs; a GPU is taken to save nothing',
  ),
  idleNode: assumed(
    1800,
    's a round',
    'KEDA keeps the gpu pod for 15 minutes, the autoscaler its node for 10, and steps have gaps',
  ),
  vcpuPerCore: assumed(
    2,
    'vCPUs',
    'two vCPUs of an e2 or n1 machine do what one core of the benchmarks does',
  ),
  actionsPerRound: assumed(2000, 'actions', 'activities, timers, signals of a round on Temporal Cloud'),
  actionsPerResult: assumed(0.1, 'actions', 'results come in chunks'),
} as const satisfies Record<string, Assumption>;

export type AssumptionName = keyof typeof ASSUMPTIONS;
export const valueOf = (name: AssumptionName): number => ASSUMPTIONS[name].value;
