import { markup, type Html } from '../html';
import { px } from './plot';
import { linear } from './scale';

export interface IntervalSpec {
  readonly predicted: number;
  readonly interval: readonly [number, number];
  readonly measured: number | null;
  /** Shared by all molecules of a batch, so that cards can be compared by eye. */
  readonly domain: readonly [number, number];
  readonly alt: string;
}

const WIDTH = 180;
const HEIGHT = 18;

/** A predicted interval, its mean and the measured value on one line: a few millimetres of picture for a molecule's card. */
export function intervalStrip({ predicted, interval, measured, domain, alt }: IntervalSpec): Html {
  const x = linear(domain, [6, WIDTH - 6]);
  const y = HEIGHT / 2;
  const mark =
    measured !== null && markup`<circle class="measured" cx="${px(x(measured))}" cy="${y}" r="4.5" />`;
  return markup`<svg class="strip" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${alt}">
    <line class="rail" x1="2" x2="${WIDTH - 2}" y1="${y}" y2="${y}" />
    <rect
      class="interval"
      x="${px(x(interval[0]))}"
      y="${y - 3}"
      width="${px(Math.max(1, x(interval[1]) - x(interval[0])))}"
      height="6"
      rx="3"
    />
    <line class="mean" x1="${px(x(predicted))}" x2="${px(x(predicted))}" y1="${y - 6}" y2="${y + 6}" />
    ${mark}
  </svg>`;
}
