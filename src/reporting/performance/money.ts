import type { CostLine, PerformanceReport } from '../../contracts';
import type { PerformanceInput } from './input';
import { sum } from './numbers';

const HOUR = 3600;

/** Hours that a machine for learning was held: in each round from the first start to the last end, and while it is kept after it. */
export function learningHours({ work, rates, record }: PerformanceInput): number {
  const learnt = record.rounds.filter(({ summary }) => summary.family !== null);
  const held = sum(learnt, ({ summary, timings }) => {
    const queue = work
      .find(({ round }) => round === summary.round)
      ?.queues.find((one) => one.queue === 'gpu');
    // Without histories: as if everything ran one after the other.
    const span =
      queue?.spanSeconds ??
      sum(timings, ({ stage, seconds }) => (['ingest', 'featurize'].includes(stage) ? 0 : seconds));
    return span + rates.idleSeconds;
  });
  return held / HOUR;
}

/** What the machines that the campaign kept busy cost; what is always there (nodes, cluster, storage) is no campaign's. */
export function moneyOf(input: PerformanceInput): PerformanceReport['money'] {
  const { record, rates, installation, assays } = input;
  const chemistry = record.rounds.flatMap(({ timings }) =>
    timings.filter(({ stage }) => stage === 'ingest' || stage === 'featurize'),
  );
  const cores = sum(chemistry, ({ seconds }) => seconds) / HOUR;
  const machines = learningHours(input);
  const vertex = installation.training === 'vertex';
  const lines: CostLine[] = [
    {
      what: 'standardising and features',
      quantity: cores,
      unit: 'core hours',
      usd: cores * rates.featurizationCoreHour,
    },
    {
      what: vertex
        ? 'jobs of Vertex AI, their starts included'
        : 'machine with a GPU for learning, kept for a while after each round',
      quantity: machines,
      unit: 'hours',
      usd: machines * rates.learningMachineHour,
    },
  ];
  return {
    basis: installation.profile === 'gcp' ? 'billed' : 'as-if',
    lines,
    usd: sum(lines, ({ usd }) => usd),
    assays,
  };
}
