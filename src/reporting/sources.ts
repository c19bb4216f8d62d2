import type { ArtifactRef } from '../contracts';
import { bytes, shortHash } from './format';
import { markup, join, type Html } from './html';

/** What a number was read from: a name and the artifact, or null where the campaign has none. */
export type Source = readonly [label: string, ref: ArtifactRef | null | undefined];

const LONGEST_SERIES = 12;

const footnote = (links: readonly Html[]): Html =>
  links.length ? markup`<p class="sources">From ${join(links, markup` · `)}</p>` : markup``;

/** Keeps every artifact that the page cites, so that each figure's footnote leads to a full hash. */
export class Sources {
  private readonly cited = new Map<string, { ref: ArtifactRef; labels: Set<string> }>();

  /** A footnote that names the artifacts, short hash and link; nothing where there is nothing to name. */
  cite(...sources: readonly Source[]): Html {
    return footnote(sources.flatMap(([label, ref]) => (ref ? [this.link(label, label, ref)] : [])));
  }

  /** The same for one kind of artifact from many rounds. A long series is cut in the footnote, never in the table. */
  citeEach(kind: string, sources: readonly Source[], ...others: readonly Source[]): Html {
    const links = sources.flatMap(([name, ref]) => (ref ? [this.link(name, `${kind}, ${name}`, ref)] : []));
    const shown =
      links.length <= LONGEST_SERIES
        ? links
        : [...links.slice(0, 2), markup`… ${links.length - 4} more …`, ...links.slice(-2)];
    const series = shown.length ? [markup`${kind}: ${join(shown, ', ')}`] : [];
    return footnote([
      ...series,
      ...others.flatMap(([label, ref]) => (ref ? [this.link(label, label, ref)] : [])),
    ]);
  }

  private link(text: string, label: string, ref: ArtifactRef): Html {
    const entry = this.cited.get(ref.sha256) ?? { ref, labels: new Set<string>() };
    entry.labels.add(label);
    this.cited.set(ref.sha256, entry);
    return markup`<span>${text} <a href="#${anchorOf(ref)}"><code>${shortHash(ref.sha256)}</code></a></span>`;
  }

  /** Rows of the table of artifacts, in the order in which they were first cited. */
  rows(): Html[][] {
    return [...this.cited.values()].map(({ ref, labels }) => [
      markup`${[...labels].join('; ')}`,
      markup`<code class="hash whole" id="${anchorOf(ref)}">${ref.sha256}</code>`,
      markup`${bytes(ref.bytes)}`,
      markup`${ref.mediaType}`,
    ]);
  }
}

const anchorOf = (ref: ArtifactRef) => `artifact-${shortHash(ref.sha256)}`;
