import { stat } from 'node:fs/promises';
import type { Chemistry } from '../../chemistry';
import { moleculeCapsSchema, TitrateError, type Standardisation } from '../../contracts';
import type { MoleculeKey, MoleculeOutcome } from '../../serving';
import { standardiseFile } from '../lab/local-file';
import type { Predicting } from './predicting';

/** One row of a file, or one molecule of the command line, and what became of it. */
export type PredictedRow = MoleculeOutcome & { readonly line: number; readonly compoundId?: string };

/** A row before prediction: a molecule, or why there is none. */
type AskedRow = { readonly line: number; readonly smiles: string; readonly compoundId?: string } & (
  { readonly molecule: MoleculeKey } | { readonly error: string; readonly reason: string }
);

export interface Asked {
  readonly file?: string;
  readonly smilesColumn?: string;
  /** Molecules given instead of a file. */
  readonly smiles?: readonly string[];
}

const byLine = (a: { line: number }, b: { line: number }) => a.line - b.line;

async function* askedRows(
  { file, smilesColumn, smiles = [] }: Asked,
  chemistry: Chemistry,
  standardisation: Standardisation,
  onBytes: (done: number, total: number) => void,
): AsyncGenerator<AskedRow[]> {
  const caps = moleculeCapsSchema.parse({});
  if (file === undefined) {
    const inputs = smiles.map((text) => ({ notation: 'smiles' as const, text }));
    const outcomes = await chemistry.standardise(inputs, caps, standardisation);
    yield outcomes.map((outcome, i): AskedRow => {
      const asked = { line: i + 1, smiles: smiles[i]! };
      if (outcome.ok) return { ...asked, molecule: outcome.molecule };
      return { ...asked, error: outcome.message, reason: outcome.reason };
    });
    return;
  }
  const total = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  const how = { chemistry, caps, standardisation, onBytes: (done: number) => onBytes(done, total) };
  for await (const { rows, quarantine } of standardiseFile(file, { smilesColumn }, how)) {
    const good = rows.map(({ line, rawSmiles, compoundId, moleculeId, smiles: standard }): AskedRow => ({
      line,
      smiles: rawSmiles,
      compoundId,
      molecule: { moleculeId, smiles: standard },
    }));
    const bad = quarantine.map(({ line, raw, reason, message }): AskedRow => ({
      line,
      smiles: raw.trim(),
      error: message,
      reason,
    }));
    yield [...good, ...bad].sort(byLine);
  }
}

/**
 * Predictions of a file's rows in its order, part by part: memory does not grow with the file. Every row comes out once; a
 * molecule that cannot be predicted is a row with its error.
 * @throws source-missing, column-missing, format-unknown; source-unreadable when there is no row at all; cancelled.
 */
export async function* predictedRows(
  asked: Asked,
  chemistry: Chemistry,
  predicting: Predicting,
  {
    signal,
    onBytes = () => undefined,
  }: { signal?: AbortSignal; onBytes?: (done: number, total: number) => void },
): AsyncGenerator<PredictedRow[]> {
  let rows = 0;
  for await (const part of askedRows(asked, chemistry, predicting.standardisation, onBytes)) {
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'stopped', where: asked.file });
    const molecules = part.flatMap((row) => ('molecule' in row ? [row.molecule] : []));
    const outcomes = molecules.length ? await predicting.predict(molecules, signal) : [];
    let next = 0;
    rows += part.length;
    yield part.map((row): PredictedRow => {
      if (!('molecule' in row)) return row;
      const { line, smiles, compoundId } = row;
      return { ...outcomes[next++]!, line, compoundId, smiles };
    });
  }
  if (rows === 0)
    throw new TitrateError('source-unreadable', { what: 'there is no molecule in it', where: asked.file });
}
