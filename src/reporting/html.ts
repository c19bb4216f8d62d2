/** Text that is already HTML. Only the `markup` tag and `raw` make it, so nothing reaches a page unescaped by accident. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text made safe for element content and for quoted attributes. Control characters, which HTML forbids, and the characters
 * that reverse the direction of what follows become a visible replacement: ids come from outside.
 */
export function escapeText(text: string): string {
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Surrogate}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (c) => ESCAPES[c]!);
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escapeText(part);
  return part.map(render).join('');
}

/** Template tag: the literal parts are HTML, every value is escaped unless it is `Html` itself; null and false are nothing. */
export function markup(literals: TemplateStringsArray, ...values: Part[]): Html {
  return new Html(literals.reduce((text, literal, i) => text + render(values[i - 1]) + literal));
}

/** Trusted text: constants of this folder only. */
export const raw = (text: string): Html => new Html(text);

export const join = (parts: readonly (Html | string)[], separator: Html | string = ''): Html =>
  new Html(parts.map(render).join(render(separator)));
