import { Command } from 'commander';
import { release } from '../foundation';
import { reportFailure } from './failures';
import { endTraces } from './tracing';
import { batchVerbs } from './verbs/batch';
import { benchVerbs } from './verbs/bench';
import { benchmarkVerb } from './verbs/benchmark';
import { campaignVerbs } from './verbs/campaign';
import { dataVerbs } from './verbs/data';
import { demoVerb } from './verbs/demo';
import { deployVerbs } from './verbs/deploy';
import { doctorVerb } from './verbs/doctor';
import { driftVerb } from './verbs/drift';
import { exploreVerb } from './verbs/explore';
import { modelsVerbs } from './verbs/models';
import { predictVerb } from './verbs/predict';
import { prepareVerb } from './verbs/prepare';
import { reportVerb } from './verbs/report';
import { resultsVerbs } from './verbs/results';
import { serveVerb } from './verbs/serve';
import { trainVerb } from './verbs/train';
import { trackingVerbs } from './verbs/tracking';
import { traceVerb } from './verbs/trace';
import { upVerb } from './verbs/up';

/** The whole command line. Results go to standard output, messages to standard error; exit code 0 done, 1 failed, 2 wrong use. */
export function createProgram(): Command {
  const program = new Command('titrate')
    .description('Active-learning campaigns for molecular discovery')
    .version(release)
    .option('--json', 'print the result as one JSON value')
    .option('--debug', 'print the stack trace of a failure')
    .option('--home <directory>', 'where this installation keeps its data (default: .titrate)')
    .option(
      '--temporal <host:port>',
      'the Temporal server (default: that of the running stack, else 127.0.0.1:7233)',
    )
    .option('--namespace <name>', 'the Temporal namespace')
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride();
  for (const add of [
    upVerb,
    campaignVerbs,
    batchVerbs,
    resultsVerbs,
    dataVerbs,
    exploreVerb,
    trainVerb,
    modelsVerbs,
    deployVerbs,
    trackingVerbs,
    predictVerb,
    prepareVerb,
    serveVerb,
    driftVerb,
    reportVerb,
    traceVerb,
    benchmarkVerb,
    benchVerbs,
    doctorVerb,
    demoVerb,
  ])
    add(program);
  return program;
}

const flushed = (stream: NodeJS.WriteStream) =>
  new Promise<void>((resolve) => stream.write('', () => resolve()));

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<never> {
  // A reader that has seen enough (`titrate batch show … | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  // Nothing left to wait for, and no end reached: that must not look like success.
  const unfinished = () => {
    process.stderr.write('titrate: the command ended before it was done\n');
    process.exitCode = 1;
  };
  process.once('beforeExit', unfinished);
  try {
    await createProgram().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = reportFailure(error, {
      json: argv.includes('--json'),
      debug: argv.includes('--debug'),
    });
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr), endTraces()]);
  // Worker threads and connections of the parts that were used must not keep a finished command alive.
  process.exit();
}

if (require.main === module) void main(process.argv);
