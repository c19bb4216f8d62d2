import {
  asTitrateError,
  COLD_START,
  roundId,
  type CampaignConfig,
  type Cut,
  type FeaturizerSpec,
  type RoundRecord,
  type TrainingRow,
  type TrialSpec,
  type WarmStartRecord,
} from '../../src/contracts';
import { deriveSeed, hashOf } from '../../src/foundation';
import { batchSizeFor, canRead, proposeTrials, warmTrials, type WarmSource } from '../../src/learning';
import { parseRecord } from '../../src/objects';
import {
  askStudy,
  reportToStudy,
  type AskedStudy,
  type StudyAnswer,
  type StudyReport,
} from '../../src/training';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { GpuPorts } from '../shared/ports';

export interface PlanExplorationRequest {
  readonly cut: Cut;
  readonly featurizers: readonly FeaturizerSpec[];
  readonly exploration: CampaignConfig['exploration'];
  readonly training: CampaignConfig['training'];
  readonly seed: number;
}

export interface ExplorationPlan {
  readonly trials: readonly TrialSpec[];
  /** Labels of the downscaled set (all of them, where its size is yet to be found), and in all. */
  readonly subsetRows: number;
  readonly labels: number;
  /** Absent where settings of earlier explorations are not looked for. */
  readonly warmStart?: WarmStartRecord;
  /** Absent where all settings are drawn here. */
  readonly tuner?: {
    readonly study: string;
    readonly asked: AskedStudy | null;
    readonly notes: readonly string[];
  };
}

export interface ReportTrialsRequest extends StudyReport {
  readonly asked: AskedStudy;
}

/** Explored rounds of this campaign that are looked at, the latest ones: each was warm-started by those before it. */
const EARLIER_ROUNDS = 5;

type Found = Pick<WarmStartRecord, 'read' | 'notes'> & { readonly sources: readonly WarmSource[] };

/** Which trials an exploration makes, and what the service that some of them were asked of is told of them. */
export function createPlan(ports: GpuPorts) {
  const { objects, log, tuning } = ports;
  const artifacts = jsonArtifacts(objects);

  /**
   * The plan depends on what other campaigns and a service say at the time: it is recorded once, and whoever plans again, after a
   * crash or in a replay of the round, gets the plan that stands.
   */
  async function planExploration(request: PlanExplorationRequest): Promise<ExplorationPlan> {
    const { cut, exploration } = request;
    const { earlierRounds, campaigns } = exploration.warmStart ?? COLD_START;
    if (!earlierRounds && campaigns.length === 0 && !tuning) return plan(request);
    return withHeartbeat(async () => {
      const { featurizers, training, seed } = request;
      const question = hashOf({ cutId: cut.cutId, featurizers, exploration, training, seed });
      const key = `campaigns/${cut.campaignId}/plans/${String(cut.round).padStart(6, '0')}/${question}`;
      const standing = await objects.readRecord(key);
      if (standing) return parseRecord<ExplorationPlan>(standing, key);
      const made = await plan(request);
      if (await objects.createRecord(key, Buffer.from(JSON.stringify(made)))) return made;
      return parseRecord<ExplorationPlan>((await objects.readRecord(key))!, key);
    });
  }

  async function plan({ cut, exploration, training, seed, featurizers }: PlanExplorationRequest) {
    const labels = (await artifacts.getRows<TrainingRow>(cut.training)).length;
    const ensemble = { members: training.members, epochs: exploration.epochs };
    const { families } = exploration;
    const proposed = proposeTrials({
      families,
      featurizers,
      trialsPerFamily: exploration.trialsPerFamily,
      labels,
      ensemble,
      seed: deriveSeed(seed, 'trials'),
    });
    const { drawn, tuner } = await askTuner(cut, proposed, {
      featurizers: featurizers.filter((spec) => canRead('mlp-ensemble', spec)),
      fixed: { ...ensemble, batchSize: batchSizeFor(labels) },
    });
    const { maxTrials, ...where } = exploration.warmStart ?? COLD_START;
    const found = await earlierExplorations(cut, where);
    const { sources } = found ?? { sources: [] };
    const warm = warmTrials({ sources, drawn, families, featurizers, ensemble, labels, maxTrials });
    return {
      trials: [...warm.trials, ...drawn],
      subsetRows: exploration.maxRows === 'auto' ? labels : Math.min(exploration.maxRows, labels),
      labels,
      ...(found && { warmStart: { read: found.read, trials: warm.origins, notes: found.notes } }),
      ...(tuner && { tuner }),
    };
  }

  /** The trials with those of MLP ensembles asked of the service; as they were drawn where it does not answer. */
  async function askTuner(
    cut: Cut,
    drawn: readonly TrialSpec[],
    space: Pick<Parameters<typeof askStudy>[1], 'featurizers' | 'fixed'>,
  ): Promise<{ drawn: readonly TrialSpec[]; tuner?: ExplorationPlan['tuner'] }> {
    const isNetwork = ({ settings }: TrialSpec) => settings.family === 'mlp-ensemble';
    const count = drawn.filter(isNetwork).length;
    if (!tuning || count === 0) return { drawn };
    const study = cut.campaignId;
    try {
      const question = `${roundId(cut.campaignId, cut.round)}/${cut.cutId}`;
      const { trials, asked } = await askStudy(tuning, { study, question, count, ...space });
      return {
        drawn: [...drawn.filter((trial) => !isNetwork(trial)), ...trials],
        tuner: { study, asked, notes: [] },
      };
    } catch (error) {
      const note = `settings were drawn here instead: ${asTitrateError(error).message}`;
      return { drawn, tuner: { study, asked: null, notes: [note] } };
    }
  }

  /** Explorations to learn from, the most telling first: this campaign's latest rounds, then the others' last ones. */
  async function earlierExplorations(
    cut: Cut,
    { earlierRounds, campaigns }: Omit<CampaignConfig['exploration']['warmStart'], 'maxTrials'>,
  ): Promise<Found | null> {
    const others = [...new Set(campaigns)].filter((id) => id !== cut.campaignId);
    if (!earlierRounds && others.length === 0) return null;
    const found: { read: Found['read'][number][]; sources: WarmSource[]; notes: string[] } = {
      ...{ read: [], sources: [], notes: [] },
    };
    if (earlierRounds) await look(cut.campaignId, { before: cut.round, most: EARLIER_ROUNDS }, found);
    for (const campaignId of others) {
      const { length } = found.sources;
      await look(campaignId, { before: Infinity, most: 1 }, found);
      if (found.sources.length === length && !found.notes.some((note) => note.includes(`'${campaignId}'`)))
        found.notes.push(`campaign '${campaignId}' has explored nothing that is on record here`);
    }
    return found;
  }

  /** Reads the latest explored rounds of a campaign. What cannot be read is noted, unless a retry may help. */
  async function look(
    campaignId: string,
    { before, most }: { before: number; most: number },
    { read, sources, notes }: { read: Found['read'][number][]; sources: WarmSource[]; notes: string[] },
  ): Promise<void> {
    const attempt = async <T>(where: string, work: () => Promise<T>): Promise<T | null> => {
      try {
        return await work();
      } catch (error) {
        const known = asTitrateError(error);
        // The store is away, and all else with it: waited for, so that the plan does not depend on the weather.
        if (known.code === 'unavailable' || known.code === 'overloaded') throw known;
        notes.push(`campaign '${campaignId}'${where} could not be read: ${known.message}`);
        return null;
      }
    };
    const records = (await attempt('', () => log.roundRecords(campaignId))) ?? [];
    let taken = 0;
    for (const { round, record } of [...records].reverse()) {
      if (round >= before) continue;
      if (taken === most) break;
      const found = await attempt(`, round ${round},`, () => artifacts.getJson<RoundRecord>(record));
      if (!found?.exploration) continue;
      taken++;
      read.push({ campaignId, round, record: record.sha256 });
      sources.push({ campaignId, round, exploration: found.exploration });
    }
  }

  /** Tells the tuning service what its trials are worth so far; never fails a round. */
  async function reportTrials({ asked, ...report }: ReportTrialsRequest): Promise<StudyAnswer> {
    if (!tuning) return { stop: [], note: 'the worker has no tuning service any more: nothing was reported' };
    return withHeartbeat(() => reportToStudy(tuning, asked, report));
  }

  return { planExploration, reportTrials };
}
