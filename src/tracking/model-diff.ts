import {
  canonicalJson,
  type ArtifactRef,
  type Interval,
  type TrainedCard,
  type TrainingRow,
} from '../contracts';
import { decodeNdjson } from '../foundation';
import { figuresOf } from './model-card';

/** One thing that two models do not have in common; null where one of them has none. */
export interface Difference {
  /** Path in the card, such as `settings.noiseRatios`. */
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface FigureChange {
  readonly name: string;
  readonly from: { readonly value: number; readonly interval: Interval | null } | null;
  readonly to: { readonly value: number; readonly interval: Interval | null } | null;
}

export interface LabelChange {
  readonly smiles: string;
  readonly from: number | null;
  readonly to: number | null;
}

/** What changed from one model to another. */
export interface ModelDiff {
  readonly settings: readonly Difference[];
  readonly labels: {
    readonly from: number;
    readonly to: number;
    /** Molecules that only the later, only the earlier one was trained on, and those whose value changed. */
    readonly gained: number;
    readonly lost: number;
    readonly changed: number;
    readonly examples: readonly LabelChange[];
  };
  /** Held-out figures; those of different label sets are figures on different molecules. */
  readonly metrics: readonly FigureChange[];
}

export interface ComparedModel {
  readonly card: TrainedCard;
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Uint8Array>;
}

/** What is compared by itself below, or tells nothing by itself. */
const NOT_SETTINGS: ReadonlySet<string> = new Set([
  'metrics',
  'test',
  'calibration',
  'applicability',
  'labels',
  'weights',
  'training',
]);

/** Compares two models by their cards and training tables. @param limit examples of changed labels */
export async function diffModels(from: ComparedModel, to: ComparedModel, limit: number): Promise<ModelDiff> {
  const [before, after] = await Promise.all([labelsOf(from), labelsOf(to)]);
  const gained = [...after.values()].filter(({ moleculeId }) => !before.has(moleculeId));
  const lost = [...before.values()].filter(({ moleculeId }) => !after.has(moleculeId));
  const changed = [...after.values()].flatMap((row) => {
    const old = before.get(row.moleculeId);
    const same = !old || (old.value === row.value && old.qualifier === row.qualifier);
    return same ? [] : [{ smiles: row.smiles, from: old.value, to: row.value }];
  });
  return {
    settings: differences(flatten(from.card), flatten(to.card)),
    labels: {
      from: before.size,
      to: after.size,
      gained: gained.length,
      lost: lost.length,
      changed: changed.length,
      examples: [
        ...gained.slice(0, limit).map(({ smiles, value }) => ({ smiles, from: null, to: value })),
        ...lost.slice(0, limit).map(({ smiles, value }) => ({ smiles, from: value, to: null })),
        ...changed.slice(0, limit),
      ],
    },
    metrics: figureChanges(from.card, to.card),
  };
}

async function labelsOf({ card, get }: ComparedModel): Promise<Map<string, TrainingRow>> {
  const rows = decodeNdjson<TrainingRow>(await get(card.training));
  return new Map(rows.map((row) => [row.moleculeId, row]));
}

/** Leaves of a card's parts that say how the model was made, by path; a list of plain values is one leaf. */
function flatten(card: TrainedCard): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (value === undefined) return;
    const isTree = typeof value === 'object' && value !== null;
    if (!isTree || (Array.isArray(value) && value.every((item) => typeof item !== 'object'))) {
      leaves.set(path, typeof value === 'string' ? value : canonicalJson(value));
      return;
    }
    for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`);
  };
  const entries = Object.entries(card).filter(([key]) => !NOT_SETTINGS.has(key));
  walk(Object.fromEntries(entries), '');
  return leaves;
}

function differences(from: Map<string, string>, to: Map<string, string>): Difference[] {
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((what) => {
    const [before, after] = [from.get(what) ?? null, to.get(what) ?? null];
    return before === after ? [] : [{ what, from: before, to: after }];
  });
}

function figureChanges(from: TrainedCard, to: TrainedCard): FigureChange[] {
  const [before, after] = [from, to].map(
    ({ metrics }) =>
      new Map(figuresOf(metrics).map(({ name, value, interval }) => [name, { value, interval }])),
  ) as [Map<string, FigureChange['from'] & {}>, Map<string, FigureChange['to'] & {}>];
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
    name,
    from: before.get(name) ?? null,
    to: after.get(name) ?? null,
  }));
}
