import {
  CAMPAIGN_ID_PATTERN,
  standardisationNamed,
  standardisationSchema,
  TitrateError,
  type LearningTask,
  type Standardisation,
} from '../../contracts';
import type { Ports } from '../../platform/composition';
import type { Settings } from '../../platform/settings';
import { loadModel, type LoadedModel, type MoleculeKey, type MoleculeOutcome } from '../../serving';
import { underSpan } from '../tracing';
import { askServer } from './ask-server';
import { storedModel } from './stored-model';

/** Which model predicts what. */
export interface ModelInUse {
  readonly model: string;
  /** `v3`; a model directory's is `v1`. */
  readonly version: string;
  readonly property: string;
  readonly unit: string | null;
  /** null where a server does not tell. */
  readonly task: LearningTask | null;
}

/** A model that molecules can be given to, wherever it is. */
export interface Predicting {
  /** Rules that molecules are to be standardised by before they are given. */
  readonly standardisation: Standardisation;
  /** Circumstances that a reader of the predictions should know of. */
  readonly warnings: readonly string[];
  /** Known from the first prediction on, where a server predicts. */
  inUse(): ModelInUse | null;
  /** Outcome i belongs to molecule i. */
  predict(molecules: readonly MoleculeKey[], signal?: AbortSignal): Promise<MoleculeOutcome[]>;
  close(): void;
}

/**
 * Opens what `--model` names: a model directory; a registered version (`campaign/v3`), an alias (`campaign@candidate`) or what a
 * campaign serves (`campaign`), loaded here or asked of a server.
 * @throws not-found, source-missing, artifact-missing, artifact-corrupt, unavailable
 */
export async function openPredicting(
  ports: Ports,
  { model, server }: { readonly model: string; readonly server?: string },
): Promise<Predicting> {
  if (server !== undefined) return onServer(server, model, ports.settings);
  const stored = await storedModel(ports, model);
  const { card, version } = stored;
  const sources = { objects: stored, registry: { card: () => Promise.resolve(card) } };
  const parts = { chemistry: ports.chemistry(), learning: ports.learning() };
  return here(() => loadModel({ ...sources, ...parts }, version), stored.name.split('/')[0]!);
}

async function here(load: () => Promise<LoadedModel>, name: string): Promise<Predicting> {
  let loaded = await load();
  const { property, unit, task, runtime } = loaded.card;
  const inUse: ModelInUse = {
    model: name,
    version: `v${loaded.version.number}`,
    property,
    unit: unit ?? null,
    task: task ?? 'regression',
  };
  return {
    standardisation: standardisationNamed(runtime.ruleSet),
    warnings: loaded.warnings,
    inUse: () => inUse,
    async predict(molecules, signal) {
      try {
        return await loaded.predictStandard(molecules, signal);
      } catch (error) {
        // A thread that died took the model with it: once more with a new one.
        if (!(error instanceof TitrateError) || error.code !== 'thread-died') throw error;
        loaded = await load();
        return loaded.predictStandard(molecules, signal);
      }
    },
    close: () => loaded.dispose(),
  };
}

function onServer(server: string, model: string, settings: Settings): Predicting {
  if (!CAMPAIGN_ID_PATTERN.test(model) && !/[/@]/.test(model)) {
    throw new TitrateError('usage', { what: `'${model}' is not the name of a model`, where: '--model' });
  }
  let inUse: ModelInUse | null = null;
  return {
    standardisation: standardisationSchema.parse({}),
    warnings: [],
    inUse: () => inUse,
    async predict(molecules, signal) {
      const smiles = molecules.map((molecule) => molecule.smiles);
      const answer = await underSpan(settings, 'POST /predict', () =>
        askServer(server, model.replace(/@production$/, ''), smiles, signal),
      );
      const { version, property, unit } = answer;
      inUse ??= { model: answer.model, version, property, unit, task: null };
      return [...answer.predictions];
    },
    close: () => undefined,
  };
}
