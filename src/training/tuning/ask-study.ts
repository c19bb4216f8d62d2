import { asTitrateError, type FeaturizerSpec, type TrialSpec } from '../../contracts';
import { ensembleSpace, ensembleTrial, type FixedSettings } from './trial-space';
import type { TuningService } from './tuning';

/** A study as a plan carries it from activity to activity. */
export interface AskedStudy {
  readonly study: string;
  /** Of the space, in its order: they are part of the study's name. */
  readonly featurizers: readonly FeaturizerSpec[];
  /** The service's own id of each trial. */
  readonly suggestions: readonly { readonly trialId: string; readonly id: string }[];
}

export interface AskRequest {
  readonly study: string;
  /** The same question gets the same trials. */
  readonly question: string;
  readonly count: number;
  /** Featurizers that an ensemble of networks can read. */
  readonly featurizers: readonly FeaturizerSpec[];
  readonly fixed: FixedSettings;
}

/** Asks a study for ensemble trials. @throws TitrateError of the service */
export async function askStudy(
  tuning: TuningService,
  { study: name, question, count, featurizers, fixed }: AskRequest,
): Promise<{ readonly trials: readonly TrialSpec[]; readonly asked: AskedStudy }> {
  const study = await tuning.study(name, ensembleSpace(featurizers));
  const suggestions = await study.suggest(question, count);
  const trials = suggestions.map((suggestion) => ensembleTrial(suggestion, featurizers, fixed));
  return {
    trials,
    asked: {
      study: name,
      featurizers,
      suggestions: trials.map(({ trialId }, i) => ({ trialId, id: suggestions[i]!.id })),
    },
  };
}

export interface StudyReport {
  /** What trials are worth after a rung; steps are 1, 2, 3, … */
  readonly step: number;
  readonly values: readonly { readonly trialId: string; readonly value: number }[];
  /** Trials that might go on: the service may say that they should not. */
  readonly candidates: readonly string[];
  /** Trials that are over, with what they were worth in the end or why they have no value. */
  readonly ends: readonly ({ readonly trialId: string } & (
    { readonly value: number } | { readonly infeasible: string }
  ))[];
}

/** What came of a report. */
export interface StudyAnswer {
  /** Of the candidates, those that have too little prospect. */
  readonly stop: readonly string[];
  /** Why the service was not told everything; a report of a later rung makes up for nothing that is missing here. */
  readonly note?: string;
}

/**
 * Tells a study how its trials do, and asks which should not go on. Said twice it changes nothing. A service that is away costs the
 * search what it would have learnt and nothing else: the note says so, and nothing is thrown.
 */
export async function reportToStudy(
  tuning: TuningService,
  { study: name, featurizers, suggestions }: AskedStudy,
  { step, values, candidates, ends }: StudyReport,
): Promise<StudyAnswer> {
  const ids = new Map(suggestions.map(({ trialId, id }) => [trialId, id]));
  const known = <T>(items: readonly T[], of: (item: T) => string) =>
    items.flatMap((item) => {
      const id = ids.get(of(item));
      return id === undefined ? [] : [{ item, id }];
    });
  const stop: string[] = [];
  try {
    const study = await tuning.study(name, ensembleSpace(featurizers));
    for (const { item, id } of known(values, ({ trialId }) => trialId))
      await study.report(id, step, item.value);
    for (const { item, id } of known(ends, ({ trialId }) => trialId)) {
      const { trialId: _, ...end } = item;
      await study.complete(id, end);
    }
    for (const { item, id } of known(candidates, (trialId) => trialId))
      if (await study.shouldStop(id)) stop.push(item);
    return { stop };
  } catch (error) {
    return { stop, note: `rung ${step} was not reported in full: ${asTitrateError(error).message}` };
  }
}
