import { performance } from 'node:perf_hooks';
import { artifactRefSchema, canonicalJson, TitrateError, type ArtifactRef } from '../contracts';
import { sha256 } from '../foundation';
import { createNumberedLog, type NumberedEntry } from './numbered-log';
import type { ObjectStore } from './object-store';
import type { StepCache, StepDefinition, StepKey, StepOutcome } from './steps';

/** What is recorded of a step: its output, and the key in clear, so that lineage can be read back. */
interface StepRecord {
  readonly step: string;
  readonly version: number;
  readonly key: StepKey;
  readonly value: unknown;
}

interface Found {
  readonly value: unknown;
  readonly cached: boolean;
}

/** The cache key: sha256 of the canonical JSON of everything the output depends on. */
export function stepHash(step: StepDefinition, key: StepKey): string {
  const { inputs, parameters, seed, runtime } = key;
  return sha256(canonicalJson({ step: step.name, version: step.version, inputs, parameters, seed, runtime }));
}

/** Every ArtifactRef inside a plain JSON value, at any depth. What an artifact's own bytes refer to is not followed. */
export function artifactsIn(value: unknown): ArtifactRef[] {
  if (value === null || typeof value !== 'object') return [];
  if (!Array.isArray(value) && 'sha256' in value && 'mediaType' in value) {
    const ref = artifactRefSchema.safeParse(value);
    if (ref.success) return [ref.data];
  }
  return Object.values(value).flatMap(artifactsIn);
}

/**
 * Step cache on an object store: outputs are numbered records `steps/<name>/<hash>/<number>`; the last one counts.
 *
 * There is one number as a rule: of several processes that computed the same step, the first writer's record is what all
 * return. When artifacts of the recorded output are gone (a pruned or half-restored store), the step is computed again. Where that
 * has brought the artifacts back, the record stands; else the new output becomes the successor record, again by exclusive
 * creation. Calls for one key in one process share one computation. Failures are not recorded; a call that waited on one
 * that was cancelled computes by itself. A recorded output is touched when it is returned: a prune at work beside it spares it.
 *
 * `cached` is false for the call that computed, also where another process's record won.
 */
export function createStepCache(objects: ObjectStore): StepCache {
  const running = new Map<string, Promise<Found>>();

  const isWhole = async (value: unknown) => {
    for (const { sha256 } of artifactsIn(value)) if (!(await objects.renew(sha256))) return false;
    return true;
  };

  async function findOrCompute(
    step: StepDefinition,
    key: StepKey,
    hash: string,
    compute: () => Promise<unknown>,
  ): Promise<Found> {
    const log = createNumberedLog<StepRecord>(objects, `steps/${step.name}/${hash}`);
    const recorded = (await log.entries()).at(-1);
    if (recorded && (await isWhole(recorded.value.value)))
      return { value: recorded.value.value, cached: true };

    const value = plainJson(await compute(), step);
    let winner: NumberedEntry<StepRecord> | undefined;
    const appended = await log.append(async (entries) => {
      winner = entries.at(-1);
      if (winner && (await isWhole(winner.value.value))) return null;
      return { step: step.name, version: step.version, key, value };
    });
    return { value: (appended ?? winner)!.value.value, cached: false };
  }

  return {
    async run<T>(step: StepDefinition, key: StepKey, compute: () => Promise<T>): Promise<StepOutcome<T>> {
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      const hash = stepHash(step, key);
      for (;;) {
        let work = running.get(hash);
        const leading = !work;
        if (!work) {
          work = findOrCompute(step, key, hash, compute).finally(() => running.delete(hash));
          running.set(hash, work);
        }
        try {
          const { value, cached } = await work;
          return { value: value as T, cached: leading ? cached : true, seconds: seconds() };
        } catch (error) {
          if (leading || !isCancellation(error)) throw error;
        }
      }
    },
  };
}

function isCancellation(error: unknown): boolean {
  if (error instanceof TitrateError) return error.code === 'cancelled';
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure');
}

/** The value as it will be read back: what the first caller gets is what every later one gets. */
function plainJson(value: unknown, step: StepDefinition): unknown {
  try {
    return JSON.parse(canonicalJson(value));
  } catch (error) {
    throw new TitrateError(
      'internal',
      {
        what: `the output is not plain JSON: ${(error as Error).message}`,
        where: `step '${step.name}' version ${step.version}`,
      },
      { cause: error },
    );
  }
}
