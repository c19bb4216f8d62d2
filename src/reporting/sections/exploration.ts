import type { ExplorationRecord, TrialSpec } from '../../contracts';
import { describeFamily, describeFeaturizer, describeSettings } from '../describe';
import { table, type Column } from '../elements';
import { count, duration, fixed, percent, plural } from '../format';
import { markup, type Html } from '../html';
import { explorationNotes, tuningTable } from './tuning';

/** What exploration tried in one round, best first: every trial, its score on every rung it reached, and how it ended. */
export function explorationTable(exploration: ExplorationRecord, round: number): Html {
  const { rungs, trials, results, failures, chosen } = exploration;
  const resultOf = (trial: TrialSpec, rung: number) =>
    results.find((result) => result.trialId === trial.trialId && result.rung === rung);
  const failureOf = (trial: TrialSpec) => failures.find((failure) => failure.trialId === trial.trialId);
  const reached = (trial: TrialSpec) =>
    rungs.reduce((last, { rung }, i) => (resultOf(trial, rung) ? i : last), -1);
  const score = (trial: TrialSpec) =>
    resultOf(trial, rungs[reached(trial)]?.rung ?? NaN)?.metrics.rmse ?? Infinity;
  const rank = (trial: TrialSpec) => (trial.trialId === chosen.trialId ? 1 : 0);
  const ordered = [...trials].sort(
    (a, b) =>
      rank(b) - rank(a) || reached(b) - reached(a) || score(a) - score(b) || (a.trialId < b.trialId ? -1 : 1),
  );
  const bestOn = new Map(
    rungs.map(({ rung }) => [
      rung,
      Math.min(...results.filter((r) => r.rung === rung).map((r) => r.metrics.rmse)),
    ]),
  );

  const columns: Column[] = [
    { head: 'trial' },
    { head: 'model' },
    { head: 'features' },
    { head: 'settings' },
    { head: 'backend' },
    ...rungs.map(({ rung }) => ({
      head: `RMSE, rung ${rung}`,
      numeric: true,
    })),
    { head: 'computing', numeric: true },
    { head: 'outcome' },
  ];
  const rows = ordered.map((trial) => {
    const own = results.filter((result) => result.trialId === trial.trialId);
    const failure = failureOf(trial);
    const last = rungs[reached(trial)];
    const outcome =
      trial.trialId === chosen.trialId
        ? markup`<strong class="ok">chosen</strong>`
        : failure
          ? markup`<span class="bad">failed: ${failure.message}</span>`
          : last
            ? last === rungs.at(-1)
              ? 'ran to the end'
              : `stopped after rung ${last.rung}`
            : 'not run';
    return [
      markup`<code>${trial.trialId}</code>`,
      describeFamily(trial.settings.family),
      describeFeaturizer(trial.featurizer),
      describeSettings(trial.settings),
      [...new Set(own.map((result) => result.backend))].join(', ') || '–',
      ...rungs.map(({ rung }) => {
        const result = resultOf(trial, rung);
        if (!result) return '–';
        const text = fixed(result.metrics.rmse, 3);
        return result.metrics.rmse === bestOn.get(rung) ? markup`<strong>${text}</strong>` : text;
      }),
      own.length ? duration(own.reduce((sum, result) => sum + result.computeSeconds, 0)) : '–',
      outcome,
    ];
  });
  const failed = failures.length ? ` ${plural(failures.length, 'trial')} failed.` : '';
  return markup`<h4>What was tried</h4>
    <p>
      ${plural(trials.length, 'trial')} on ${count(exploration.subsetRows)} of
      ${plural(exploration.labels, 'label')}, ${exploration.folds}-fold cross-validation; rungs at ${rungs.map(({ effort }) => percent(effort)).join(', ')} of full effort.${failed} Rule:
      ${exploration.rule}
    </p>
    ${explorationNotes(exploration)}${table(`Exploration of round ${round}`, columns, rows, (r) => (rank(ordered[r]!) ? 'chosen' : ''))}${tuningTable(exploration, round)}`;
}
