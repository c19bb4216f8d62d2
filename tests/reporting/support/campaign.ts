import { descending, firstOf, hashOrder, sealBatch, utilityOf } from '../../../src/acquisition';
import {
  batchId,
  campaignConfigSchema,
  MEDIA_TYPES,
  modelVersionId,
  type ArtifactRef,
  type BatchSheet,
  type CampaignConfigInput,
  type CampaignRecord,
  type Cut,
  type RoundRecord,
  type TrainingRow,
} from '../../../src/contracts';
import { createRandom, deriveSeed, encodeNdjson, hashOf, sha256 } from '../../../src/foundation';
import { answer, evaluate, explore } from './invented-results';
import { inventPool, type InventedMolecule } from './molecules';

export interface Simulation {
  readonly record: CampaignRecord;
  readonly load: (ref: ArtifactRef) => Promise<Buffer>;
  readonly truth: Map<string, number>;
  readonly pool: readonly InventedMolecule[];
  readonly sheets: readonly BatchSheet[];
  /** moleculeId to what became of it. */
  readonly fates: ReadonlyMap<string, 'measured' | 'failed' | 'abandoned' | 'pending'>;
  readonly put: (bytes: Uint8Array | string, mediaType: string) => ArtifactRef;
}

export interface SimulationOptions {
  readonly rounds?: number;
  readonly poolSize?: number;
  readonly config?: Partial<CampaignConfigInput>;
  readonly title?: string;
  readonly seed?: number;
  /** Rounds that train no model, by number; the first never does. */
  readonly withoutModel?: readonly number[];
  readonly finished?: boolean;
  readonly compoundId?: (molecule: InventedMolecule, index: number) => string | undefined;
  /** Measured beforehand, and not in the pool. */
  readonly outsiders?: number;
}

/**
 * A campaign played through by the real acquisition functions, with a surrogate that is the truth plus noise which shrinks as
 * labels come in: its record, and every artifact that the record names.
 */
export function simulateCampaign(options: SimulationOptions = {}): Simulation {
  const { rounds = 5, seed = 11, withoutModel = [], finished = true, outsiders = 0 } = options;
  const invented = inventPool((options.poolSize ?? 400) + outsiders, seed);
  const pool = invented.slice(outsiders);
  const byId = new Map(invented.map((m) => [m.moleculeId, m]));
  const compoundId = new Map(
    pool.map((m, i) => [
      m.moleculeId,
      options.compoundId ? options.compoundId(m, i) : `TIT-${String(i + 1).padStart(4, '0')}`,
    ]),
  );
  const config = campaignConfigSchema.parse({
    title: options.title ?? 'Soluble leads, second series',
    objective: { property: 'logS', unit: 'log mol/l', direction: 'maximize' },
    pool: { sources: [{ uri: 'pool.csv' }] },
    acquisition: { batchSize: 16, strategy: 'ei', randomShare: 0.125 },
    budget: { rounds: Math.max(1, rounds) },
    ...options.config,
  } satisfies CampaignConfigInput);
  const { direction } = config.objective;
  const sign = direction === 'maximize' ? 1 : -1;
  const campaignId = 'solubility-42';

  const stored = new Map<string, Buffer>();
  const put = (data: Uint8Array | string, mediaType: string): ArtifactRef => {
    const bytes = Buffer.from(data as Uint8Array);
    const hash = sha256(bytes);
    stored.set(hash, bytes);
    return { uri: `memory://${hash}`, sha256: hash, bytes: bytes.length, mediaType };
  };
  const rowsOf = (rows: Iterable<unknown>) => put(encodeNdjson(rows), MEDIA_TYPES.ndjson);

  const table = new Map<string, TrainingRow>();
  const fates = new Map<string, 'measured' | 'failed' | 'abandoned' | 'pending'>();
  for (const m of invented.slice(0, outsiders)) {
    table.set(m.moleculeId, {
      moleculeId: m.moleculeId,
      smiles: m.smiles,
      value: m.value,
      qualifier: '=',
      replicates: 1,
      spread: 0,
    });
  }
  const cutNow = (round: number): Cut => {
    const training = [...table.values()].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
    const of = (fate: string) => [...fates].filter(([, f]) => f === fate).map(([id]) => id);
    const blocked = [
      ...table.keys(),
      ...of('pending'),
      ...(config.lab.retryFailed ? [] : of('failed')),
    ].sort();
    const uncensored = training.filter((row) => row.qualifier === '=');
    const best = uncensored.reduce<TrainingRow | null>(
      (b, row) => (b === null || sign * row.value > sign * b.value ? row : b),
      null,
    );
    return {
      cutId: hashOf([round, training]),
      campaignId,
      round,
      dataVersion: hashOf(['data', round]),
      resultIds: rowsOf(training.map((row) => ({ resultId: `r-${row.moleculeId}` }))),
      training: rowsOf(training),
      labels: training.length,
      measured: uncensored.length,
      censored: training.length - uncensored.length,
      failed: of('failed').length,
      abandoned: of('abandoned').length,
      pending: rowsOf(
        of('pending')
          .sort()
          .map((moleculeId) => ({ moleculeId })),
      ),
      pendingCount: of('pending').length,
      excluded: rowsOf(blocked.map((moleculeId) => ({ moleculeId }))),
      extraShards: outsiders
        ? [
            rowsOf(
              invented
                .slice(0, outsiders)
                .map(({ moleculeId, smiles }) => ({ moleculeId, smiles, inchiKey: '' })),
            ),
          ]
        : [],
      best: best && { moleculeId: best.moleculeId, smiles: best.smiles, value: best.value },
    };
  };

  const records: RoundRecord[] = [];
  const sheets: BatchSheet[] = [];
  for (let round = 1; round <= rounds; round++) {
    const random = createRandom(deriveSeed(seed, 'round', round));
    const cut = cutNow(round);
    const modelled = table.size >= 8 && !withoutModel.includes(round);
    const sd = Math.max(0.3, 1.4 / Math.sqrt(Math.max(1, table.size / 12)));
    const scale = 1.35;
    const believed = new Map(invented.map((m) => [m.moleculeId, m.value + sd * random.normal()]));
    const evaluation = modelled ? evaluate([...table.values()], byId, sd, scale, random, rowsOf) : null;
    const exploration = modelled ? explore(round, table.size, sd) : null;
    const card = modelled ? put(JSON.stringify({ round, sd }), MEDIA_TYPES.json) : null;
    const number = records.filter((r) => r.model).length + 1;
    const model = card && { id: modelVersionId(campaignId, number), number, card };

    const ids = pool.map((m) => m.moleculeId);
    const blocked = new Set([
      ...table.keys(),
      ...[...fates].filter(([, f]) => f === 'failed' || f === 'pending').map(([id]) => id),
    ]);
    const picks = pickFrom(
      ids.filter((id) => !blocked.has(id)),
      {
        believed: modelled ? { mean: believed, sigma: sd } : null,
        incumbent: cut.best?.value ?? null,
        acquisition: config.acquisition,
        direction,
        seed: deriveSeed(seed, round, 'acquire'),
      },
    );
    const sheet = sealBatch({
      batchId: batchId(campaignId, round),
      campaignId,
      round,
      property: config.objective.property,
      unit: config.objective.unit,
      direction,
      modelVersion: model?.id ?? null,
      modelSha256: card?.sha256 ?? null,
      dataVersion: cut.dataVersion,
      cutId: cut.cutId,
      rule: { ...config.acquisition },
      picks: picks.map((pick, i) => {
        const mean = believed.get(pick.moleculeId)!;
        const total = Math.hypot(sd, 0.2);
        return {
          rank: i + 1,
          moleculeId: pick.moleculeId,
          smiles: byId.get(pick.moleculeId)!.smiles,
          compoundId: compoundId.get(pick.moleculeId),
          ...(modelled && {
            predicted: mean,
            standardDeviation: total,
            interval90: [mean - 1.645 * total, mean + 1.645 * total] as [number, number],
          }),
          acquisition: pick.value,
          strategy: pick.strategy,
          reason: pick.reason,
        };
      }),
    });
    sheets.push(sheet);
    records.push({
      summary: {
        round,
        cutId: cut.cutId,
        labels: cut.labels,
        failed: cut.failed,
        abandoned: cut.abandoned,
        censored: cut.censored,
        best: cut.best?.value ?? null,
        family: modelled ? 'gaussian-process' : null,
        featurizer: modelled ? 'Morgan radius 2' : null,
        backend: modelled ? 'tensorflow' : null,
        metrics: evaluation?.metrics ?? null,
        modelVersion: model?.id ?? null,
        deployment: model && {
          status: round === 3 ? 'held' : 'deployed',
          gates: [
            {
              gate: 'not worse on held-out data',
              passed: round !== 3,
              evidence: `RMSE ${evaluation!.metrics.rmse.toFixed(3)}; the live model has ${(sd * 1.02).toFixed(3)}, at most 1.1 times that is allowed`,
            },
            {
              gate: 'calibrated',
              passed: true,
              evidence: `the 90 % interval covers ${(evaluation!.metrics.coverage90 * 100).toFixed(0)} % of held-out values; at least 75 % is asked for`,
            },
            {
              gate: 'invariant to SMILES writing',
              passed: true,
              evidence: '64 molecules, 5 writings each: largest difference 0',
            },
          ],
          message:
            round === 3
              ? 'The model stays a candidate; production is unchanged.'
              : `Production is ${model.id}.`,
        },
        batchId: sheet.batchId,
        batchSize: sheet.picks.length,
        seal: sheet.seal,
      },
      cut,
      exploration,
      evaluation,
      model,
      sheet: put(JSON.stringify(sheet), MEDIA_TYPES.json),
      timings: [
        { stage: 'ingest', round, seconds: round === 1 ? 8.4 : 0.2, cached: round > 1 },
        { stage: 'featurize', round, seconds: round === 1 ? 21.5 : 0.6, cached: round > 1 },
        ...(modelled
          ? [
              { stage: 'explore', round, seconds: 14 + 2.5 * round, cached: false },
              { stage: 'train', round, seconds: 9 + 2 * round, cached: round === 4 },
            ]
          : []),
        { stage: 'acquire', round, seconds: 1.9, cached: false },
      ],
    });
    if (round === rounds && !finished) break;
    answer(sheet, byId, fates, table, random, round === rounds);
  }
  return {
    record: {
      campaignId,
      config,
      poolSize: pool.length,
      stopReason: finished && rounds > 0 ? 'budget' : null,
      rounds: records,
      finalCut: finished && rounds > 0 ? cutNow(rounds + 1) : null,
    },
    load: async (ref) => {
      const bytes = stored.get(ref.sha256);
      if (!bytes) throw new Error(`no artifact ${ref.sha256}`);
      return bytes;
    },
    truth: new Map(pool.map((m) => [m.moleculeId, m.value])),
    pool,
    sheets,
    fates,
    put,
  };
}

/** By expected improvement, a share of the picks by chance, all of them before there is a model. */
function pickFrom(
  ids: readonly string[],
  {
    believed,
    incumbent,
    acquisition: { batchSize, randomShare, kappa },
    direction,
    seed,
  }: {
    believed: { mean: ReadonlyMap<string, number>; sigma: number } | null;
    incumbent: number | null;
    acquisition: { batchSize: number; randomShare: number; kappa: number };
    direction: 'maximize' | 'minimize';
    seed: number;
  },
): { moleculeId: string; strategy: string; reason: string; value?: number }[] {
  const size = Math.min(batchSize, ids.length);
  const byChance = believed ? Math.round(size * randomShare) : size;
  const random = firstOf(ids.keys(), byChance, hashOrder(ids, seed, 'random')).map((i) => ({
    moleculeId: ids[i]!,
    strategy: 'random',
    reason: `Picked at random from ${ids.length} candidates.`,
  }));
  if (!believed) return random;
  const { mean, sigma } = believed;
  const taken = new Set(random.map(({ moleculeId }) => moleculeId));
  const left = ids.filter((id) => !taken.has(id));
  const utility = utilityOf('ei', {
    ...{ direction, kappa, task: 'regression', goal: { kind: 'best' } },
    ...{ incumbent, reference: incumbent ?? 0 },
  });
  const score = Float64Array.from(left, (id) => utility.score(mean.get(id)!, sigma, 0));
  const order = descending(score, hashOrder(left, seed, 'tie'));
  const best = firstOf(left.keys(), size - random.length, order).map((i) => {
    const belief = { mean: mean.get(left[i]!)!, sigma, noise: 0 };
    const value = utility.value(belief);
    return { moleculeId: left[i]!, strategy: 'ei', value, reason: utility.reason(belief, value) };
  });
  return [...best, ...random];
}
