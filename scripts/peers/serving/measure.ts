import { cpuSeconds, load, residentBytes, type Contestant, type Cores } from './contestants';
import type { LoadReport, Times } from './load';

export interface Setting {
  readonly cores: Cores;
  /** SMILES, one a line. */
  readonly molecules: string;
  /** Of each stretch that is measured. */
  readonly seconds: number;
  /** Before it, at full load: compiling WebAssembly takes a while. */
  readonly warmSeconds: number;
}

export interface Speed {
  /** One request at a time, nothing else to do. */
  readonly floor: Times;
  /** Requests a second, CLIENTS asking as fast as they are answered. */
  readonly saturation: number;
  /** Of the server, all of its threads, at saturation. */
  readonly cpuMsPerRequest: number;
  /** At half of saturation, Poisson arrivals, from when they were due. */
  readonly half: Times;
  readonly p99OverFloorMs: number;
  /** Answers other than 200, over all of it. */
  readonly failed: number;
}

const CLIENTS = 64;
const FLOOR_REQUESTS = 300;
/** Where in the list of molecules each stretch begins: none is asked for twice within a stretch. */
const FROM = { warm: 30_000, floor: 0, saturation: 300, half: 15_000, surge: 0 };
/** Enough that those who wait for an answer keep nobody from asking. */
const SURGE_CONNECTIONS = 6144;
const SURGE = 10;
const WATCH_MS = 250;

const countOf = ({ byStatus }: LoadReport, wanted: (status: string) => boolean) =>
  Object.entries(byStatus).reduce((sum, [status, { n }]) => sum + (wanted(status) ? n : 0), 0);
const failures = (report: LoadReport) => countOf(report, (status) => status !== '200');
const NONE: Times = { n: 0, p50: null, p99: null, max: null, within50: null };

export async function measureSpeed(server: Contestant, setting: Setting): Promise<Speed> {
  const { cores, molecules, seconds, warmSeconds } = setting;
  const common = { address: server.address, molecules };
  const closed = (from: number, length: number) =>
    load(cores, { ...common, kind: 'closed', from, seconds: length, connections: CLIENTS });
  await closed(FROM.warm, warmSeconds);
  const serial = { kind: 'serial', from: FROM.floor, requests: FLOOR_REQUESTS, connections: 1 } as const;
  const floor = await load(cores, { ...common, ...serial });
  const before = cpuSeconds(server);
  const full = await closed(FROM.saturation, seconds);
  const cpu = cpuSeconds(server) - before;
  const answered = countOf(full, (status) => status === '200');
  const saturation = answered / full.seconds;
  const arrivals = { kind: 'open', from: FROM.half, rate: saturation / 2, seconds, seed: 1 } as const;
  const half = await load(cores, { ...common, ...arrivals, connections: 4 * CLIENTS });
  const [idle, busy] = [floor.byStatus['200'] ?? NONE, half.byStatus['200'] ?? NONE];
  return {
    floor: idle,
    saturation,
    cpuMsPerRequest: (1000 * cpu) / answered,
    half: busy,
    p99OverFloorMs: busy.p99! - idle.p99!,
    failed: failures(floor) + failures(full) + failures(half),
  };
}

export interface SurgeReport {
  /** Requests that were due, a second. */
  readonly offered: number;
  readonly served: Times;
  readonly refused: Times;
  /** From when it was sent: a generator that falls behind is no server that does. */
  readonly refusedSinceSent: Times;
  /** Answers that are neither, and connections that broke. */
  readonly other: number;
  readonly sentLateMs: number;
  readonly waitedForConnection: number;
  readonly memoryMegabytes: { readonly before: number; readonly most: number; readonly after: number };
  /** Until single requests are as quick as before, from the end of the arrivals and of what was let in; null after 30 s. */
  readonly recoveredSeconds: number | null;
  readonly alive: boolean;
}

/** Ten times saturation, then single requests until they are answered as quickly as they were with nothing else to do. */
export async function measureSurge(
  server: Contestant,
  { cores, molecules }: Setting,
  { saturation, floor }: Speed,
  seconds: number,
): Promise<SurgeReport> {
  const common = { address: server.address, molecules, from: FROM.surge };
  const rate = SURGE * saturation;
  const before = residentBytes(server);
  let most = before;
  const watch = setInterval(() => {
    if (server.process.exitCode === null) most = Math.max(most, residentBytes(server));
  }, WATCH_MS);
  const surge = await load(cores, {
    ...{ ...common, kind: 'open', rate, seconds, seed: 2, connections: SURGE_CONNECTIONS },
  }).finally(() => clearInterval(watch));
  // What was let in is part of the surge: recovery counts from the end of the arrivals.
  const drained = surge.seconds - seconds;
  const withinMs = floor.p99! + 25;
  const after = await load(cores, { ...common, kind: 'recovery', withinMs, connections: 1 });
  const alive = server.process.exitCode === null;
  const recovered = after.recoveredSeconds ?? null;
  return {
    offered: countOf(surge, () => true) / seconds,
    served: surge.byStatus['200'] ?? NONE,
    refused: surge.byStatus['429'] ?? NONE,
    refusedSinceSent: surge.sinceSent['429'] ?? NONE,
    other: countOf(surge, (status) => status !== '200' && status !== '429'),
    sentLateMs: surge.sentLateMs,
    waitedForConnection: surge.waited,
    memoryMegabytes: {
      ...{ before: before / 1e6, most: most / 1e6 },
      after: alive ? residentBytes(server) / 1e6 : 0,
    },
    recoveredSeconds: recovered === null ? null : drained + recovered,
    alive,
  };
}
