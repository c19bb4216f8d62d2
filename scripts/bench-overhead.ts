/**
 * `npm run bench:overhead -- [--pairs 6] [--rounds 2] [--output FILE]`: what watching costs. The example's campaign is run in pairs, each on a
 * stack of its own: one with everything on (metrics counted and scraped every 15 s, the watcher, traces into files, log lines) and one with
 * nothing (`metrics.mode: off`, `tracing.mode: off`, `logLevel: warn`). Both of a pair run at the same time, so that whatever else slows the machine
 * slows both; which is started first takes turns, and since that alone makes a difference of about 1 %, pairs are told two and two, one of each order. The
 * figure is CPU time of all of a stack's processes from ready to the campaign's end, the Temporal server's with them, as a ratio, with its 95 %
 * interval. Linux.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runLabSimulator } from '../src/cli/lab/simulator';
import { resolveCampaign } from '../src/cli/verbs/campaign';
import { campaignTruth } from '../src/cli/verbs/report';
import { WORKFLOWS, type BatchSheet, type CampaignConfig } from '../src/contracts';
import { packageRoot } from '../src/foundation';
import { recordBenchmark } from '../src/platform/bench';
import { openPorts } from '../src/platform/composition';
import { startLocalStack, type LocalStack } from '../src/platform/local-stack';
import { loadSettings, type SettingsInput } from '../src/platform/settings';
import { openClient } from '../src/platform/temporal';
import { meanInterval } from './peers/acquisition/figures';

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '2' },
    output: { type: 'string' },
  },
});

const SCRAPE_EVERY_MS = 15_000;
/** sysconf(_SC_CLK_TCK) of Linux on all machines that Node runs on. */
const TICKS_PER_SECOND = 100;
const EXAMPLE = path.join('examples', 'solubility');
const TRUTH = [`${EXAMPLE}/measured.csv:logS`, `${EXAMPLE}/measured.sdf:SOL`];
const OBSERVED: Readonly<Record<'on' | 'off', SettingsInput>> = {
  on: { logLevel: 'info' },
  off: { metrics: { mode: 'off' }, tracing: { mode: 'off' }, logLevel: 'warn' },
};

const say = (line: string) => process.stderr.write(`${line}\n`);

/** CPU time of a process and of its children that have ended, seconds. */
function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // utime, stime, cutime, cstime: fields 14 to 17, and these begin with the third.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

const cpuByProcess = (stack: LocalStack) =>
  new Map(stack.processes().flatMap(({ name, pid }) => (pid === null ? [] : [[name, cpuOf(pid)]])));

async function playCampaign(
  stack: LocalStack,
  config: CampaignConfig & { campaignId: string },
): Promise<void> {
  const ports = openPorts(stack.settings);
  const client = await openClient(stack.settings);
  const finished = new AbortController();
  try {
    const { campaignId } = config;
    const truth = await campaignTruth(ports, config, TRUTH, 0.1);
    const handle = await client.workflow.start(WORKFLOWS.campaign, {
      ...{ taskQueue: 'orchestration', workflowId: campaignId, args: [config] },
    });
    const laboratory = runLabSimulator({
      ...{ client, campaignId, truth: truth!.values, seed: config.seed, signal: finished.signal },
      loadSheet: async (sha256) =>
        JSON.parse((await ports.objects.get({ sha256 })).toString('utf8')) as BatchSheet,
    });
    await handle.result();
    finished.abort();
    await laboratory.catch(() => {});
  } finally {
    await client.connection.close();
    await ports.close();
  }
}

interface Opened {
  /** @returns CPU seconds by process, from now to the campaign's end */
  measure(): Promise<Map<string, number>>;
  close(): Promise<void>;
}

async function open(observed: 'on' | 'off', rounds: number): Promise<Opened> {
  const home = mkdtempSync(path.join(os.tmpdir(), `titrate-overhead-${observed}-`));
  const settings = loadSettings({ home, workingDirectory: packageRoot, ...OBSERVED[observed] }, {});
  const resolved = resolveCampaign(
    path.join(packageRoot, EXAMPLE, 'campaign.json'),
    { id: 'overhead' },
    new Date(),
  );
  const config = { ...resolved, budget: { ...resolved.budget, rounds } };
  const stack = await startLocalStack({ settings, ports: 'free' });
  const scrape = () =>
    void Promise.all(stack.metrics.map(async ({ url }) => (await fetch(url)).arrayBuffer())).catch(() => {});
  let scraping: NodeJS.Timeout | undefined;
  return {
    async measure() {
      if (observed === 'on') scraping = setInterval(scrape, SCRAPE_EVERY_MS);
      const before = cpuByProcess(stack);
      await playCampaign(stack, config);
      const after = cpuByProcess(stack);
      if (stack.processes().some(({ restarts }) => restarts > 0))
        throw new Error('a process was started again');
      return new Map([...after].map(([name, cpu]) => [name, cpu - before.get(name)!]));
    },
    async close() {
      clearInterval(scraping);
      await stack.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

interface Pair {
  readonly on: number;
  readonly off: number;
  readonly byProcess: Readonly<Record<string, { readonly on: number; readonly off: number }>>;
}

async function runPair(nth: number, rounds: number): Promise<Pair> {
  const order = nth % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const);
  const opened: (readonly ['on' | 'off', Opened])[] = [];
  let measured: Map<string, Map<string, number>>;
  try {
    for (const observed of order) opened.push([observed, await open(observed, rounds)]);
    measured = new Map(
      await Promise.all(opened.map(async ([observed, stack]) => [observed, await stack.measure()] as const)),
    );
  } finally {
    for (const [, stack] of opened) await stack.close();
  }
  const [on, off] = [measured.get('on')!, measured.get('off')!];
  const total = (of: Map<string, number>) => [...of.values()].reduce((sum, cpu) => sum + cpu, 0);
  const byProcess = Object.fromEntries(
    [...on].map(([name, cpu]) => [name, { on: cpu, off: off.get(name)! }]),
  );
  return { on: total(on), off: total(off), byProcess };
}

/** Mean ratio and its 95 % interval, on the logarithms: each of both orders' mean, so that the order is out of it. */
function ratioOf(pairs: readonly Pair[]) {
  const logs = pairs.map(({ on, off }) => Math.log(on / off));
  const twos = logs.flatMap((log, nth) => (nth % 2 === 1 ? [(log + logs[nth - 1]!) / 2] : []));
  const { mean, lower, upper } = meanInterval(twos);
  return { ratio: Math.exp(mean), interval95: [Math.exp(lower), Math.exp(upper)] as const };
}

async function main(): Promise<void> {
  const [pairs, rounds] = [Number(options.pairs), Number(options.rounds)];
  if (!(pairs >= 4 && pairs % 2 === 0 && rounds >= 1))
    throw new Error('expected --pairs of 4 or more, an even number, and --rounds of 1 or more');
  // The disk has read everything once.
  const first = await open('off', 1);
  await first.measure().finally(() => first.close());
  const done: Pair[] = [];
  for (let nth = 0; nth < pairs; nth++) {
    const pair = await runPair(nth, rounds);
    done.push(pair);
    say(
      `pair ${nth + 1}: on ${pair.on.toFixed(2)} s, off ${pair.off.toFixed(2)} s, ratio ${(pair.on / pair.off).toFixed(4)}`,
    );
  }
  const { ratio, interval95 } = ratioOf(done);
  const [low, high] = interval95;
  const json = `${JSON.stringify({ pairs: done, rounds, ratio, interval95 }, null, 2)}\n`;
  if (options.output) writeFileSync(options.output, json);
  process.stdout.write(json);
  say(
    `CPU with everything watched, by CPU without: ${ratio.toFixed(4)} (95 %: ${low.toFixed(4)} to ${high.toFixed(4)}), ${pairs} pairs`,
  );
  recordBenchmark('overhead', [
    { name: 'CPU with everything watched, by CPU without', value: ratio, unit: 'ratio' },
  ]);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    say(error.message);
    process.exit(1);
  },
);
