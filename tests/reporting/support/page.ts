/** What a test wants to know of a page, read with a small strict reader: the page is well-formed enough for XML rules but for void elements. */
const VOID = new Set(['meta', 'img', 'br', 'hr', 'input', 'link']);

export interface PageElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (PageElement | string)[];
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const decode = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name]!);

/** @throws Error on anything a strict reader stumbles over: unclosed elements, stray angle brackets, unquoted attributes, bare ampersands. */
export function parsePage(html: string): PageElement {
  const root: PageElement = { name: '#page', attributes: {}, children: [] };
  const open: PageElement[] = [root];
  const token =
    /<!doctype html>|<\/([a-zA-Z0-9]+)>|<([a-zA-Z0-9]+)((?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*)\s*(\/?)>|[^<>]+/gy;
  while (token.lastIndex < html.length) {
    const at = token.lastIndex;
    const match = token.exec(html);
    if (!match) throw new Error(`the page is malformed at ${at}: ${html.slice(at, at + 120)}`);
    const [text, closing, opening, attributes, selfClosing] = match;
    if (closing) {
      const last = open.pop()!;
      if (last.name !== closing) throw new Error(`</${closing}> closes <${last.name}> at ${at}`);
    } else if (opening) {
      const own = [...attributes!.matchAll(/([a-zA-Z][a-zA-Z0-9-]*)(?:="([^"]*)")?/g)].map(
        ([, key, value]) => [key!, decode(value ?? '')],
      );
      if (new Set(own.map(([key]) => key)).size !== own.length)
        throw new Error(`an attribute comes twice at ${at}: ${text}`);
      const element: PageElement = { name: opening, attributes: Object.fromEntries(own), children: [] };
      open.at(-1)!.children.push(element);
      if (opening === 'style') {
        const end = html.indexOf('</style>', token.lastIndex);
        element.children.push(html.slice(token.lastIndex, end));
        token.lastIndex = end + '</style>'.length;
      } else if (!VOID.has(opening) && !selfClosing) open.push(element);
    } else if (!text.startsWith('<!')) {
      if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text))
        throw new Error(`a bare ampersand at ${at}: ${text.slice(0, 120)}`);
      open.at(-1)!.children.push(decode(text));
    }
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.name}> is never closed`);
  return root;
}

export function* elements(root: PageElement): Generator<PageElement> {
  for (const child of root.children) {
    if (typeof child === 'string') continue;
    yield child;
    yield* elements(child);
  }
}

export const textOf = (element: PageElement): string =>
  element.name === 'style'
    ? ''
    : element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');

/** Text with runs of white space as one space, as a reader sees it. */
export const readable = (element: PageElement): string => textOf(element).replace(/\s+/g, ' ').trim();

export const find = (root: PageElement, test: (element: PageElement) => boolean): PageElement[] =>
  [...elements(root)].filter(test);

export const withClass = (root: PageElement, name: string): PageElement[] =>
  find(root, (element) => (element.attributes.class ?? '').split(' ').includes(name));

export const byId = (root: PageElement, id: string): PageElement => {
  const [found, ...more] = find(root, (element) => element.attributes.id === id);
  if (!found || more.length) throw new Error(`${more.length + (found ? 1 : 0)} elements have the id ${id}`);
  return found;
};

/** Rows of the table with this caption, cell by cell. */
export function tableRows(root: PageElement, caption: string): string[][] {
  const table = find(root, (element) => element.name === 'table').find((t) =>
    find(t, (e) => e.name === 'caption').some((c) => readable(c) === caption),
  );
  if (!table) throw new Error(`no table is called ${caption}`);
  const body = find(table, (element) => element.name === 'tbody')[0]!;
  return find(body, (element) => element.name === 'tr').map((row) =>
    find(row, (e) => e.name === 'td' || e.name === 'th').map(readable),
  );
}
