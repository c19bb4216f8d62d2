import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { TitrateError } from '../../contracts';
import { packageRoot } from '../../foundation';
import {
  compareHistory,
  historyFile,
  readHistoryFile,
  type BenchRecord,
  type FigureComparison,
} from '../../platform/bench';
import { verb, type Cli } from '../context';
import { formatNumber, table } from '../table';

const short = (value: number | null) => (value === null ? null : formatNumber(Number(value.toPrecision(4))));

function history(cli: Cli): readonly BenchRecord[] {
  const file = historyFile(cli.settings.home);
  if (file === null)
    throw new TitrateError('usage', {
      what: 'the history of benchmarks is switched off',
      where: 'TITRATE_BENCH_HISTORY',
      remedy: 'Unset it, or name a file',
    });
  const { records, unreadable } = readHistoryFile(file);
  if (unreadable.length > 0)
    cli.say(`${file}: lines ${unreadable.join(', ')} are no records and are left out`);
  return records;
}

/** npm scripts of the benchmarks by name: `bench` is `main`, `bench:pool` is `pool`. */
function scripts(): ReadonlyMap<string, string> {
  const file = path.join(packageRoot, 'package.json');
  const { scripts = {} } = JSON.parse(readFileSync(file, 'utf8')) as { scripts?: Record<string, string> };
  return new Map(
    Object.keys(scripts).flatMap((script) => {
      const [, name] = /^bench(?::(.+))?$/.exec(script) ?? [];
      return script === 'bench' ? [['main', script] as const] : name ? [[name, script] as const] : [];
    }),
  );
}

const list = verb(async (cli) => {
  const records = history(cli);
  const names = [...new Set([...scripts().keys(), ...records.map(({ benchmark }) => benchmark)])].sort();
  const benchmarks = names.map((name) => {
    const own = records.filter(({ benchmark }) => benchmark === name);
    return {
      name,
      records: own.length,
      latest: own.at(-1)?.at ?? null,
      revision: own.at(-1)?.revision ?? null,
    };
  });
  cli.result({ benchmarks }, () =>
    table(
      ['benchmark', 'records', 'latest', 'revision'],
      benchmarks.map((one) => [one.name, one.records, one.latest, one.revision]),
    ),
  );
});

const show = verb<[string], object>(async (cli, _options, name) => {
  const records = history(cli).filter(({ benchmark }) => benchmark === name);
  if (records.length === 0)
    throw new TitrateError('not-found', {
      what: `there is no record of the benchmark '${name}'`,
      where: historyFile(cli.settings.home) ?? '',
      remedy: `Known: ${[...scripts().keys()].join(', ')}; run one with 'titrate bench run ${name}'`,
    });
  cli.result({ records }, () =>
    records
      .map(({ at, revision, machine, options, figures }) =>
        [
          `${at}  ${revision}  ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${options ? `  ${options}` : ''}`,
          table(
            ['figure', 'value', 'unit', 'peer', "peer's", 'ratio'],
            figures.map((one) => [
              one.name,
              short(one.value),
              one.unit,
              one.peer?.name,
              short(one.peer?.value ?? null),
              short(one.ratio),
            ]),
          ),
        ].join('\n'),
      )
      .join('\n\n'),
  );
});

interface CompareOptions {
  readonly against?: string;
  readonly failOnRegression?: boolean;
}

const shown = (one: FigureComparison) => [
  one.benchmark,
  one.figure,
  one.by === 'ratio' ? `to ${one.peer}` : 'value',
  short(one.latest),
  short(one.median),
  one.worseBy === null ? null : `${(100 * one.worseBy).toFixed(1)} %`,
  one.earlier,
  one.verdict,
];

const compare = verb<[string | undefined], CompareOptions>(async (cli, options, benchmark) => {
  const comparisons = compareHistory(history(cli), { benchmark, against: options.against });
  if (comparisons.length === 0)
    throw new TitrateError('not-found', {
      what: benchmark ? `there is no record of the benchmark '${benchmark}'` : 'no benchmark is on record',
      where: historyFile(cli.settings.home) ?? '',
      remedy: "Run one with 'titrate bench run NAME'",
    });
  const regressions = comparisons.filter(({ verdict }) => verdict === 'regression');
  cli.result({ comparisons, regressions: regressions.length }, () =>
    [
      table(
        ['benchmark', 'figure', 'by', 'latest', 'median', 'worse by', 'earlier', 'verdict'],
        comparisons.map(shown),
      ),
      ...regressions.map((one) => `${one.benchmark}, ${one.figure}: worse; ${one.why}`),
    ].join('\n'),
  );
  return options.failOnRegression && regressions.length > 0 ? 1 : 0;
});

const run = verb<[string, string[]], object>(async (cli, _options, name, args) => {
  const script = scripts().get(name);
  if (!script || !existsSync(path.join(packageRoot, 'scripts/build.cjs')))
    throw new TitrateError('not-found', {
      what: script ? 'benchmarks run in a checkout, which this is not' : `there is no benchmark '${name}'`,
      where: packageRoot,
      remedy: script ? 'Clone the repository' : `Known: ${[...scripts().keys()].join(', ')}`,
    });
  const file = historyFile(path.resolve(cli.settings.home));
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: packageRoot,
    stdio: 'inherit',
    env: { ...process.env, ...(file && { TITRATE_BENCH_HISTORY: path.resolve(file) }) },
  });
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0 ? 0 : 1));
  });
});

/** `titrate bench …`: what benchmarks have measured, and whether it has become worse. */
export function benchVerbs(program: Command): void {
  const bench = program
    .command('bench')
    .description('benchmarks of this program: run them, and see whether they have become worse');
  bench.command('list').description('benchmarks, and how often each is on record').action(list);
  bench.command('show <benchmark>').description('every record of one benchmark').action(show);
  bench
    .command('compare [benchmark]')
    .description(
      'the latest record of each benchmark against the earlier ones of the same machine, by the ratio to the peer of the same run',
    )
    .option('--against <revision>', 'only records of this revision count as earlier')
    .option('--fail-on-regression', 'exit code 1 where something has become worse')
    .action(compare);
  bench
    .command('run <benchmark> [arguments...]')
    .description("run a benchmark: 'titrate bench run pool -- --labelled FILE …'")
    .action(run);
}
