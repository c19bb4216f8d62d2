import { markup, type Html } from '../html';
import { linear, tickLabels, type Scale, type Ticks } from './scale';

/** Colours by role; the style sheet gives each a value for light and for dark pages. */
export type Tone = 'main' | 'second' | 'baseline' | 'muted' | 'goal';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** What a pointer over it says. */
  readonly title?: string;
  /** Instead of the tone's colour. */
  readonly fill?: string;
  readonly hollow?: boolean;
}

export type Mark =
  | {
      readonly kind: 'band';
      readonly points: readonly { readonly x: number; readonly low: number; readonly high: number }[];
      readonly tone: Tone;
    }
  | {
      readonly kind: 'line';
      readonly points: readonly Point[];
      readonly tone: Tone;
      readonly dashed?: boolean;
      readonly dots?: boolean;
      readonly step?: boolean;
    }
  | {
      readonly kind: 'points';
      readonly points: readonly Point[];
      readonly tone: Tone;
      readonly radius?: number;
    }
  | { readonly kind: 'level'; readonly y: number; readonly tone: Tone; readonly label?: string };

export interface Axis extends Ticks {
  readonly label: string;
  /** Instead of the numbers. */
  readonly labels?: readonly string[];
}

export interface PlotSpec {
  /** What the picture shows, for those who do not see it. */
  readonly alt: string;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
}

const FONT_WIDTH = 6.6;
const TOP = 34;
const RIGHT = 18;
const BOTTOM = 46;

/** Coordinates to a tenth of a pixel: finer digits only take room. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

/** An x-y chart as inline SVG, drawn with text as text and coloured by the page's style sheet. */
export function plot(spec: PlotSpec): Html {
  const { width, height, x: xAxis, y: yAxis } = spec;
  const yLabels = yAxis.labels ?? tickLabels(yAxis.values);
  const left = 16 + FONT_WIDTH * Math.max(...yLabels.map((label) => label.length));
  const x = linear(xAxis.domain, [left, width - RIGHT]);
  const y = linear(yAxis.domain, [height - BOTTOM, TOP]);
  const xLabels = xAxis.labels ?? tickLabels(xAxis.values);
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${spec.alt}">
    <g class="grid">
      ${yAxis.values.map((v) => markup`<line x1="${px(left)}" x2="${width - RIGHT}" y1="${px(y(v))}" y2="${px(y(v))}" />`)}
    </g>
    <g class="ticks">
      ${yAxis.values.map((v, i) => markup`<text x="${px(left - 8)}" y="${px(y(v) + 4)}" text-anchor="end">${yLabels[i]}</text>`)}${xAxis.values.map((v, i) => markup`<line x1="${px(x(v))}" x2="${px(x(v))}" y1="${height - BOTTOM}" y2="${height - BOTTOM + 5}" /><text x="${px(x(v))}" y="${height - BOTTOM + 19}" text-anchor="middle">${xLabels[i]}</text>`)}
    </g>
    <line
      class="axis"
      x1="${px(left)}"
      x2="${width - RIGHT}"
      y1="${height - BOTTOM}"
      y2="${height - BOTTOM}"
    />
    <text class="axis-label" x="0" y="14">${yAxis.label}</text>
    <text class="axis-label" x="${width - RIGHT}" y="${height - 8}" text-anchor="end">${xAxis.label}</text>
    ${spec.marks.map((mark) => draw(mark, x, y, [left, width - RIGHT]))}
  </svg>`;
}

const path = (points: readonly (readonly [number, number])[]) =>
  `M${points.map(([a, b]) => `${px(a)},${px(b)}`).join('L')}`;

function draw(mark: Mark, x: Scale, y: Scale, [left, right]: readonly [number, number]): Html {
  switch (mark.kind) {
    case 'band': {
      const high = mark.points.map((p) => [x(p.x), y(p.high)] as const);
      const low = mark.points.map((p) => [x(p.x), y(p.low)] as const).reverse();
      return markup`<path class="band t-${mark.tone}" d="${path([...high, ...low])}Z" />`;
    }
    case 'line': {
      const corners = mark.points.flatMap((p, i): (readonly [number, number])[] => {
        const before = mark.points[i - 1];
        return mark.step && before
          ? [
              [x(p.x), y(before.y)],
              [x(p.x), y(p.y)],
            ]
          : [[x(p.x), y(p.y)]];
      });
      const line =
        corners.length > 1 &&
        markup`<path class="line t-${mark.tone}${mark.dashed ? ' dashed' : ''}" d="${path(corners)}" />`;
      return markup`${line}${(mark.dots || mark.points.length === 1) && dots(mark.points, mark.tone, 4.5, x, y)}`;
    }
    case 'points':
      return dots(mark.points, mark.tone, mark.radius ?? 3.5, x, y);
    case 'level':
      return markup`<line
          class="line t-${mark.tone} dashed"
          x1="${px(left)}"
          x2="${right}"
          y1="${px(y(mark.y))}"
          y2="${px(y(mark.y))}"
        />${mark.label && markup`<text class="level-label" x="${right}" y="${px(y(mark.y) - 6)}" text-anchor="end">${mark.label}</text>`}`;
  }
}

function dots(points: readonly Point[], tone: Tone, radius: number, x: Scale, y: Scale): Html {
  const one = (p: Point) => {
    const at = markup`cx="${px(x(p.x))}" cy="${px(y(p.y))}" r="${radius}"`;
    const fill = p.fill && markup` style="${p.hollow ? 'stroke' : 'fill'}:${p.fill}"`;
    return markup`<circle ${at}${p.hollow && markup` class="hollow"`}${fill}>${p.title && markup`<title>${p.title}</title>`}</circle>`;
  };
  return markup`<g class="dots t-${tone}">${points.map(one)}</g>`;
}
