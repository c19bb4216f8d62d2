import { log as activityLog } from '@temporalio/activity';
import {
  MEDIA_TYPES,
  TitrateError,
  type ControlMolecule,
  type DecideDrift,
  type DriftActionRecord,
  type DriftOrder,
  type KeptAction,
  type SourceSpec,
} from '../../../src/contracts';
import { controlRows, CONTROLS, inDoubt } from '../../../src/drift';
import { PRODUCTION } from '../../../src/rollout';
import { readDoubt } from '../../../src/tracking';
import { readStandingResults } from '../../../src/warehouse';
import { withHeartbeat } from '../../shared/heartbeat';
import { orderOf } from './look';
import type { DriftPorts } from './ports';
import { servedVersions, servedWindows } from './served-windows';
import { postDriftMessage } from './tell';
import path from 'node:path';

export interface SettleDriftRequest {
  readonly campaignId: string;
  readonly id: string;
  readonly state: Exclude<DriftActionRecord['state'], 'waiting'>;
  /** What was done, or why it was not. */
  readonly note: string;
  readonly model?: string | null;
  readonly replaced?: string | null;
  readonly controls?: readonly ControlMolecule[];
}

/** Molecules of the serving log that are taken into the pool at once, at most. */
const MOST_ASKED = 20_000;

/** What the campaign does about drift, as far as it happens outside the workflow. Each is done once, however often it is tried. */
export function createDriftAnswers(ports: DriftPorts) {
  const { objects, driftLog, registry, schedules, metrics, predictions, webhookSecret } = ports;

  /** Writes down what became of an action. The first word stands. */
  async function settleDriftAction(input: SettleDriftRequest): Promise<void> {
    const { campaignId, id, state, note, model = null, replaced = null, controls = [] } = input;
    let isNews = false;
    await driftLog.change(campaignId, id, (kept) => {
      isNews = kept.record.state === 'waiting';
      if (!isNews) return null;
      const doneAt = state === 'done' ? new Date().toISOString() : null;
      return { ...kept, record: { ...kept.record, state, doneAt }, note, model, replaced, controls };
    });
    if (isNews && state === 'done')
      metrics.drift.actions.inc({ campaign: campaignId, action: await actionOf(campaignId, id) });
  }

  const actionOf = async (campaignId: string, id: string) =>
    (await driftLog.actions(campaignId)).find(({ record }) => record.id === id)!.record.action;

  /**
   * A person's word on an action that waits.
   * @returns what is to be done; null for one that was dismissed
   * @throws not-found; contradiction for one that waits no longer
   */
  async function decideDriftAction(input: DecideDrift & { campaignId: string }): Promise<DriftOrder | null> {
    const { campaignId, id, decision, by, reason } = input;
    const decided = { by, reason };
    const words = `${decision === 'approve' ? 'approved' : 'dismissed'} by ${by}${reason ? `: ${reason}` : ''}`;
    const isSame = (kept: KeptAction) => JSON.stringify(kept.decided) === JSON.stringify(decided);
    const now = await driftLog.change(campaignId, id, (kept) => {
      if (isSame(kept)) return null;
      if (kept.record.state !== 'waiting' || kept.decided)
        throw new TitrateError('contradiction', {
          what: kept.decided
            ? `it was decided on already, by ${kept.decided.by}`
            : `it is ${kept.record.state} and waits for nobody: ${kept.note}`,
          where: `action '${id}' of campaign '${campaignId}'`,
        });
      const state = decision === 'dismiss' ? ('declined' as const) : kept.record.state;
      return {
        ...kept,
        ...{ decided, approved: decision === 'approve', note: words, record: { ...kept.record, state } },
      };
    });
    return decision === 'approve' ? orderOf(now) : null;
  }

  /** Says it in the log, by the metric, and to the campaign's webhook. */
  async function tellOfDrift(input: {
    campaignId: string;
    id: string;
  }): Promise<{ told: boolean; words: string }> {
    const { campaignId, id } = input;
    return withHeartbeat(async (signal) => {
      const { config } = await ports.log.rounds(campaignId);
      const kept = (await driftLog.actions(campaignId)).find(({ record }) => record.id === id)!;
      const { action, sentence } = kept.record;
      activityLog.warn(`drift: ${sentence}`, { campaignId, action: id });
      const address = config?.drift?.hooks.webhook;
      if (address === undefined) return { told: true, words: 'told in the log' };
      const { evidence, before, at, cause, subject, rung, approval } = kept.record;
      const planned = {
        ...{ id, at, action, cause, subject, rung },
        ...{ evidence, before, approval, sentence },
      };
      const message = { kind: 'drift' as const, campaignId, action: planned };
      const { delivered, words } = await postDriftMessage(address, message, {
        secret: webhookSecret,
        signal,
      });
      return { told: delivered, words: `told in the log; ${words}` };
    });
  }

  /** The version that answered before the one that does: it is what a rollback goes back to. Null where there is none. */
  async function versionBefore(input: {
    campaignId: string;
  }): Promise<{ now: string; before: string } | null> {
    const moves = await registry.aliasMoves(input.campaignId, PRODUCTION);
    const now = moves.at(-1)?.version;
    const before = moves.filter(({ version }) => version !== now).at(-1)?.version;
    return now !== undefined && before !== undefined ? { now, before } : null;
  }

  /**
   * Molecules that are to be measured again: of what is in doubt, by chance.
   */
  async function chooseControls(input: {
    campaignId: string;
    id: string;
    seed: number;
  }): Promise<ControlMolecule[]> {
    const { campaignId, id, seed } = input;
    const { doubt } = await readDoubt(ports, campaignId, id);
    const measured = (await readStandingResults(objects, campaignId)).filter(
      ({ outcome, qualifier, property }) =>
        outcome === 'measured' && qualifier === '=' && property === undefined,
    );
    const byMolecule = new Map<string, ControlMolecule>();
    for (const { moleculeId, standardSmiles, value, plate, lab, compoundId, resultId } of measured.filter(
      inDoubt(doubt),
    )) {
      const known = byMolecule.get(moleculeId);
      byMolecule.set(moleculeId, {
        ...{ moleculeId, smiles: standardSmiles, value: value! },
        ...(compoundId !== undefined && { compoundId }),
        ...(plate !== undefined && { plate }),
        ...(lab !== undefined && { lab }),
        resultIds: [...(known?.resultIds ?? []), resultId],
      });
    }
    const rows = [...byMolecule.values()].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
    return [...controlRows(rows, CONTROLS, seed)];
  }

  /** The molecules that were asked about, as a source; null where the serving log does not keep them. */
  async function askedAsSource(input: { campaignId: string; id: string }): Promise<SourceSpec | null> {
    const { campaignId, id } = input;
    if (predictions === null) return null;
    return withHeartbeat(async () => {
      const asked = new Set<string>();
      for (const version of await servedVersions(predictions, campaignId)) {
        const folder = path.join(predictions, campaignId, version);
        const { windows } = await servedWindows(folder, null, { size: 1, most: MOST_ASKED, now: Date.now() });
        for (const { records } of windows)
          for (const { record } of records) if (record.smiles !== undefined) asked.add(record.smiles);
      }
      if (asked.size === 0) return null;
      const rows = [...asked].sort().slice(0, MOST_ASKED);
      const ref = await objects.put(Buffer.from(`smiles\n${rows.join('\n')}\n`), MEDIA_TYPES.raw);
      const uri = objects.externalUri(ref.sha256) ?? (await objects.localPath(ref));
      return { uri, name: `drift/${id}`, format: 'csv', smilesColumn: 'smiles' };
    });
  }

  const scheduleDriftWatch = (input: { campaignId: string; every: string }): Promise<void> =>
    schedules.ensure(input.campaignId, input.every);
  const unscheduleDriftWatch = (input: { campaignId: string }): Promise<void> =>
    schedules.remove(input.campaignId);
  const isCampaignRunning = (input: { campaignId: string }): Promise<boolean> =>
    schedules.isRunning(input.campaignId);

  return {
    settleDriftAction,
    decideDriftAction,
    tellOfDrift,
    versionBefore,
    chooseControls,
    askedAsSource,
    scheduleDriftWatch,
    unscheduleDriftWatch,
    isCampaignRunning,
  };
}
