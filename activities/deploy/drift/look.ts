import path from 'node:path';
import {
  MEDIA_TYPES,
  modelVersionId,
  watchesDrift,
  type CampaignConfig,
  type DriftOccasion,
  type DriftOrder,
  type KeptAction,
  type KeptLook,
  type RoundRecord,
  type ServedPlace,
} from '../../../src/contracts';
import {
  driftReference,
  figuresOf,
  HISTORY_WINDOWS,
  look,
  respond,
  sampleToJson,
  type DriftReference,
  type DriftSample,
  type LookOptions,
} from '../../../src/drift';
import { DRIFT_VERDICT_VALUES } from '../../../src/observability';
import { readStandingResults } from '../../../src/warehouse';
import { withHeartbeat } from '../../shared/heartbeat';
import { controlsFound, judged, showsEffect } from './effects';
import type { DriftPorts } from './ports';
import { poolReference } from './pool-reference';
import { keptSample, referenceOfLooks } from './references';
import { returnedBatch } from './returned-batches';
import { servedSample } from './served-sample';
import { servedVersions, servedWindows } from './served-windows';
import { withModel } from './watched-model';

export interface LookForDriftRequest {
  readonly campaignId: string;
  readonly occasion: DriftOccasion;
  /** Round whose batch has just come back. */
  readonly round?: number;
}

export interface DriftLooked {
  /** New looks, and what was planned on them or still waits to be done. */
  readonly looks: readonly Pick<KeptLook['record'], 'id' | 'stream'>[];
  readonly orders: readonly DriftOrder[];
  /** There are more whole windows: the next call looks at them. */
  readonly more: boolean;
  /** Why nothing was looked at; null when it was. */
  readonly nothing: string | null;
  /** What could not be read, in words. */
  readonly notes: readonly string[];
}

/** Windows of one version that one call looks at. */
const MOST_WINDOWS = 8;
const ASKED = 'asked';
const RETURNED = 'returned';
/** Of batches that were picked: who is chosen for its value says nothing of ranks and of hits. */
const OF_BATCHES: LookOptions = {
  without: [
    'descriptors',
    'fingerprints',
    'similarity',
    'scaffolds',
    'predictions',
    'uncertainty',
    'ranking',
    'hits',
    'skew',
  ],
};

interface Window {
  readonly id: string;
  readonly stream: 'asked' | 'returned';
  readonly model: string | null;
  readonly place: KeptLook['place'];
  readonly sample: DriftSample;
  readonly reference: DriftReference;
  readonly history: readonly DriftSample[];
  readonly options?: LookOptions;
}

export const orderOf = ({ record: { id, action, subject, sentence } }: KeptAction): DriftOrder => ({
  ...{ id, action, subject, sentence },
});

/** Looks at what has come since the last look, window by window, each once, and plans what is to be done about it. */
export function createDriftLook(ports: DriftPorts) {
  const { objects, log, driftLog, metrics, predictions } = ports;

  /** Looks at a window and keeps the look; one that is kept already is passed over. */
  async function keep(
    { campaignId, occasion }: LookForDriftRequest,
    config: CampaignConfig,
    window: Window,
  ): Promise<KeptLook | null> {
    const { id, stream, model, place, sample, reference, history, options } = window;
    const seen = look(reference, history, sample, options);
    const at = new Date().toISOString();
    const record = { id, at, stream, look: seen, figures: figuresOf(sample) };
    const ref = await objects.put(Buffer.from(sampleToJson(sample)), MEDIA_TYPES.json);
    for (;;) {
      const { length } = await driftLog.looks(campaignId);
      // What was done before is judged by this window first: whether it has helped decides on the next step.
      const actions = await driftLog.actions(campaignId);
      const known = await Promise.all(
        actions.map(async (kept) =>
          showsEffect(kept, { record, model, place }) ? judged(ports, kept, id, sample) : kept,
        ),
      );
      const planned = respond(
        config.drift,
        record,
        known.map((kept) => kept.record),
        Date.parse(at),
      );
      const kept: KeptLook = { record, occasion, model, place, sample: ref, planned };
      const outcome = await driftLog.keepLook(campaignId, kept, length);
      if (outcome !== 'overtaken') return outcome === 'kept' ? kept : null;
    }
  }

  async function lookAtBatches(
    request: LookForDriftRequest,
    config: CampaignConfig,
    rounds: readonly RoundRecord[],
  ) {
    const { campaignId, round = 0 } = request;
    const last = Math.max(round, ...rounds.map(({ summary }) => summary.round - 1));
    const isBack = ({ summary, sheet }: RoundRecord) => sheet !== null && summary.round <= last;
    const found: KeptLook[] = [];
    let results: Awaited<ReturnType<typeof readStandingResults>> | null = null;
    for (const record of rounds.filter(isBack)) {
      const earlier = (await driftLog.looks(campaignId)).filter((kept) => kept.record.stream === RETURNED);
      const id = `${RETURNED}/${record.summary.round}`;
      if (earlier.some((kept) => kept.record.id === id)) continue;
      results ??= await readStandingResults(objects, campaignId);
      const batch = await returnedBatch(objects, campaignId, record, results);
      if (!batch) continue;
      const model = batch.sheet.modelVersion;
      const before = earlier.filter(({ place }) => 'round' in place && place.round < batch.round);
      const kept = await keep(request, config, {
        ...{ id, stream: RETURNED, model, place: { round: batch.round }, sample: batch.sample },
        ...(await referenceOfLooks(ports, before, model)),
        options: OF_BATCHES,
      });
      if (kept) found.push(kept);
    }
    return found;
  }

  /** @param dataVersion of the pool that is screened now */
  async function lookAtAsked(
    request: LookForDriftRequest,
    config: CampaignConfig,
    dataVersion: string,
    progress: (details: unknown) => void,
  ) {
    const { campaignId } = request;
    const found: KeptLook[] = [];
    const notes: string[] = [];
    let more = false;
    for (const version of predictions === null ? [] : await servedVersions(predictions, campaignId)) {
      const model = modelVersionId(campaignId, Number(version.slice(1)));
      const prefix = `${ASKED}/${version}/`;
      const earlier = (await driftLog.looks(campaignId)).filter((kept) => kept.record.id.startsWith(prefix));
      const after = (earlier.at(-1)?.place ?? null) as ServedPlace | null;
      const how = { size: config.drift.window, most: MOST_WINDOWS, now: Date.now() };
      const stretch = await servedWindows(path.join(predictions!, campaignId, version), after, how);
      notes.push(...stretch.unreadable.map((what) => `${version}/${what}`));
      if (stretch.windows.length === 0) continue;
      more ||= stretch.more;
      await withModel(ports, model, async (watched) => {
        const reference = driftReference(await poolReference(ports, dataVersion, watched));
        const recent = earlier.slice(-HISTORY_WINDOWS);
        let history = await Promise.all(recent.map((kept) => keptSample(ports, kept)));
        for (const [i, { records, place }] of stretch.windows.entries()) {
          const sample = await servedSample(ports, records, { dataVersion, model: watched });
          const id = `${prefix}${earlier.length + i + 1}`;
          const kept = await keep(request, config, {
            id,
            stream: ASKED,
            model,
            place,
            sample,
            reference,
            history,
          });
          if (kept) found.push(kept);
          history = [...history, sample].slice(-HISTORY_WINDOWS);
          progress({ looked: id });
        }
      });
    }
    return { found, more, notes };
  }

  /** Writes down what later windows say of what was done. Each window counts once, however often this is called. */
  async function judge(campaignId: string): Promise<void> {
    const looks = await driftLog.looks(campaignId);
    const actions = await driftLog.actions(campaignId);
    for (const each of actions) {
      for (const kept of looks.filter((one) => showsEffect(each, one))) {
        const sample = await keptSample(ports, kept);
        const now = (await driftLog.actions(campaignId)).find(({ record }) => record.id === each.record.id)!;
        if (!showsEffect(now, kept)) continue;
        const next = await judged(ports, now, kept.record.id, sample);
        await driftLog.change(campaignId, each.record.id, (standing) =>
          showsEffect(standing, kept) ? next : null,
        );
      }
    }
  }

  async function readControls(campaignId: string): Promise<void> {
    const open = (await driftLog.actions(campaignId)).filter(
      ({ record, controls, found }) =>
        record.state === 'done' &&
        controls.length > 0 &&
        (found === null || found.decision === 'more-controls'),
    );
    if (open.length === 0) return;
    const results = await readStandingResults(objects, campaignId);
    const looks = (await driftLog.looks(campaignId)).filter(({ record }) => record.stream === RETURNED);
    const latest = looks.at(-1);
    if (!latest) return;
    const { observed, predicted } = await keptSample(ports, latest);
    const residuals = observed!.map((value, row) => value - predicted![row]!);
    for (const { record } of open)
      await driftLog.change(campaignId, record.id, (standing) => {
        const found = controlsFound(standing, results, residuals);
        return found && found.controls !== standing.found?.controls ? { ...standing, found } : null;
      });
  }

  function count(campaignId: string, looks: readonly KeptLook[]): void {
    for (const { record } of looks) {
      metrics.drift.looks.inc({ campaign: campaignId, verdict: record.look.verdict });
      for (const { name, verdict, effectSize } of record.look.findings) {
        const labels = { campaign: campaignId, detector: name };
        // A batch says nothing of inputs, and what is asked nothing of truth: neither wipes out what the other found.
        if (verdict === 'not-enough-data' && record.look.verdict !== 'not-enough-data') continue;
        metrics.drift.verdict.set(labels, DRIFT_VERDICT_VALUES[verdict]);
        if (effectSize !== null) metrics.drift.effectSize.set(labels, effectSize);
      }
    }
    metrics.drift.lastLook.set({ campaign: campaignId }, Date.now() / 1000);
  }

  async function lookForDrift(request: LookForDriftRequest): Promise<DriftLooked> {
    const { campaignId } = request;
    const none = { looks: [], orders: [], more: false, notes: [] };
    return withHeartbeat(async (_signal, progress) => {
      const { config, rounds } = await log.rounds(campaignId);
      if (!config || !watchesDrift(config))
        return {
          ...none,
          nothing: config ? 'its configuration switches it off' : 'there is no such campaign here',
        };
      const batches = await lookAtBatches(request, config, rounds);
      const dataVersion = rounds.at(-1)?.cut.dataVersion;
      const asked =
        dataVersion === undefined
          ? { found: [], more: false, notes: [] }
          : await lookAtAsked(request, config, dataVersion, progress);
      await judge(campaignId);
      await readControls(campaignId);
      const looks = [...batches, ...asked.found];
      count(campaignId, looks);
      const actions = await driftLog.actions(campaignId);
      return {
        looks: looks.map(({ record: { id, stream } }) => ({ id, stream })),
        orders: actions.filter(({ record, approved }) => record.state === 'waiting' && approved).map(orderOf),
        more: asked.more,
        nothing: null,
        notes: asked.notes.slice(0, 5),
      };
    });
  }

  return { lookForDrift };
}
