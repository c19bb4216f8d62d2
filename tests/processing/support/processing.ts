import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Chemistry, StandardiseOutcome } from '../../../src/chemistry';
import {
  MEDIA_TYPES,
  moleculeCapsSchema,
  standardisationSchema,
  type ArtifactRef,
  type DatasetRow,
  type QuarantineRow,
  type SourceSpec,
  type StandardisedPart,
  type StandardiseRequest,
} from '../../../src/contracts';
import { decodeNdjson, sha256 } from '../../../src/foundation';
import { createFileObjectStore, createStepCache, type ObjectStore } from '../../../src/objects';

export const CAPS = moleculeCapsSchema.parse({});
export const STANDARDISATION = standardisationSchema.parse({});

/** A file store in a new directory, and a step cache on it. */
export function temporaryStore() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-processing-'));
  const objects = createFileObjectStore(directory);
  return {
    directory,
    objects,
    steps: createStepCache(objects),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export async function landText(
  objects: ObjectStore,
  text: string | Buffer,
  source: Partial<SourceSpec> = {},
): Promise<StandardiseRequest> {
  const raw = await objects.land(Readable.from([Buffer.from(text)]), MEDIA_TYPES.raw);
  return {
    landed: { source: { uri: 'molecules.csv', ...source }, raw },
    caps: CAPS,
    standardisation: STANDARDISATION,
  };
}

export interface ReadParts {
  readonly parts: readonly StandardisedPart[];
  readonly rows: readonly DatasetRow[];
  readonly quarantine: readonly QuarantineRow[];
}

export async function readParts(objects: ObjectStore, list: ArtifactRef): Promise<ReadParts> {
  const parts = JSON.parse((await objects.get(list)).toString()) as StandardisedPart[];
  const all = async <T>(key: 'rows' | 'quarantine') =>
    (await Promise.all(parts.map(async (part) => decodeNdjson<T>(await objects.get(part[key]))))).flat();
  return { parts, rows: await all('rows'), quarantine: await all('quarantine') };
}

/** Linear alkanes, alcohols and amines, all different, with a line that is no molecule at every `badEvery`. */
export function smilesCsv(rows: number, badEvery = 7): string {
  const lines = Array.from({ length: rows }, (_, i) =>
    i % badEvery === badEvery - 1
      ? `bad(${i}`
      : `${'C'.repeat(1 + (i % 20))}${['', 'O', 'N'][i % 3]}${'.O'.repeat(i % 2)}`,
  );
  return `smiles\n${lines.join('\n')}\n`;
}

type Standardiser = Pick<Chemistry, 'standardise' | 'version'>;

/**
 * Stands in for RDKit where a test is about what happens around it: 'bad…' is refused, the rest is taken as it is. `hold` makes calls
 * wait until `release`.
 */
export class PlainChemistry implements Standardiser {
  molecules = 0;
  underWay = 0;
  mostUnderWay = 0;
  /** Asked before each call; may throw, or wait. */
  before: (call: number) => void | Promise<void> = () => undefined;
  private calls = 0;

  async version() {
    return '2026.09.1';
  }

  async standardise(inputs: Parameters<Chemistry['standardise']>[0]): Promise<StandardiseOutcome[]> {
    this.underWay++;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      await this.before(++this.calls);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      this.underWay--;
    }
    this.molecules += inputs.length;
    return inputs.map(({ text }) => {
      if (text.startsWith('bad'))
        return { ok: false, reason: 'molecule-unparsable', message: `'${text}' is no SMILES` };
      const hash = sha256(text);
      const molecule = { moleculeId: `mol_${hash.slice(0, 32)}`, smiles: text, inchiKey: hash.slice(32) };
      return { ok: true, molecule, rawSmiles: text };
    });
  }
}
