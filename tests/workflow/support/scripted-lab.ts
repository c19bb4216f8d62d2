import { ApplicationFailure } from '@temporalio/common';
import type { DeployActivities } from '../../../activities/deploy';
import type { DriftActivities } from '../../../activities/deploy/drift';
import type { FeaturizationActivities } from '../../../activities/featurization';
import type { GpuActivities } from '../../../activities/gpu';
import type { PoolSummary, WarehouseActivities } from '../../../activities/warehouse';
import { featurizerName, FIRST_STANDARDISATION } from '../../../src/contracts';
import type {
  ArtifactRef,
  BatchSheet,
  CampaignConfig,
  Cut,
  DriftOrder,
  LabelSplit,
  LabResult,
  ModelVersion,
  Prospects,
  Receipt,
  RoundRecord,
} from '../../../src/contracts';

export const ref = (name: string): ArtifactRef => ({
  uri: `test:${name}`,
  sha256: name.padEnd(64, '0').slice(0, 64),
  bytes: 1,
  mediaType: 'test',
});
export const moleculeId = (n: number) => `mol_${n.toString(16).padStart(32, '0')}`;

const metrics = { n: 1000, rmse: 0.5, mae: 0.4, r2: 0.5, spearman: 0.6, nll: 1, coverage90: 0.9 };

/**
 * Activities that keep their books in memory: enough of a warehouse and a lab to drive the workflows through every turn,
 * while the workflows, the server and the workers are real.
 */
export class ScriptedWorld {
  readonly results = new Map<string, LabResult>();
  readonly batches = new Map<string, BatchSheet>();
  readonly rounds: RoundRecord[] = [];
  readonly cuts = new Map<string, Cut>();
  readonly calls: string[] = [];
  /** Molecules of the pool. */
  poolSize = 100;
  /** Thrown by the next training, once each. */
  readonly trainingFailures: Error[] = [];
  /** Thrown by the next recording of results, once each. */
  readonly recordingFailures: Error[] = [];
  /** A rollout takes until this is resolved. */
  rolloutHeld: Promise<void> = Promise.resolve();
  reportFails = false;
  /** What trials and evaluations were asked to hold out. */
  readonly splits = new Set<string>();
  /** Model versions, and those of them that are in a registry elsewhere. */
  readonly registered = new Set<string>();
  readonly uploaded: string[] = [];

  /** What the model expects, when it is asked. */
  chance = 0.5;
  private prospects(margin: number): Prospects {
    const { chance } = this;
    return { best: 1.2, margin, left: 76, drawn: 76, chance, batchGain: 0.1, batchSize: 12 };
  }

  /** Result ids that each cut knew, and what each move of the data left. */
  private readonly known = new Map<string, readonly string[]>();
  private readonly modelMoves: { operationId: string; version: string; held: boolean }[] = [];
  private readonly branches: { base: ReadonlySet<string> | null; after: number }[] = [];

  private noteSplit(what: string, { kind, keys }: LabelSplit): string {
    const note = `${what} by ${kind}, from ${keys?.uri}`;
    this.splits.add(note);
    return note;
  }

  private pool(dataVersion: string): PoolSummary {
    return {
      dataVersion,
      molecules: this.poolSize,
      shards: ref('shards'),
      shardCount: 1,
      acceptedRows: this.poolSize,
      quarantinedRows: 1,
      duplicateRows: 0,
      measuredRows: 0,
    };
  }

  private counting(branch: number | undefined): LabResult[] {
    const moved = !branch ? undefined : this.branches[branch - 1];
    return [...this.results.values()].filter(
      ({ resultId }, index) => !moved?.base || moved.base.has(resultId) || index >= moved.after,
    );
  }

  private outstanding(batchId: string): number {
    const done = new Set([...this.results.values()].map((result) => result.moleculeId));
    return (this.batches.get(batchId)?.picks ?? []).filter((pick) => !done.has(pick.moleculeId)).length;
  }

  readonly warehouse: WarehouseActivities = {
    landSource: async (source) => {
      if (source.uri === 'missing.csv')
        throw ApplicationFailure.nonRetryable('missing.csv: there is no such file', 'source-missing');
      return { source, raw: ref('raw') };
    },
    commitDataset: async ({ onto }) => {
      if (onto === 'nothing') return this.pool('data-1');
      this.poolSize += this.widened;
      return this.pool('data-2');
    },
    openDataset: async ({ reference }) => {
      if (!reference.startsWith('data-'))
        throw ApplicationFailure.nonRetryable(`there is no dataset '${reference}'`, 'not-found');
      return this.pool(reference);
    },
    rollbackData: async ({ campaignId, to, author, reason, operationId }) => {
      this.calls.push(`rollbackData ${to} by ${author}: ${reason}`);
      const round = Number(/^round\/(\d+)$/.exec(to)?.[1]);
      if (to !== 'latest' && !to.startsWith('data-') && !this.cuts.has(String(round)))
        throw ApplicationFailure.nonRetryable(`there is no '${to}'`, 'not-found');
      const base = /^(latest|data-.*)$/.test(to) ? null : new Set(this.known.get(String(round)));
      this.branches.push({ base, after: this.results.size });
      const branch = {
        ...{ number: this.branches.length, operationId, to, author, reason, dataVersion: 'data-1' },
        ...{ base: null, afterChunk: 0, at: 'now' },
      };
      const results = this.counting(this.branches.length).length;
      return { moved: { branch: { ...branch, campaignId }, results }, pool: this.pool('data-1') };
    },
    openCampaign: async () => {},
    landResults: async ({ ref: file }) => {
      if (typeof file === 'string')
        throw ApplicationFailure.nonRetryable(`${file}: the results file cannot be read`, 'source-missing');
      return { rows: file, count: 3 };
    },
    recordResults: async ({ rows, rejected, batchId }) => {
      const failure = this.recordingFailures.shift();
      if (failure) throw failure;
      const receipts: Receipt[] = rows.map((row) => {
        const known = this.results.has(row.resultId);
        if (!known) this.results.set(row.resultId, row);
        return {
          resultId: row.resultId,
          status: known ? 'duplicate' : 'accepted',
          moleculeId: row.moleculeId,
        };
      });
      return {
        receipts: [...receipts, ...rejected.map(({ receipt }) => receipt)],
        progress: batchId
          ? { picks: this.batches.get(batchId)!.picks.length, outstanding: this.outstanding(batchId) }
          : null,
      };
    },
    closeCut: async ({ campaignId, round, aside, dataVersion, branch, config }) => {
      const own = !branch ? String(round) : `${round} on ${branch}`;
      const key = aside === undefined ? own : `${own} aside ${aside}`;
      const standing = this.cuts.get(key);
      if (standing) return standing;
      const counting = this.counting(branch);
      this.known.set(
        String(round),
        counting.map(({ resultId }) => resultId),
      );
      const measured = counting.filter((result) => result.outcome === 'measured');
      const values = measured.map((result) => result.value!);
      const cut: Cut = {
        cutId: `cut-${round}`,
        campaignId,
        round,
        dataVersion,
        resultIds: ref('ids'),
        training: ref(`training-${measured.length}-`),
        ...(config.training.split === 'time' && { dates: ref('dates') }),
        labels: measured.length,
        measured: measured.length,
        censored: 0,
        failed: counting.length - measured.length,
        abandoned: 0,
        pending: ref('pending'),
        pendingCount: 0,
        excluded: ref('excluded'),
        extraShards: [],
        best: values.length ? { moleculeId: moleculeId(1), smiles: 'C', value: Math.max(...values) } : null,
      };
      this.cuts.set(key, cut);
      if (aside === undefined) this.cuts.set(String(round), cut);
      return cut;
    },
    publishBatch: async (request) => {
      const size = Number(request.picks.uri.split(':')[2]);
      const first = 1000 * request.round;
      const sheet = {
        batchId: request.batchId,
        campaignId: request.campaignId,
        round: request.round,
        picks: Array.from({ length: size }, (_, i) => ({
          rank: i + 1,
          moleculeId: moleculeId(first + i),
          smiles: 'C',
          strategy: 'random',
          reason: 'test',
        })),
        seal: 'a'.repeat(64),
      } as unknown as BatchSheet;
      this.batches.set(request.batchId, sheet);
      return {
        batchId: request.batchId,
        sheet: ref('sheet'),
        seal: sheet.seal,
        size,
        outstanding: this.outstanding(request.batchId),
        inline: sheet,
      };
    },
  };

  readonly featurization: FeaturizationActivities = {
    describeChemistry: async () => ({ rdkit: 'test', ruleSet: 'test' }),
    standardiseSource: async ({ landed }) => ({
      value: {
        ...landed,
        reading: { format: 'csv', compression: 'none', encoding: 'utf-8', delimiter: ',' },
        standardisation: FIRST_STANDARDISATION,
        parts: ref('parts'),
        accepted: 1,
        quarantined: 1,
        examples: ['line 3: no molecule'],
      },
      cached: false,
      seconds: 0.1,
    }),
    featuriseShard: async ({ featurizer }) => {
      this.calls.push(`featurise ${featurizerName(featurizer)}`);
      return {
        value: { shard: ref('shard'), featurizer, features: ref('features'), rows: 1 },
        cached: false,
        seconds: 0.1,
      };
    },
    assembleFeatures: async ({ featurizer }) => ({ featurizer, shards: ref('set'), digest: 'digest' }),
    scaffoldLabels: async () => ({ value: ref('scaffolds'), cached: false, seconds: 0.1 }),
    joinShards: async ({ shards }) => ({ shards, count: 1 }),
    checkConstraints: async () => {},
    resolveList: async () => ({ rows: ref('list'), count: 0, unreadable: 0, examples: [] }),
    screenShards: async () => ref('screened'),
    checkRules: async () => Promise.reject(new Error('nothing is constrained here')),
    resolveResults: async ({ rows }) => {
      const posted = (Array.isArray(rows) ? rows : []) as LabResult[];
      const good = posted.filter((row) => row.moleculeId);
      const bad = posted.filter((row) => !row.moleculeId);
      return {
        rows: good,
        rejected: bad.map((row) => ({
          receipt: { resultId: row.resultId, status: 'rejected' as const, message: 'names no molecule' },
          row,
        })),
      };
    },
  };

  readonly gpu: GpuActivities = {
    describeRuntime: async () => ({
      backend: 'cpu',
      backendVersion: 'test',
      cpu: 'test',
      memberThreads: 1,
      node: 'test',
    }),
    planExploration: async ({ featurizers, exploration }) => {
      this.explorations.push(exploration);
      return {
        trials: [0, 1, 2].map((n) => ({
          trialId: `trial-${n}`,
          settings: { family: 'gaussian-process' as const, noiseRatios: [0.1] },
          featurizer: featurizers[0]!,
        })),
        subsetRows: 10,
        labels: 10,
      };
    },
    runTrial: async ({ trial, rung, split }) => ({
      value: {
        ...(split && { notes: [this.noteSplit('trial', split)] }),
        trialId: trial.trialId,
        rung,
        rows: 10,
        metrics: { ...metrics, rmse: 1 - 0.1 * Number(trial.trialId.slice(-1)) },
        backend: 'float64',
        computeSeconds: 0.1,
      },
      cached: false,
      seconds: 0.1,
    }),
    reportTrials: async () => ({ stop: [] }),
    judgeDownscaling: async () => ({ next: null, why: 'scripted' }),
    evaluateModel: async ({ split }) => ({
      value: {
        ...(split && { split: { kind: split.kind, notes: [this.noteSplit('evaluation', split)] } }),
        metrics,
        calibration: { scale: 1, n: 10, coverage90Before: 0.9, coverage90After: 0.9 },
        predictions: ref('predictions'),
        backend: 'float64',
        computeSeconds: 0.1,
      },
      cached: false,
      seconds: 0.1,
    }),
    trainModel: async ({ choice }) => {
      const failure = this.trainingFailures.shift();
      if (failure) throw failure;
      return {
        value: {
          settings: choice.settings,
          weights: ref('weights'),
          backend: 'float64',
          computeSeconds: 0.1,
          facts: {},
        },
        cached: false,
        seconds: 0.1,
      };
    },
    planScoring: async () => ({ lists: [], more: false }),
    scoreCandidates: async () => Promise.reject(new Error('nothing is planned to be scored here')),
    acquireBatch: async ({ batchSize, model, design, evidence, prospects }) => ({
      value: {
        decision: {
          ...{ parts: [{ strategy: 'log-ei', batching: 'top', share: 1 }], kappa: 1, randomShare: 0 },
          name: model ? 'log-ei' : design ? 'design' : 'chance',
          why: `round ${evidence!.round}, ${evidence!.roundsLeft} left, RMSE ${evidence!.heldOut?.rmse ?? 'unknown'}`,
        },
        ...(prospects && model && { prospects: this.prospects(prospects.margin) }),
        picks: { ...ref('picks'), uri: `test:picks:${Math.min(batchSize, this.poolSize)}` },
        size: Math.min(batchSize, this.poolSize),
        candidates: this.poolSize,
      },
      cached: false,
      seconds: 0.1,
    }),
  };

  readonly explorations: CampaignConfig['exploration'][] = [];
  /** Molecules that a wider source adds to the pool. */
  widened = 0;
  /** Orders that the next look gives, and what became of those that were given. */
  driftOrders: DriftOrder[] = [];
  readonly driftSettled: { id: string; state: string; note: string; model?: string | null }[] = [];
  readonly driftLooks: string[] = [];

  readonly drift: DriftActivities = {
    lookForDrift: async ({ occasion, round }) => {
      this.driftLooks.push(round === undefined ? occasion : `${occasion} ${round}`);
      return { looks: [], orders: this.driftOrders, more: false, nothing: null, notes: [] };
    },
    settleDriftAction: async ({ id, state, note, model }) => {
      if (this.driftSettled.some((settled) => settled.id === id)) return;
      this.driftSettled.push({ id, state, note, ...(model !== undefined && { model }) });
      this.driftOrders = this.driftOrders.filter((order) => order.id !== id);
    },
    decideDriftAction: async ({ id, decision }) => {
      if (id === 'unknown')
        throw ApplicationFailure.nonRetryable(`no action '${id}' was planned`, 'not-found');
      return decision === 'approve' ? { id, action: 'pause', subject: null, sentence: 'test' } : null;
    },
    tellOfDrift: async () => ({ told: true, words: 'told' }),
    versionBefore: async ({ campaignId }) => ({ now: `${campaignId}/v3`, before: `${campaignId}/v2` }),
    chooseControls: async () => [{ moleculeId: moleculeId(1000), smiles: 'C', value: 1, resultIds: ['r'] }],
    askedAsSource: async () => null,
    scheduleDriftWatch: async ({ every }) => {
      this.calls.push(`schedule drift watch every ${every}`);
    },
    unscheduleDriftWatch: async () => {
      this.calls.push('unschedule drift watch');
    },
    isCampaignRunning: async () => true,
  };

  readonly deploy: DeployActivities = {
    registerModel: async ({ campaignId, card, operationId }): Promise<ModelVersion> => {
      // Of models beside the rounds the number tells so.
      const number = operationId.includes('/answer/') ? 100 + card.round : card.round;
      const id = `${campaignId}/v${number}`;
      this.registered.add(id);
      return { id, number, card: ref('card') };
    },
    planTrial: async () => ({ stable: null, requests: 0, obstacle: null }),
    startTrial: async () => Promise.reject(new Error('nothing is tried here')),
    lookAtTrial: async () => Promise.reject(new Error('nothing is tried here')),
    endTrial: async () => Promise.reject(new Error('nothing is tried here')),
    judgeCandidate: async () => [{ gate: 'quality', passed: true, evidence: 'test' }],
    deployModel: async ({ version }) => {
      this.calls.push(`deploy ${version.id}`);
      await this.rolloutHeld;
      return { version: version.id, status: 'ready', endpoint: 'test', message: `serves ${version.id}` };
    },
    rollbackModel: async ({ campaignId, to, by, reason, operationId }) => {
      if (to === 'v9') throw ApplicationFailure.nonRetryable("there is no model version 'v9'", 'not-found');
      const known = this.modelMoves.findIndex((move) => move.operationId === operationId);
      if (known < 0) {
        this.calls.push(`rollbackModel ${to ?? 'release'} by ${by}: ${reason}`);
        this.modelMoves.push({ operationId, version: to ?? this.modelMoves.at(-1)!.version, held: !!to });
      }
      const number = known < 0 ? this.modelMoves.length : known + 1;
      const head = this.modelMoves.at(-1)!;
      return {
        from: this.modelMoves[number - 2]?.version ?? null,
        to: this.modelMoves[number - 1]!.version,
        move: number,
        production: { version: head.version, held: head.held },
        deployment: to === undefined ? null : { status: 'ready', message: `serves ${campaignId}/${to}` },
      };
    },
    recordRound: async ({ record }) => {
      this.rounds.push(record);
      return ref(`round-${record.summary.round}`);
    },
    recordDeployment: async ({ round, deployment }) => {
      this.calls.push(`deployment ${round} ${deployment!.status}`);
    },
    closeCampaign: async ({ stopReason, stopWhy }) => {
      this.calls.push(`close ${stopReason}`, `because ${stopWhy}`);
    },
    writeReport: async () => {
      if (this.reportFails) throw ApplicationFailure.nonRetryable('no paper', 'internal');
      return ref('report');
    },
    spoolTracking: async ({ campaignId }) => {
      this.calls.push(`spool ${campaignId}`);
      return [];
    },
    // Nowhere to track to, in any of these campaigns: they go on all the same.
    deliverTracking: async () => {
      throw new Error('nobody answers');
    },
    modelsToUpload: async ({ campaignId }) => {
      const own = [...this.registered].filter((id) => id.startsWith(`${campaignId}/`));
      return own.filter((id) => !this.uploaded.includes(id));
    },
    uploadModels: async ({ campaignId }) => {
      const now = await this.deploy.modelsToUpload({ campaignId });
      this.uploaded.push(...now);
      return now;
    },
  };
}
