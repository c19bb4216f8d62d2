import { LRUCache } from 'lru-cache';
import { canonicalJson, type FeaturizerSpec, type MoleculeCaps, type Standardisation } from '../contracts';
import type { Chemistry, PreparedMolecule } from '../chemistry/chemistry';
import type { Nearest } from '../learning/applicability';

/** What a molecule was found in the cache for: `molecule` its standard form and features, `neighbour` its nearest training molecule. */
export type CachedKind = 'molecule' | 'neighbour';

export interface PreparedMoleculesOptions {
  readonly chemistry: Chemistry;
  readonly caps: MoleculeCaps;
  /** Of everything kept, as far as it can be counted. 0 keeps nothing. */
  readonly maxBytes: number;
  readonly onLookup?: (kind: CachedKind, hits: number, misses: number) => void;
}

/** Of an entry's objects, key and place in the map, besides its texts and rows, bytes. */
const ENTRY_BYTES = 300;

type Entry =
  | { readonly kind: 'molecule'; readonly prepared: PreparedMolecule }
  | { readonly kind: 'neighbour'; readonly nearest: Nearest };

/**
 * Standard forms, features and nearest neighbours of molecules asked for before, least recently used first out. What is kept under a
 * spec serves every model version with that featurizer and rule set; a neighbour belongs to one version.
 */
export class PreparedMolecules {
  private readonly entries: LRUCache<string, Entry> | null;
  /** Short names of (caps, standardisation, specs), so that keys stay short. */
  private readonly ways = new Map<string, string>();

  constructor(private readonly options: PreparedMoleculesOptions) {
    const { maxBytes } = options;
    this.entries = maxBytes > 0 ? new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf }) : null;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.entries?.calculatedSize ?? 0;
  }

  /** Outcome i belongs to SMILES i; a SMILES that occurs twice is worked out once. */
  async prepare(
    smiles: readonly string[],
    standardisation: Standardisation,
    specs: readonly FeaturizerSpec[],
  ): Promise<PreparedMolecule[]> {
    const { chemistry, caps, onLookup } = this.options;
    const way = this.wayOf({ caps, standardisation, specs });
    const found = new Map<string, PreparedMolecule>();
    const missing = new Set<string>();
    for (const text of smiles) {
      if (found.has(text) || missing.has(text)) continue;
      const entry = this.entries?.get(`${way}\0${text}`);
      if (entry?.kind === 'molecule') found.set(text, entry.prepared);
      else missing.add(text);
    }
    if (this.entries) onLookup?.('molecule', found.size, missing.size);
    const wanted = [...missing];
    const prepared = await chemistry.prepare(
      wanted.map((text) => ({ notation: 'smiles', text })),
      caps,
      standardisation,
      specs,
    );
    wanted.forEach((text, i) => {
      const outcome = prepared[i]!;
      found.set(text, outcome);
      // What brought RDKit down may have been the machine's doing: it is tried again.
      if (outcome.ok || outcome.reason !== 'molecule-crashed')
        this.entries?.set(`${way}\0${text}`, { kind: 'molecule', prepared: outcome });
    });
    return smiles.map((text) => found.get(text)!);
  }

  /** @param search what finds it where it is not known yet */
  nearest(versionId: string, moleculeId: string, search: () => Nearest | null): Nearest | null {
    const key = `${versionId}\0${moleculeId}`;
    const entry = this.entries?.get(key);
    if (entry?.kind === 'neighbour') {
      this.options.onLookup?.('neighbour', 1, 0);
      return entry.nearest;
    }
    const nearest = search();
    if (this.entries) {
      this.options.onLookup?.('neighbour', 0, 1);
      if (nearest) this.entries.set(key, { kind: 'neighbour', nearest });
    }
    return nearest;
  }

  private wayOf(of: object): string {
    const text = canonicalJson(of);
    const known = this.ways.get(text);
    if (known !== undefined) return known;
    const name = `way ${this.ways.size}`;
    this.ways.set(text, name);
    return name;
  }
}

/** @returns at least 1, as the cache asks */
function bytesOf(entry: Entry, key: string): number {
  const texts = ENTRY_BYTES + 2 * key.length;
  if (entry.kind === 'neighbour') return texts;
  const { prepared } = entry;
  if (!prepared.ok) return texts + 2 * prepared.message.length;
  const rows = prepared.rows.flat() as readonly Uint8Array[];
  const { smiles, moleculeId } = prepared.molecule;
  return texts + 2 * (smiles.length + moleculeId.length) + rows.reduce((sum, row) => sum + row.byteLength, 0);
}
