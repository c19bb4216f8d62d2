import { markup, type Html } from '../html';
import { px } from './plot';
import { linear, niceTicks, tickLabels } from './scale';

export interface Segment {
  readonly value: number;
  /** Index into the page's categorical colours, 0 to 7; more wrap round. */
  readonly colour: number;
  readonly hatched: boolean;
  readonly title: string;
}

export interface Bar {
  readonly label: string;
  readonly segments: readonly Segment[];
  /** Printed at the end of the bar. */
  readonly total: string;
}

const ROW = 30;
const THICKNESS = 18;
const TOP = 8;
const BOTTOM = 46;
const RIGHT = 90;
/** Narrower than this and a segment cannot be seen; it is drawn this wide. */
const THINNEST = 1.5;

/** Stacked horizontal bars, one a row, as inline SVG. Hatched segments keep their colour under the hatching. */
export function stackedBars(
  bars: readonly Bar[],
  options: { alt: string; axisLabel: string; width: number },
): Html {
  const { width } = options;
  const height = TOP + ROW * bars.length + BOTTOM;
  const left = 14 + 7 * Math.max(...bars.map((bar) => bar.label.length));
  const ticks = niceTicks(
    bars.map((bar) => bar.segments.reduce((sum, s) => sum + s.value, 0)),
    { zero: true },
  );
  const labels = tickLabels(ticks.values);
  const x = linear(ticks.domain, [left, width - RIGHT]);
  const base = height - BOTTOM;
  const row = (bar: Bar, i: number) => {
    const y = TOP + ROW * i + (ROW - THICKNESS) / 2;
    let from = 0;
    const rects = bar.segments.map((s) => {
      const x0 = x(from);
      from += s.value;
      const rect = (className: string, title: Html | false) =>
        markup`<rect
          class="${className}"
          x="${px(x0)}"
          y="${y}"
          width="${px(Math.max(x(from) - x0, THINNEST))}"
          height="${THICKNESS}">${title}</rect>`;
      return markup`${rect(`c${s.colour % 8}`, markup`<title>${s.title}</title>`)}${s.hatched && rect('hatched', markup`<title>${s.title}</title>`)}`;
    });
    const middle = y + THICKNESS / 2 + 4;
    return markup`<text x="${left - 8}" y="${middle}" text-anchor="end">${bar.label}</text>${rects}<text
        class="total"
        x="${px(x(from) + 8)}"
        y="${middle}">${bar.total}</text>`;
  };
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${options.alt}">
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="hatch-gap" width="3" height="6" />
      </pattern>
    </defs>
    <g class="grid">
      ${ticks.values.map((v) => markup`<line x1="${px(x(v))}" x2="${px(x(v))}" y1="${TOP}" y2="${base}" />`)}
    </g>
    <g class="ticks">
      ${ticks.values.map((v, i) => markup`<text x="${px(x(v))}" y="${base + 18}" text-anchor="middle">${labels[i]}</text>`)}
    </g>
    <g class="bars">${bars.map(row)}</g>
    <text class="axis-label" x="${width - RIGHT}" y="${height - 8}" text-anchor="end">
      ${options.axisLabel}
    </text>
  </svg>`;
}
