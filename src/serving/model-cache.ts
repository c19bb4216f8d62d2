import { TitrateError, type ModelVersion } from '../contracts';
import { loadModel, type LoadedModel, type ModelSources } from './loaded-model';

export interface ModelCacheOptions {
  /** How long a model that is neither pinned nor used stays loaded, milliseconds. Default 15 minutes. */
  readonly retainMs?: number;
  /** Models kept beyond the pinned ones. Default 8. */
  readonly maxSpare?: number;
  readonly onLoad?: (version: ModelVersion, seconds: number) => void;
  readonly onUnload?: (version: ModelVersion) => void;
}

/** A hold on a loaded model: it is not disposed of before `release`. */
export interface ModelLease {
  readonly model: LoadedModel;
  release(): void;
}

interface Entry {
  readonly loading: Promise<LoadedModel>;
  model: LoadedModel | null;
  leases: number;
  /** Out of the map, and to be disposed of with its last lease. */
  retired: boolean;
  /** performance.now() of the last use. */
  lastUsed: number;
}

/**
 * Loaded models by version id. One load however many ask at once; a model in use is never disposed of; models that served
 * until just now stay for a while, so that rolling back needs no load.
 */
export class ModelCache {
  private readonly entries = new Map<string, Entry>();
  private readonly pinned = new Map<string, string>();
  private closed = false;
  private readonly retainMs: number;
  private readonly maxSpare: number;

  constructor(
    private readonly sources: ModelSources,
    private readonly options: ModelCacheOptions = {},
  ) {
    this.retainMs = options.retainMs ?? 15 * 60_000;
    this.maxSpare = options.maxSpare ?? 8;
  }

  /**
   * Loads the version if need be.
   * @throws TitrateError what loading throws; a failure is not remembered, the next call tries again. `unavailable` once closed.
   */
  async lease(version: ModelVersion): Promise<ModelLease> {
    if (this.closed) throw shutDown();
    const entry = this.entries.get(version.id) ?? this.begin(version);
    entry.leases += 1;
    try {
      const model = await entry.loading;
      let released = false;
      return {
        model,
        release: () => {
          if (released) return;
          released = true;
          this.giveBack(entry);
        },
      };
    } catch (error) {
      entry.leases -= 1;
      throw error;
    }
  }

  /** Keeps a version loaded in the name of `holder`, instead of the one it held before. */
  pin(holder: string, versionId: string): void {
    const before = this.pinned.get(holder);
    this.pinned.set(holder, versionId);
    const entry = before !== undefined && before !== versionId ? this.entries.get(before) : undefined;
    if (entry) entry.lastUsed = performance.now();
    this.sweep();
  }

  /** Gives up a model that has broken in use: the next lease loads it anew. Leases still out keep the old one. */
  discard(model: LoadedModel): void {
    const { id } = model.version;
    const entry = this.entries.get(id);
    if (entry?.model !== model) return;
    this.entries.delete(id);
    entry.retired = true;
    if (entry.leases === 0) this.dispose(entry);
  }

  /** Versions that are loaded, sorted by id. */
  loaded(): LoadedModel[] {
    const models = [...this.entries.values()].flatMap(({ model }) => (model ? [model] : []));
    return models.sort((a, b) => (a.version.id < b.version.id ? -1 : 1));
  }

  isLoaded(versionId: string): boolean {
    return this.entries.get(versionId)?.model != null;
  }

  /** Disposes of models that are pinned by nobody, used by nobody, and too old or too many. */
  sweep(): void {
    const kept = new Set(this.pinned.values());
    const now = performance.now();
    const spare = [...this.entries]
      .filter(([id, entry]) => entry.model && entry.leases === 0 && !kept.has(id))
      .sort(([, a], [, b]) => b.lastUsed - a.lastUsed);
    spare.forEach(([id, entry], rank) => {
      if (this.closed || rank >= this.maxSpare || now - entry.lastUsed > this.retainMs) this.drop(id, entry);
    });
  }

  /** Waits for loads under way, and disposes of everything. Leases still out keep their model until they are given back. */
  async close(): Promise<void> {
    this.closed = true;
    this.pinned.clear();
    await Promise.allSettled([...this.entries.values()].map((entry) => entry.loading));
    this.sweep();
  }

  private begin(version: ModelVersion): Entry {
    const started = performance.now();
    const entry: Entry = {
      loading: loadModel(this.sources, version),
      model: null,
      leases: 0,
      retired: false,
      lastUsed: started,
    };
    this.entries.set(version.id, entry);
    entry.loading.then(
      (model) => {
        entry.model = model;
        entry.lastUsed = performance.now();
        this.options.onLoad?.(version, (entry.lastUsed - started) / 1000);
      },
      () => this.entries.delete(version.id),
    );
    return entry;
  }

  private giveBack(entry: Entry): void {
    entry.leases -= 1;
    entry.lastUsed = performance.now();
    if (entry.retired && entry.leases === 0) this.dispose(entry);
    this.sweep();
  }

  private drop(id: string, entry: Entry): void {
    this.entries.delete(id);
    this.dispose(entry);
  }

  private dispose(entry: Entry): void {
    entry.model!.dispose();
    this.options.onUnload?.(entry.model!.version);
  }
}

function shutDown(): TitrateError {
  return new TitrateError('unavailable', {
    what: 'the models are being unloaded: this process is shutting down',
  });
}
