import { InvalidArgumentError, type Command } from 'commander';
import { roundTraceId, TitrateError } from '../../contracts';
import { spanDirectory, traceEndpoint } from '../../platform/trace-places';
import type { Settings } from '../../platform/settings';
import { verb } from '../context';

interface TraceOptions {
  readonly round?: number;
}

function roundNumber(text: string): number {
  const round = Number(text);
  if (!Number.isInteger(round) || round < 1)
    throw new InvalidArgumentError('expected the number of a round, from 1');
  return round;
}

const nothing = (settings: Settings, what: string, remedy: string): TitrateError =>
  new TitrateError('not-found', {
    what,
    where: spanDirectory(settings) ?? 'settings tracing',
    remedy,
  });

/** Where the spans are that are not here. */
function elsewhere(settings: Settings, campaign: string, round?: number): TitrateError {
  if (settings.tracing.mode === 'off')
    return nothing(
      settings,
      'traces are off',
      'Set tracing.mode: on, or TITRATE_TRACING=on, for the workers',
    );
  const endpoint = traceEndpoint(settings);
  if (!endpoint)
    return nothing(
      settings,
      'no spans are kept: there is neither a directory nor a collector',
      'Set tracing.endpoint or tracing.directory for the workers',
    );
  const traceId = round === undefined ? undefined : roundTraceId(campaign, round);
  return nothing(
    settings,
    `the spans are with the collector at ${endpoint}`,
    traceId
      ? `Look for trace ${traceId} there`
      : `Look for titrate.campaign = ${campaign} there, or name a round to be told its trace id`,
  );
}

const trace = verb<[string], TraceOptions>(async (cli, options, campaign) => {
  const { settings } = cli;
  const directory = spanDirectory(settings);
  if (!directory) throw elsewhere(settings, campaign, options.round);
  const [{ readTrace, tracedRounds }, { inOrder, spanTree }, { showTrace, traceView }] = await Promise.all([
    import('../../observability/tracing/read-spans'),
    import('../../observability/tracing/span-tree'),
    import('../trace-view'),
  ]);
  const rounds = await tracedRounds(directory, campaign);
  const round = options.round ?? rounds.at(-1);
  if (round === undefined)
    throw nothing(
      settings,
      `there are no spans of a campaign '${campaign}'`,
      "See 'titrate campaign list'; spans are there a second after they ended, and those of workers on other machines lie there",
    );
  const traceId = roundTraceId(campaign, round);
  const spans = await readTrace(directory, traceId);
  if (spans.length === 0)
    throw nothing(
      settings,
      `there are no spans of round ${round} of '${campaign}' (trace ${traceId})`,
      rounds.length
        ? `There are of: ${rounds.join(', ')}`
        : `Rounds that tracing.share leaves out have none; look at the campaign's id with 'titrate campaign list'`,
    );
  const nodes = inOrder(spanTree(spans, { campaign, round }));
  cli.result(traceView({ campaign, round, traceId }, nodes), showTrace);
});

/** `titrate trace`: from the files of spans in the home directory; no server is needed. */
export function traceVerb(program: Command): void {
  program
    .command('trace <campaign>')
    .description('a round as a tree of what was done where, and what its end waited for')
    .option('--round <number>', 'which round (default: the last one)', roundNumber)
    .action(trace);
}
