import type { PerformanceSuggestion } from '../../../contracts';
import type { Figures } from '../figures';
import { batchSize } from './batch-size';
import { censoredLabels } from './censored-labels';
import { chemistryThreads } from './chemistry-threads';
import { needlessEnsembles } from './ensembles';
import { needlessEpochs } from './epochs';
import { explorationSize } from './exploration-size';
import { failedLabels } from './failed-labels';
import { idleAccelerator } from './idle-accelerator';
import { postedInVain } from './posted-in-vain';
import { queueSlots } from './queue-slots';
import { needlessReplicates } from './replicates';
import { retries } from './retries';
import type { Rule } from './rule';
import { shardsPerTask } from './shards-per-task';
import { stepCache } from './step-cache';
import { taughtNothing } from './taught-nothing';
import { unattendedQueue } from './unattended-queue';
import { unchosenFeaturizers } from './unchosen-featurizers';

export const RULES: readonly Rule[] = [
  queueSlots,
  unattendedQueue,
  chemistryThreads,
  retries,
  explorationSize,
  unchosenFeaturizers,
  needlessEnsembles,
  needlessEpochs,
  stepCache,
  shardsPerTask,
  idleAccelerator,
  batchSize,
  failedLabels,
  censoredLabels,
  needlessReplicates,
  postedInVain,
  taughtNothing,
];

/** What the rules have to say, by the share that it would have saved of what it is about. */
export function suggestionsFor(figures: Figures): PerformanceSuggestion[] {
  const found = RULES.flatMap((rule) => rule(figures) ?? []);
  return found.sort((a, b) => b.gain.share - a.gain.share || (a.rule < b.rule ? -1 : 1));
}
