import {
  canonicalJson,
  type ExplorationRecord,
  type FeaturizerSpec,
  type ModelFamily,
  type ModelMetrics,
  type ModelSettings,
  type TrialSpec,
  type WarmTrial,
} from '../../contracts';
import { scoreOf } from './learning-curve';
import { batchSizeFor, canRead } from './propose-trials';

/** An earlier exploration: of a round of this campaign or of another one. */
export interface WarmSource {
  readonly campaignId: string;
  readonly round: number;
  readonly exploration: Pick<ExplorationRecord<ModelMetrics>, 'trials' | 'results' | 'chosen'>;
}

export interface WarmStartRequest {
  /** The most telling one first. */
  readonly sources: readonly WarmSource[];
  /** Trials that enter anyway: the same settings are not tried twice. */
  readonly drawn: readonly TrialSpec[];
  readonly families: readonly ModelFamily[];
  readonly featurizers: readonly FeaturizerSpec[];
  /** What a campaign sets, and no search finds. */
  readonly ensemble: { readonly members: number; readonly epochs: number };
  /** Labels a trial will see. */
  readonly labels: number;
  readonly maxTrials: number;
}

export interface WarmTrials {
  readonly trials: readonly TrialSpec[];
  /** Trial i of `trials` was that one. */
  readonly origins: readonly WarmTrial[];
}

/**
 * Trials with the settings that did best before: of each source the best of each family on each featurizer that can be used here;
 * the winners of all sources come first, then the runners-up. Ensembles get the length and the number of networks of this campaign, and
 * the batch size that goes with its labels: those are effort, not findings.
 */
export function warmTrials(request: WarmStartRequest): WarmTrials {
  const { sources, drawn, families, featurizers, maxTrials } = request;
  const taken = new Set(drawn.map(identity));
  const usable = ({ settings, featurizer }: TrialSpec) =>
    families.includes(settings.family) &&
    canRead(settings.family, featurizer) &&
    featurizers.some((spec) => canonicalJson(spec) === canonicalJson(featurizer));
  const found = sources.flatMap((source) =>
    bestOfEach(source.exploration)
      .filter(usable)
      .map((trial, place) => ({ trial, place, source })),
  );
  // A stable sort: of equal places the earlier source stays ahead.
  found.sort((a, b) => a.place - b.place);
  const trials: TrialSpec[] = [];
  const origins: WarmTrial[] = [];
  for (const { trial, source } of found) {
    if (trials.length === maxTrials) break;
    const trialId = `warm-${trials.length + 1}`;
    const warm = { trialId, settings: refitted(trial.settings, request), featurizer: trial.featurizer };
    if (taken.has(identity(warm))) continue;
    taken.add(identity(warm));
    trials.push(warm);
    origins.push({ trialId, campaignId: source.campaignId, round: source.round, was: trial.trialId });
  }
  return { trials, origins };
}

const identity = ({ settings, featurizer }: TrialSpec): string => canonicalJson({ settings, featurizer });

/** The best trial of each family and featurizer: the chosen one first, then by the rung reached and the score on it. */
function bestOfEach({ trials, results, chosen }: WarmSource['exploration']): TrialSpec[] {
  const judged = trials.flatMap((trial) => {
    const own = results.filter(({ trialId }) => trialId === trial.trialId);
    if (own.length === 0) return [];
    const last = own.reduce((a, b) => (b.rung > a.rung ? b : a));
    return [{ trial, rung: last.rung, score: scoreOf(last.metrics) }];
  });
  const rank = ({ trialId }: TrialSpec) => (trialId === chosen.trialId ? 0 : 1);
  judged.sort((a, b) => rank(a.trial) - rank(b.trial) || b.rung - a.rung || a.score - b.score);
  const seen = new Set<string>();
  return judged.flatMap(({ trial, score }) => {
    const kind = canonicalJson([trial.settings.family, trial.featurizer]);
    if (seen.has(kind) || !Number.isFinite(score)) return [];
    seen.add(kind);
    return [trial];
  });
}

function refitted(settings: ModelSettings, { ensemble, labels }: WarmStartRequest): ModelSettings {
  const { family } = settings;
  return family === 'mlp-ensemble' || family === 'message-passing-ensemble'
    ? { ...settings, ...ensemble, batchSize: batchSizeFor(labels) }
    : settings;
}
