import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { PREDICTION_LOG_FORMAT, type PredictionRecord, type PredictionSegment } from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';
import { DESCRIPTOR_NAMES } from '../chemistry/descriptors';
import { createRandom, encodeNdjson, release, writeFileAtomic } from '../foundation';
import { featuriseIsolating } from './featurising';
import type { MoleculePrediction } from './loaded-model';
import type { ServingLogger } from './logger';
import type { NamedPredictions } from './predictor';

export interface PredictionLogOptions {
  /** Segments go to `DIRECTORY/CAMPAIGN/vN/`. */
  readonly directory: string;
  /** Share of the molecules that is kept, 0..1. */
  readonly share: number;
  /** Records of one version in one segment at most; a uniform sample of more. */
  readonly maxRecords: number;
  /** Length of a segment's stretch of time, milliseconds. */
  readonly segmentMs: number;
  /** Whether a record names the hash of its molecule. */
  readonly moleculeIds: boolean;
  /** Whether a record has the molecule itself. */
  readonly smiles: boolean;
  /** Segments older than this are deleted, milliseconds. */
  readonly retainMs: number;
  /** Size of all segments; the oldest are deleted beyond it. */
  readonly maxBytes: number;
  readonly chemistry: Chemistry;
  readonly logger: ServingLogger;
  readonly onRecords?: (outcome: 'written' | 'dropped', count: number) => void;
}

type Labels = { readonly model: string; readonly version: string };

interface Sampled {
  readonly at: string;
  readonly outcome: MoleculePrediction;
}

interface Open {
  readonly labels: Labels;
  readonly property: string;
  readonly unit: string | null;
  readonly from: string;
  seen: number;
  rejected: number;
  /** Molecules drawn by the share; of these `sample` is a uniform sample. */
  drawn: number;
  readonly sample: Sampled[];
}

/**
 * A sample of what was predicted, for drift to be judged by. Requests pay for a coin a molecule; descriptors are worked out when a
 * segment is written. SMILES stay out of it unless they are asked for.
 */
export class PredictionLog {
  private open = new Map<string, Open>();
  private readonly random = createRandom(randomBytes(4).readUInt32LE());
  private readonly timer: NodeJS.Timeout;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly options: PredictionLogOptions) {
    this.timer = setInterval(() => void this.flush(), options.segmentMs).unref();
  }

  offer(labels: Labels, { predictions, property, unit }: NamedPredictions): void {
    const { share, maxRecords } = this.options;
    const key = `${labels.model}/${labels.version}`;
    let open = this.open.get(key);
    if (!open) {
      const from = new Date().toISOString();
      open = { labels, property, unit, from, seen: 0, rejected: 0, drawn: 0, sample: [] };
      this.open.set(key, open);
    }
    for (const outcome of predictions) {
      if ('error' in outcome) {
        open.rejected += 1;
        continue;
      }
      open.seen += 1;
      if (this.random.next() >= share) continue;
      // Reservoir sampling (Vitter 1985, algorithm R): every one drawn has the same chance to stay.
      open.drawn += 1;
      const at = open.sample.length < maxRecords ? open.sample.length : this.random.below(open.drawn);
      if (at < maxRecords) open.sample[at] = { at: toSecond(), outcome };
    }
  }

  /** Writes what has been sampled. A segment that cannot be written is told of and lost: serving goes on. */
  flush(): Promise<void> {
    const segments = [...this.open.values()];
    this.open = new Map();
    this.writing = this.writing.then(async () => {
      for (const segment of segments) {
        const { length } = segment.sample;
        try {
          await this.write(segment);
          this.options.onRecords?.('written', length);
        } catch (error) {
          this.options.onRecords?.('dropped', length);
          this.options.logger.warn(
            { ...segment.labels, error: (error as Error).message },
            'prediction log not written',
          );
        }
      }
      await this.sweep().catch((error: Error) =>
        this.options.logger.warn({ error: error.message }, 'old prediction logs cannot be deleted'),
      );
    });
    return this.writing;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private async write({ labels, property, unit, from, seen, rejected, sample }: Open): Promise<void> {
    const { chemistry, directory } = this.options;
    const described = await this.descriptorsOf(sample);
    const head: PredictionSegment = {
      format: PREDICTION_LOG_FORMAT,
      ...labels,
      ...{ property, unit, from, to: new Date().toISOString(), seen, rejected },
      records: sample.length,
      descriptors: [...DESCRIPTOR_NAMES],
      rdkit: await chemistry.version(),
      release,
    };
    const records = sample.map((one, i) => this.recordOf(one, described[i] ?? null));
    const folder = path.join(directory, labels.model, labels.version);
    await mkdir(folder, { recursive: true });
    // Names sort by time; several processes may write to one folder.
    const name = `${from.replace(/[:.]/g, '')}-${randomBytes(4).toString('hex')}.ndjson`;
    await writeFileAtomic(path.join(folder, name), encodeNdjson([head, ...records]));
  }

  private async descriptorsOf(sample: readonly Sampled[]): Promise<(number | null)[][]> {
    const molecules = sample.map(({ outcome }) => ({
      moleculeId: outcome.moleculeId,
      smiles: outcome.standardSmiles,
    }));
    const rows: (number | null)[][] = [];
    const { runs } = await featuriseIsolating(this.options.chemistry, molecules, [{ kind: 'descriptors' }]);
    for (const { from, rows: count, matrices } of runs) {
      const { data, columns } = matrices[0]!;
      for (let row = 0; row < count; row++) {
        const values = Array.from(data.subarray(row * columns, (row + 1) * columns));
        rows[from + row] = values.map((value) => (Number.isFinite(value) ? value : null));
      }
    }
    return rows;
  }

  private recordOf({ at, outcome }: Sampled, descriptors: (number | null)[] | null): PredictionRecord {
    const { moleculeIds, smiles } = this.options;
    const { value, standardDeviation, nearest, applicable } = outcome;
    return {
      at,
      moleculeId: moleculeIds ? outcome.moleculeId : null,
      value,
      standardDeviation,
      similarity: nearest?.similarity ?? null,
      applicable,
      descriptors,
      ...(smiles && { smiles: outcome.standardSmiles }),
    };
  }

  /** Deletes what is too old, and the oldest of what is too much. */
  private async sweep(): Promise<void> {
    const { directory, retainMs, maxBytes } = this.options;
    const names = await readdir(directory, { recursive: true }).catch(() => []);
    const files = await Promise.all(
      names
        .filter((name) => name.endsWith('.ndjson'))
        .map(async (name) => {
          const file = path.join(directory, name);
          const { size, mtimeMs } = await stat(file);
          return { file, size, mtimeMs };
        }),
    );
    let bytes = 0;
    for (const { file, size, mtimeMs } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      bytes += size;
      if (bytes > maxBytes || Date.now() - mtimeMs > retainMs) await rm(file, { force: true });
    }
  }
}

const toSecond = () => `${new Date().toISOString().slice(0, 19)}Z`;
