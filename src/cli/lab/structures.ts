import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Chemistry } from '../../chemistry';
import { moleculeCapsSchema, TitrateError } from '../../contracts';
import { sha256 } from '../../foundation';
import { standardiseRows } from '../../processing';

export interface NamedStructure {
  readonly smiles: string;
  readonly compoundId?: string;
  readonly line: number;
}

export interface Structures {
  readonly structures: readonly NamedStructure[];
  /** Rows that hold no usable molecule, in words. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

/**
 * Molecules of a file: CSV or TSV (a column 'smiles'), SDF, or lines of `SMILES [name]` (.smi, .txt).
 * @throws TitrateError source-missing, column-missing, format-unknown.
 */
export async function readStructures(
  file: string,
  chemistry: Chemistry,
  smilesColumn?: string,
): Promise<Structures> {
  if (/\.(smi|smiles|txt)$/i.test(file)) {
    const lines = (await readFile(file, 'utf8')).split(/\r?\n/);
    const structures = lines.flatMap((text, i): NamedStructure[] => {
      const [smiles, ...name] = text.trim().split(/\s+/);
      return smiles ? [{ smiles, compoundId: name.join(' ') || undefined, line: i + 1 }] : [];
    });
    return { structures, problems: [] };
  }
  const structures: NamedStructure[] = [];
  const problems: { line: number; message: string }[] = [];
  // Opened here, so that a missing file is told as such and not as a broken stream.
  const raw = createReadStream(file);
  await new Promise<void>((resolve, reject) => raw.once('open', () => resolve()).once('error', reject));
  const request = {
    raw,
    sourceSha256: sha256(file),
    source: { uri: file, smilesColumn },
    caps: moleculeCapsSchema.parse({}),
    chemistry,
  };
  for await (const { rows, quarantine } of standardiseRows(request)) {
    structures.push(...rows.map(({ smiles, compoundId, line }) => ({ smiles, compoundId, line })));
    problems.push(...quarantine.map(({ line, message }) => ({ line, message })));
  }
  if (structures.length + problems.length === 0)
    throw new TitrateError('source-unreadable', { what: 'there is no molecule in it', where: file });
  return { structures, problems };
}
