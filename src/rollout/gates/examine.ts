import type { Chemistry } from '../../chemistry/chemistry';
import {
  rolloutConfigSchema,
  type GateVerdict,
  type HeldOutPrediction,
  type ModelCard,
  type ModelVersion,
  type RolloutConfig,
  type TrainingRow,
} from '../../contracts';
import { decodeNdjson } from '../../foundation';
import { applyCalibration } from '../../learning/calibration';
import type { Learning } from '../../learning/learning';
import type { ObjectStore } from '../../objects/object-store';
import { loadModel, type LoadedModel, type MoleculeOutcome } from '../../serving/loaded-model';
import { compareSpellings } from '../../serving/spelling';
import { respellSmiles } from '../../serving/respelling';
import type { ModelRegistry } from '../../tracking/registry';
import type { CardSigner } from '../signing';
import { behaviourGate } from './behaviour';
import { budgetGate, measurePerformance } from './budget';
import { integrityGate } from './integrity';
import { judgeGates } from './judge-gates';
import { storedFeatures, type Skew } from './skew';

export interface ExaminationPorts {
  readonly registry: ModelRegistry;
  readonly objects: ObjectStore;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  /** Null where no key is configured. */
  readonly signer: CardSigner | null;
}

/** Training molecules that are predicted again: in another spelling, from stored features, one at a time. */
const MOLECULES = 32;

/**
 * Examines a version before it may serve, by loading it as the server does, and judges it by every gate, also after one has
 * failed; only a version that is not what was registered is not loaded at all.
 * @param live the version that serves now; null when none does
 * @param limits those of the campaign; parts that an older campaign does not have take their defaults
 * @throws TitrateError when the version cannot be loaded
 */
export async function examineCandidate(
  ports: ExaminationPorts,
  version: ModelVersion,
  live: ModelVersion | null,
  limits: Partial<RolloutConfig>,
): Promise<GateVerdict[]> {
  const { registry, objects } = ports;
  const asked = { ...rolloutConfigSchema.parse({}), ...limits };
  const card = await registry.card(version);
  const integrity = await integrityGate(objects, version, card, ports.signer);
  if (!integrity.passed) return [integrity];

  const rows = decodeNdjson<TrainingRow>(await objects.get(card.training));
  const sample = spread(rows, MOLECULES);
  const { loaded, performance } = await measurePerformance(
    () => loadModel(ports, version),
    (model, smiles) => model.predict([smiles]),
    sample.map(({ smiles }) => smiles),
  );
  try {
    const liveCard = live && (await registry.card(live));
    const verdicts = judgeGates({
      candidate: card,
      live: liveCard,
      invariance: await invarianceOf(loaded, rows),
      limits: asked,
      heldOut: {
        candidate: await heldOutOf(objects, card),
        live: liveCard && (await heldOutOf(objects, liveCard)),
      },
      skew: await skewOf(ports, card, loaded, rows),
    });
    const { checks } = asked;
    const behaviour = checks.length
      ? [await behaviourGate(checks, async (smiles) => (await loaded.predict(smiles)).map(valueOf))]
      : [];
    return [integrity, ...verdicts, budgetGate(performance, asked.budget), ...behaviour];
  } finally {
    loaded.dispose();
  }
}

const valueOf = (outcome: MoleculeOutcome): number | string =>
  'error' in outcome ? outcome.error : outcome.value;

/** Evenly over a set that is sorted by hash: the same ones every time, and a fair sample. */
function spread<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]!);
}

function invarianceOf(loaded: LoadedModel, rows: readonly TrainingRow[]) {
  const pairs = rows.flatMap(({ smiles }) => {
    const alternative = respellSmiles(smiles);
    return alternative === null ? [] : [{ smiles, alternative }];
  });
  return compareSpellings((smiles) => loaded.predict(smiles), spread(pairs, MOLECULES));
}

async function heldOutOf(objects: ObjectStore, { heldOut }: ModelCard): Promise<HeldOutPrediction[] | null> {
  return heldOut ? decodeNdjson<HeldOutPrediction>(await objects.get(heldOut)) : null;
}

async function skewOf(
  { objects, learning }: ExaminationPorts,
  card: ModelCard,
  loaded: LoadedModel,
  rows: readonly TrainingRow[],
): Promise<Skew | null> {
  if (!card.features) return null;
  const byId = new Map(rows.map(({ moleculeId, smiles }) => [moleculeId, smiles]));
  const features = await storedFeatures(objects, card.features, new Set(byId.keys()), MOLECULES);
  if (!features) return null;
  const model = await learning.load(card.family, await objects.get(card.weights));
  try {
    const stored = applyCalibration(card.calibration, await model.predict(features)).mean;
    const smiles = features.moleculeIds.map((id) => byId.get(id)!);
    return { smiles, stored: [...stored], served: (await loaded.predict(smiles)).map(valueOf) };
  } finally {
    model.dispose();
  }
}
