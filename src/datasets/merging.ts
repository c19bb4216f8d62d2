import {
  shownUri,
  ruleSetName,
  sourceName,
  TitrateError,
  type StandardisedPart,
  type StandardisedSource,
  type DatasetSource,
  type DatasetVersion,
} from '../contracts';
import type { ObjectStore } from '../objects';

/** A source that is being committed, and its parts. */
export interface GivenSource {
  readonly stored: DatasetSource & Required<Pick<DatasetSource, 'parts'>>;
  readonly parts: readonly StandardisedPart[];
}

/** How a version is put together from a base and the given sources. */
export interface MergePlan {
  /** Sources of the base that stay, in its order; their stretch of its quarantine stays with them. */
  readonly kept: readonly DatasetSource[];
  readonly keeps: readonly boolean[];
  /** Rows of the base with these sourceSha256 go. */
  readonly droppedSha256: readonly string[];
  /** Kept sources whose rows go with those and come again from their parts. */
  readonly reread: readonly (DatasetSource & Required<Pick<DatasetSource, 'parts'>>)[];
  /** Whether equal rows can come from two places. */
  readonly mayRepeat: boolean;
  /** Every given source stands in the base under its name already, and nothing is dropped. */
  readonly nothingNew: boolean;
  /** Every given source's bytes and quarantine stand in the base. */
  readonly nothingUnheardOf: boolean;
}

/**
 * The sources of a commit, each once, in an order of their own (name, bytes, parts), so that the order in which they were given
 * does not matter.
 */
export async function readGiven(
  objects: ObjectStore,
  sources: readonly StandardisedSource[],
): Promise<GivenSource[]> {
  const given = new Map<string, GivenSource>();
  for (const source of sources) {
    const { raw, parts, accepted, quarantined, reading, retrieval } = source;
    const name = sourceName(source.source);
    const key = [name, raw.sha256, parts.sha256].join('\n');
    if (given.has(key)) continue;
    given.set(key, {
      stored: {
        name,
        uri: shownUri(source.source.uri),
        sha256: raw.sha256,
        accepted,
        quarantined,
        reading,
        ...(retrieval ? { retrieval } : {}),
        parts,
      },
      parts: await readParts(objects, parts, `source '${name}'`),
    });
  }
  return [...given.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
}

export async function readParts(
  objects: ObjectStore,
  ref: { readonly sha256: string },
  where: string,
): Promise<StandardisedPart[]> {
  const parts: unknown = JSON.parse((await objects.get(ref)).toString('utf8'));
  if (Array.isArray(parts)) return parts as StandardisedPart[];
  throw new TitrateError('artifact-corrupt', {
    what: `artifact ${ref.sha256} should be a list of standardised parts`,
    where,
    remedy: 'Ingest the source again',
  });
}

/** @throws TitrateError usage where the sources, or the base, were standardised by different rules. */
export function agreedRuleSet(
  dataset: string,
  sources: readonly StandardisedSource[],
  base: Pick<DatasetVersion, 'id' | 'ruleSet'> | null,
): string {
  const names = [...new Set(sources.map((source) => ruleSetName(source.standardisation)))];
  const differing = (what: string, remedy: string) =>
    new TitrateError('usage', { what, where: `dataset '${dataset}'`, remedy });
  if (names.length !== 1) {
    throw differing(
      names.length
        ? `the sources were standardised by ${names.join(' and ')}`
        : 'there are no sources to commit',
      names.length ? 'Standardise all sources by one rule set' : 'Give one source or more',
    );
  }
  if (base && base.ruleSet !== names[0]) {
    throw differing(
      `the head (${base.id}) was standardised by ${base.ruleSet}, the sources by ${names[0]}: ids would not agree`,
      `Ingest with the head's rules, or under another dataset's name`,
    );
  }
  return names[0]!;
}

/** @param replaces names besides those of the given sources; one the base has not is passed over. */
export function planMerge(
  base: DatasetVersion | null,
  given: readonly GivenSource[],
  replaces: readonly string[],
): MergePlan {
  const goes = new Set([...replaces, ...given.map(({ stored }) => stored.name)]);
  const sources = base?.sources ?? [];
  const keeps = sources.map((source) => !goes.has(source.name));
  const kept = sources.filter((_, i) => keeps[i]);
  const dropped = sources.filter((_, i) => !keeps[i]);

  // Two sources of the same bytes, read by other columns: rows do not tell them apart, so what stays is taken from its parts.
  const droppedBytes = new Set(dropped.map((source) => source.sha256));
  const sharing = kept.filter((source) => droppedBytes.has(source.sha256));
  for (const source of sharing) if (!source.parts) droppedBytes.delete(source.sha256);
  const reread = sharing.flatMap((source) =>
    source.parts && droppedBytes.has(source.sha256) ? [{ ...source, parts: source.parts }] : [],
  );
  const bytes = [
    ...new Set(kept.map((source) => source.sha256)),
    ...given.map(({ stored }) => stored.sha256),
  ];

  const standsAlready = ({ stored }: GivenSource) =>
    dropped.some(
      (source) =>
        source.name === stored.name &&
        source.sha256 === stored.sha256 &&
        source.parts?.sha256 === stored.parts.sha256,
    );
  return {
    kept,
    keeps,
    droppedSha256: [...droppedBytes].sort(),
    reread,
    mayRepeat: reread.length > 0 || new Set(bytes).size < bytes.length,
    nothingNew: base !== null && given.every(standsAlready) && dropped.length === given.length,
    nothingUnheardOf: given.every(({ stored }) =>
      sources.some((source) => source.sha256 === stored.sha256 && source.quarantined === stored.quarantined),
    ),
  };
}
