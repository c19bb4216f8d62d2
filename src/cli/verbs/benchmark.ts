import path from 'node:path';
import type { Command } from 'commander';
import { featurizerName, moleculeCapsSchema, standardisationSchema, TitrateError } from '../../contracts';
import { verb } from '../context';
import { interruption } from '../interruption';
import { planOf, withReplayOptions, type RetrospectiveOptions } from './replay-options';
import type { Retrospective } from '../models/replay-plan';
import { withPorts } from '../ports';
import { createPhases } from '../progress';
import { tellProblems } from './train';

const retrospective = verb<[], RetrospectiveOptions>(async (cli, options) => {
  const { data, family, smilesColumn, targetColumn, also, unlabelledCostsBudget } = options;
  const signal = interruption(cli, () => 'stopping');
  const plan = await planOf(options);
  await withPorts(cli.settings, async (ports) => {
    const { readReplayFile } = await import('../models/replay-file');
    const { replayFile } = await import('../models/replay-plan');
    const { surrogateOf } = await import('../models/replay-surrogate');
    const { renderRetrospective } = await import('../models/replay-report');
    const phases = createPhases();
    const progress = { signal, onProgress: phases.onProgress };
    try {
      const file = await readReplayFile({
        ...{ file: data, smilesColumn, targetColumn, unlabelledCostsBudget, family },
        further: also.map(({ property }) => property),
        chemistry: ports.chemistry(),
        caps: moleculeCapsSchema.parse({}),
        standardisation: standardisationSchema.parse({}),
        ...progress,
      });
      tellProblems(cli, data, file.problems);
      if (file.withoutValue > 0)
        cli.say(
          `${data}: ${file.withoutValue} rows have no value; they ${unlabelledCostsBudget ? 'cost budget and teach nothing' : 'are left out'}`,
        );
      const told = await replayFile(file, plan, surrogateOf(ports.learning(), family), progress);
      phases.stop();
      const { features, kind } = file.table;
      const result: Retrospective = {
        dataset: path.basename(data),
        poolSize: told.poolSize,
        protocol: {
          ...told.protocol,
          ...{ kind, family, features: featurizerName(features.spec), unlabelledCostsBudget },
        },
        runs: told.runs,
      };
      cli.result(result, renderRetrospective);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new TitrateError('cancelled', { what: 'stopped' }, { cause: error });
    } finally {
      phases.stop();
    }
  });
});

/** `titrate benchmark …`: what choosing well is worth, on data whose values are known. */
export function benchmarkVerb(program: Command): void {
  const command = program
    .command('benchmark')
    .description('how well strategies find what is known to be there')
    .command('retrospective')
    .description(
      'replay a labelled file: measure a few at random, then choose batch by batch as a campaign does',
    );
  withReplayOptions(command).action(retrospective);
}
