import type { Speed, SurgeReport } from './measure';

export interface ModelFigures {
  readonly model: string;
  /** Molecules a second of the bare featurizer and model. */
  readonly bare: number;
  readonly titrate: Speed;
  readonly peer:
    | (Speed & {
        /** Of the values that the two services give, absolute, in the unit of the property. */
        readonly agreement: { readonly compared: number; readonly median: number; readonly most: number };
      })
    | null;
}

/** What is asked of the server. */
const WANTED = {
  overFloorMs: 25,
  ofBare: 0.7,
  ofPeer: 1.5,
  refusedMs: 50,
  recoveredSeconds: 5,
  /** Memory that a surge may take, megabytes: connections, and what is let in. */
  growthMegabytes: 512,
};

interface Row {
  readonly figure: string;
  readonly found: string;
  readonly wanted: string;
  readonly met: boolean | null;
}

const round = (value: number | null, digits = 1) => (value === null ? 'none' : value.toFixed(digits));

function speedRows({ model, bare, titrate, peer }: ModelFigures): Row[] {
  const { floor, half, saturation, p99OverFloorMs, cpuMsPerRequest, failed } = titrate;
  const share = saturation / bare;
  const rows: Row[] = [
    {
      figure: `${model}: p99 at half of saturation over the floor's, ms`,
      found: `${round(p99OverFloorMs)} (${round(half.p99)} over ${round(floor.p99)})`,
      wanted: `at most ${WANTED.overFloorMs}`,
      met: p99OverFloorMs <= WANTED.overFloorMs && failed === 0,
    },
    {
      figure: `${model}: saturation, of the bare featurizer and model`,
      found: `${round(100 * share)} % (${round(saturation, 0)} of ${round(bare, 0)} a second)`,
      wanted: `at least ${100 * WANTED.ofBare} %`,
      met: share >= WANTED.ofBare,
    },
  ];
  if (!peer) return rows;
  const ratio = saturation / peer.saturation;
  const cpu = peer.cpuMsPerRequest / cpuMsPerRequest;
  return [
    ...rows,
    {
      figure: `${model}: saturation, of FastAPI's`,
      found: `${round(ratio, 2)} times (${round(saturation, 0)} against ${round(peer.saturation, 0)} a second)`,
      wanted: `at least ${WANTED.ofPeer} times`,
      met: ratio >= WANTED.ofPeer && peer.failed === 0,
    },
    {
      figure: `${model}: CPU a request, ms`,
      found: `${round(cpuMsPerRequest, 2)} against ${round(peer.cpuMsPerRequest, 2)} (${round(cpu, 2)} times)`,
      wanted: '',
      met: null,
    },
    {
      figure: `${model}: difference of the two services' values`,
      found: `median ${peer.agreement.median.toExponential(1)}, most ${peer.agreement.most.toExponential(1)}, of ${peer.agreement.compared}`,
      wanted: '',
      met: null,
    },
  ];
}

function surgeRows(surge: SurgeReport): Row[] {
  const { offered, served, refused, refusedSinceSent, other, recoveredSeconds, alive } = surge;
  const { memoryMegabytes: memory, sentLateMs } = surge;
  return [
    {
      figure: 'surge: offered a second; served, refused, anything else',
      found: `${round(offered, 0)}; ${served.n}, ${refused.n}, ${other}`,
      wanted: 'nothing else, no crash',
      met: other === 0 && alive && served.n > 0,
    },
    {
      figure: 'surge: served, ms',
      found: `p50 ${round(served.p50)}, p99 ${round(served.p99)}`,
      wanted: '',
      met: null,
    },
    {
      figure: 'surge: refused, ms from when due',
      found: `p50 ${round(refused.p50)}, p99 ${round(refused.p99)}, max ${round(refused.max)}; ${round(100 * (refused.within50 ?? 0), 2)} % within ${WANTED.refusedMs}`,
      wanted: `p99 at most ${WANTED.refusedMs}`,
      met: refused.p99 !== null && refused.p99 <= WANTED.refusedMs,
    },
    {
      figure: 'surge: refused, ms from when sent',
      found: `p50 ${round(refusedSinceSent.p50)}, p99 ${round(refusedSinceSent.p99)}; the load was late by ${round(sentLateMs)} at worst`,
      wanted: '',
      met: null,
    },
    {
      figure: 'surge: resident memory before, most, after, MB',
      found: [memory.before, memory.most, memory.after].map((value) => round(value, 0)).join(', '),
      wanted: `at most ${WANTED.growthMegabytes} more`,
      met: memory.most - memory.before <= WANTED.growthMegabytes,
    },
    {
      figure: 'surge: recovered after, s',
      found: round(recoveredSeconds),
      wanted: `at most ${WANTED.recoveredSeconds}`,
      met: recoveredSeconds !== null && recoveredSeconds <= WANTED.recoveredSeconds,
    },
  ];
}

/** Markdown. */
export function tableOf(figures: readonly ModelFigures[], surge: SurgeReport | null): string {
  const rows = [...figures.flatMap(speedRows), ...(surge ? surgeRows(surge) : [])];
  const lines = rows.map(
    ({ figure, found, wanted, met }) =>
      `| ${figure} | ${found} | ${wanted} | ${met === null ? '' : met ? 'met' : 'NOT MET'} |`,
  );
  return ['| figure | found | wanted | |', '|---|---|---|---|', ...lines, ''].join('\n');
}
