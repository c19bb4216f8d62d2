import type { Depict } from './reporting';

/** Declarations that say what SVG does anyway. */
const DEFAULT_STYLES =
  /(?:fill-rule:evenodd|stroke-linecap:butt|stroke-linejoin:miter|stroke-opacity:1|stroke-miterlimit:10|opacity:1\.0);?/g;

/** Ink of drawings on a dark page. */
const INK_ON_DARK = '#e6edf1';
/** Least relative luminance (WCAG 2) of a colour on a dark page: about 6:1 against the page's dark paper. */
const LEAST_LUMINANCE = 0.3;

/** Relative luminance of channels 0-255 (WCAG 2.2). */
function luminance(channels: readonly number[]): number {
  const [r, g, b] = channels.map((c) => (c <= 10.31 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** The colour for a dark page: black becomes the page's ink, others are mixed with white until they can be read. */
function onDark(colour: string): string {
  const channels = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  if (channels.every((c) => c < 32)) return INK_ON_DARK;
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = channels.map((c) => Math.round(c + (255 - c) * share));
    if (luminance(mixed) >= LEAST_LUMINANCE)
      return `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`;
  }
  return INK_ON_DARK;
}

/** Shorter path data that draws the same: RDKit's coordinates already have one decimal. */
const shortPath = (data: string) =>
  data
    .replace(/\s*([MLQCZ])\s*/g, '$1')
    .replace(/[\s,]+/g, ' ')
    .replace(/(\d)\.0(?!\d)/g, '$1')
    .trim();

/**
 * A drawing as a data URI for an <img>, in which no script runs whatever the drawing holds. The white ground goes, so that a
 * drawing lies on any page; colours become classes with a second value for dark pages; what takes room and draws nothing
 * goes too. Null for anything that is not SVG.
 */
export function drawingUri(svg: string): string | null {
  const start = svg.indexOf('<svg');
  const end = svg.lastIndexOf('</svg>');
  if (start < 0 || end < start) return null;
  const classes = new Map<string, string>();
  const classOf = (declarations: string) => {
    if (!classes.has(declarations)) classes.set(declarations, `k${classes.size}`);
    return `class='${classes.get(declarations)}'`;
  };
  const lean = svg
    .slice(start, end)
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<rect style='[^']*fill:#FFFFFF[^']*'[^>]*>\s*<\/rect>/i, '')
    .replace(/\s(?:class|xml:space|xmlns:rdkit|xmlns:xlink|baseProfile|version)='[^']*'/g, '')
    .replace(/ d='([^']*)'/g, (_, data: string) => ` d='${shortPath(data)}'`)
    .replace(/style='([^']*)'/g, (_, declarations: string) =>
      classOf(declarations.replace(DEFAULT_STYLES, '').replace(/;$/, '')),
    )
    .replace(/fill='(#[0-9a-f]{6})'/gi, (_, colour: string) => classOf(`fill:${colour}`))
    .replace(/\s+/g, ' ')
    .replace(/ ?\/>/g, '/>')
    .replace(/> </g, '><')
    .replace(/\p{Surrogate}/gu, '')
    .trim();
  const rules = [...classes].map(([declarations, name]) => `.${name}{${declarations}}`);
  const dark = [...classes].flatMap(([declarations, name]) => {
    const changed = declarations.replace(/#[0-9a-f]{6}/gi, onDark);
    return changed === declarations ? [] : [`.${name}{${changed}}`];
  });
  const style = `<style>${rules.join('')}@media screen and (prefers-color-scheme:dark){${dark.join('')}}</style>`;
  return `data:image/svg+xml,${encode(`${lean.replace(/^<svg[^>]*>/, (tag) => tag + style)}</svg>`)}`;
}

/** Percent-encodes what a URI or a quoted attribute cannot hold; the rest stays readable and short. */
const encode = (text: string) =>
  text.replace(/[%#<>":&'?{}|\\^`\p{Cc}\u007f-\uffff]/gu, (c) => (c === "'" ? '%27' : encodeURIComponent(c)));

/** Most drawings on one page, and in one batch: a page must still open in a browser. */
export const MOST_DRAWINGS = 2000;
export const MOST_DRAWINGS_A_BATCH = 200;

/** How many molecules of each batch are drawn, for a campaign of so many rounds. */
export const drawingsABatch = (rounds: number): number =>
  Math.max(4, Math.min(MOST_DRAWINGS_A_BATCH, Math.floor(MOST_DRAWINGS / Math.max(1, rounds))));

/** Drawings by SMILES; a molecule that cannot be drawn has none. Each is drawn once, `MOST_DRAWINGS_A_BATCH` a call. */
export async function drawAll(smiles: Iterable<string>, depict: Depict): Promise<Map<string, string>> {
  const distinct = [...new Set(smiles)];
  const drawings = new Map<string, string>();
  for (let i = 0; i < distinct.length; i += MOST_DRAWINGS_A_BATCH) {
    const some = distinct.slice(i, i + MOST_DRAWINGS_A_BATCH);
    const svgs = await depict(some);
    some.forEach((molecule, k) => {
      const svg = svgs[k];
      const uri = svg ? drawingUri(svg) : null;
      if (uri) drawings.set(molecule, uri);
    });
  }
  return drawings;
}
