import type { Tone } from './charts/plot';
import { count } from './format';
import { markup, type Html } from './html';

type Cell = Html | string;

export interface Column {
  readonly head: string;
  /** Numbers stand on the right, so that their digits line up. */
  readonly numeric?: boolean;
}

/** A table that scrolls sideways by itself where a screen is too narrow for it. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  rowClass?: (row: number) => string,
): Html {
  const head = columns.map(
    (column) => markup`<th scope="col" ${column.numeric && markup` class="n"`}>${column.head}</th>`,
  );
  const line = (row: readonly Cell[], r: number) => {
    const cells = row.map((cell, i) => {
      const cls = columns[i]!.numeric && markup` class="n"`;
      return i === 0 ? markup`<th scope="row" ${cls}>${cell}</th>` : markup`<td${cls}>${cell}</td>`;
    });
    return markup`<tr${rowClass?.(r) && markup` class="${rowClass(r)}"`}>${cells}</tr>\n`;
  };
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows.map(line)}
      </tbody>
    </table>
  </div>`;
}

/** Most rows of numbers behind one chart; the artifacts named beside it hold all of them. */
const MOST_ROWS = 500;

/** The numbers behind a chart, folded away. */
export function dataTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Html {
  const more =
    rows.length > MOST_ROWS &&
    markup`<p class="note">
      The first ${count(MOST_ROWS)} of ${count(rows.length)} rows; the artifacts named here hold all of them.
    </p>`;
  return markup`<details class="data">
    <summary>Numbers</summary>
    ${table(caption, columns, rows.slice(0, MOST_ROWS))}${more}
  </details>`;
}

export interface LegendEntry {
  readonly label: string;
  readonly tone?: Tone;
  readonly shape: 'line' | 'dashed' | 'band' | 'dot' | 'ring' | 'hatch' | 'square';
  readonly fill?: string;
  /** Index of a categorical colour, for squares. */
  readonly colour?: number;
}

export function legend(entries: readonly LegendEntry[]): Html {
  const one = (entry: LegendEntry) => {
    const cls = [
      'key',
      `k-${entry.shape}`,
      entry.tone && `t-${entry.tone}`,
      entry.colour !== undefined && `c${entry.colour % 8}`,
    ];
    const fill = entry.fill && markup` style="--key:${entry.fill}"`;
    return markup`<span class="entry"><span class="${cls.filter(Boolean).join(' ')}" ${fill}></span>${entry.label}</span>`;
  };
  return markup`<p class="legend">${entries.map(one)}</p>`;
}

export interface FigureParts {
  readonly title: string;
  /** What the figure says, in a sentence or two. */
  readonly finding?: Cell;
  readonly legend?: readonly LegendEntry[];
  readonly chart: Html;
  readonly note?: Cell;
  readonly data?: Html;
  readonly sources: Html;
  readonly wide?: boolean;
}

export function figure(parts: FigureParts): Html {
  const { wide, title, finding, chart, note, data, sources } = parts;
  const head = markup`<figcaption><h3>${title}</h3>${finding && markup`<p class="finding">${finding}</p>`}${parts.legend && legend(parts.legend)}</figcaption>`;
  return markup`<figure class="${wide ? 'wide' : 'half'}">${head}${chart}<div class="foot">${note && markup`<p class="note">${note}</p>`}${data}${sources}</div></figure>`;
}

export function section(id: string, title: string, body: Cell | readonly Cell[]): Html {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${body}
  </section> `;
}
