/**
 * `node dist/scripts/bench-drift.js --data FOLDER --cache FOLDER`: the drift detectors on streams of real molecules in which one thing changes, by a
 * known amount: found after how many rows, under which name; and on streams in which nothing does: false alarms. With `--python FILE`, an
 * environment of scripts/peers/drift/requirements.txt, Evidently and Alibi Detect on the same streams. See docs/drift.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DESCRIPTOR_NAMES } from '../src/chemistry';
import type { DriftLook } from '../src/contracts';
import { driftReference, HISTORY_WINDOWS, look, type DriftSample } from '../src/drift';
import { packageRoot } from '../src/foundation';
import { recordBenchmark } from '../src/platform/bench';
import { populations } from './peers/drift/molecules';
import { sampleOf, SCENARIOS, undisturbed, type Stream, type StreamRow } from './peers/drift/streams';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    cache: { type: 'string' },
    /** Streams a scenario. */
    seeds: { type: 'string', default: '20' },
    /** Looks at undisturbed streams. */
    looks: { type: 'string', default: '30000' },
    python: { type: 'string' },
    /** Streams a scenario that the peers see, and undisturbed streams beside them. */
    'peer-seeds': { type: 'string', default: '3' },
    output: { type: 'string' },
  },
});

const UNDISTURBED_WINDOWS = [50, 100, 200] as const;
const UNDISTURBED_SEED = 1000;

const say = (line: string) => process.stderr.write(`${line}\n`);
const isAlarm = ({ verdict }: DriftLook) => verdict === 'act' || verdict === 'watch';

/** Looks at every whole window of a stream. */
function* looksAt({ reference, rows, window }: Stream): Generator<{ from: number; found: DriftLook }> {
  const known = driftReference(sampleOf(reference));
  let history: DriftSample[] = [];
  for (let from = 0; from + window <= rows.length; from += window) {
    const sample = sampleOf(rows.slice(from, from + window));
    yield { from, found: look(known, history, sample) };
    history = [...history, sample].slice(-HISTORY_WINDOWS);
  }
}

type Populations = Awaited<ReturnType<typeof populations>>;

interface ScenarioFigures {
  readonly scenario: string;
  readonly population: string;
  readonly effect: string;
  readonly streams: number;
  /** Found no later than it had to be. */
  readonly inTime: number;
  /** Of these, under the right name at the first alarm. */
  readonly named: number;
  readonly medianDelay: number | null;
  readonly otherNames: readonly string[];
  /** Alarms before anything changed. */
  readonly early: number;
}

function detect(pools: Populations, seeds: number): ScenarioFigures[] {
  return SCENARIOS.map((scenario) => {
    const delays: number[] = [];
    const names: string[] = [];
    let early = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const stream = scenario.make(pools, seed);
      for (const { from, found } of looksAt(stream)) {
        if (from < stream.changeAt) {
          if (isAlarm(found)) early++;
          continue;
        }
        if (found.verdict !== 'act') continue;
        const delay = from + stream.window - stream.changeAt;
        const { cause = 'none', of = undefined } = found.diagnosis ?? {};
        if (delay <= scenario.within) {
          delays.push(delay);
          names.push(of ? `${cause} of ${of}` : cause);
        }
        break;
      }
    }
    const right = scenario.of ? `${scenario.cause} of ${scenario.of}` : scenario.cause;
    const named = names.filter((name) => name === right).length;
    say(
      `${scenario.population}, ${scenario.name}: ${delays.length} of ${seeds} in time, ${named} named rightly`,
    );
    return {
      scenario: scenario.name,
      population: scenario.population,
      effect: scenario.effect,
      streams: seeds,
      inTime: delays.length,
      named,
      medianDelay: delays.sort((a, b) => a - b)[delays.length >> 1] ?? null,
      otherNames: [...new Set(names.filter((name) => name !== right))],
      early,
    };
  });
}

function falseAlarms(pools: Populations, wanted: number) {
  const alarms: string[] = [];
  const before = process.cpuUsage();
  let looks = 0;
  for (let seed = 1; looks < wanted; seed++) {
    for (const name of ['lipophilicity', 'docking']) {
      for (const window of UNDISTURBED_WINDOWS) {
        const stream = undisturbed(pools.get(name)!, window, UNDISTURBED_SEED * seed + window);
        for (const { from, found } of looksAt(stream)) {
          looks++;
          if (isAlarm(found))
            alarms.push(
              `${name}, windows of ${window}, seed ${seed}, row ${from}: ${found.findings
                .filter(({ verdict }) => verdict === 'act' || verdict === 'watch')
                .map((finding) => `${finding.name} ${finding.verdict}`)
                .join(', ')}`,
            );
        }
      }
    }
    say(`${looks} looks at undisturbed streams, ${alarms.length} alarms`);
  }
  const { user, system } = process.cpuUsage(before);
  return { looks, alarms, cpuSecondsALook: (user + system) / 1e6 / Math.max(1, looks) };
}

const COLUMNS = [...DESCRIPTOR_NAMES, 'predicted', 'deviation', 'residual'];

/** What the peers are given: descriptors, what was predicted, and how far off it was. */
function tableOf(rows: readonly StreamRow[], columns: readonly string[]): number[][] {
  return rows.map(({ descriptors, predicted, deviation, observed }) =>
    [...descriptors, predicted, deviation, observed! - predicted!]
      .slice(0, columns.length)
      .map((value) => value ?? 0),
  );
}

function peers(pools: Populations, python: string, cache: string, seeds: number): unknown[] {
  const streams = [
    ...SCENARIOS.flatMap((scenario) =>
      Array.from({ length: seeds }, (_, i) => ({
        name: `${scenario.population}, ${scenario.name}`,
        stream: scenario.make(pools, i + 1),
      })),
    ),
    ...Array.from({ length: seeds }, (_, i) => ({
      name: 'undisturbed',
      stream: undisturbed(pools.get('lipophilicity')!, 200, UNDISTURBED_SEED * (i + 1)),
    })),
  ].map(({ name, stream }) => {
    // Molecules of another library have no predictions.
    const columns = stream.rows.some(({ predicted }) => predicted === null) ? [...DESCRIPTOR_NAMES] : COLUMNS;
    const windows: number[][][] = [];
    for (let from = 0; from + stream.window <= stream.rows.length; from += stream.window)
      windows.push(tableOf(stream.rows.slice(from, from + stream.window), columns));
    const changed = Math.floor(stream.changeAt / stream.window);
    return { name, columns, reference: tableOf(stream.reference, columns), windows, changed };
  });
  const file = path.join(cache, 'streams.json');
  writeFileSync(file, JSON.stringify(streams));
  const script = path.join(packageRoot, 'scripts/peers/drift/peers.py');
  const { status, stdout, stderr } = spawnSync(python, [script, file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(`the peers failed:\n${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => summaryOf(JSON.parse(line) as PeerAnswer));
}

interface PeerAnswer {
  readonly method: string;
  readonly cpuSecondsALook: number;
  readonly streams: readonly {
    readonly name: string;
    readonly changed: number;
    readonly windows: readonly Readonly<Record<string, boolean>>[];
  }[];
}

/** For each rule of a method: streams in which the first changed window, or any, is told; and alarms before the change. */
function summaryOf({ method, cpuSecondsALook, streams }: PeerAnswer) {
  const rules = Object.keys(streams[0]!.windows[0]!);
  const byRule = rules.map((rule) => {
    const quiet = streams.flatMap(({ windows, changed }) => windows.slice(0, changed));
    const found: Record<string, string> = {};
    for (const name of new Set(streams.map((stream) => stream.name))) {
      const own = streams.filter((stream) => stream.name === name && stream.windows.length > stream.changed);
      const at = own.filter(({ windows, changed }) => windows[changed]![rule]).length;
      const ever = own.filter(({ windows, changed }) =>
        windows.slice(changed).some((window) => window[rule]),
      ).length;
      if (own.length) found[name] = `${at} at once, ${ever} at all, of ${own.length}`;
    }
    return {
      rule,
      falseAlarms: `${quiet.filter((window) => window[rule]).length} of ${quiet.length}`,
      found,
    };
  });
  return { method, cpuSecondsALook, rules: byRule };
}

async function main(): Promise<void> {
  const { data, cache, python } = values;
  if (!data || !cache) throw new Error('--data FOLDER and --cache FOLDER are needed');
  const pools = await populations(data, cache);
  const scenarios = detect(pools, Number(values.seeds));
  const quiet = Number(values.looks) > 0 ? falseAlarms(pools, Number(values.looks)) : null;
  const beside = python ? peers(pools, python, cache, Number(values['peer-seeds'])) : null;
  const report = `${JSON.stringify({ scenarios, undisturbed: quiet, peers: beside }, null, 2)}\n`;
  process.stdout.write(report);
  recordBenchmark('drift', [
    ...scenarios.map(({ scenario, population, streams, inTime }) => ({
      ...{ name: `${population}, ${scenario}: found in time`, value: inTime / streams, unit: 'share' },
      ...{ better: 'higher' as const, steady: true },
    })),
    ...(quiet
      ? [
          { name: 'alarms', value: quiet.alarms.length / quiet.looks, unit: 'a look', steady: true },
          { name: 'a look', value: quiet.cpuSecondsALook, unit: 'CPU s' },
        ]
      : []),
  ]);
  if (values.output) writeFileSync(values.output, report);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
