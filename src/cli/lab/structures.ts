import type { Chemistry } from '../../chemistry';
import { moleculeCapsSchema, standardisationSchema, TitrateError } from '../../contracts';
import { standardiseFile } from './local-file';

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
 * Molecules of a file of any format that sources may have, as they are written there; those of an SD file as SMILES.
 * @throws TitrateError source-missing, column-missing, format-unknown.
 */
export async function readStructures(
  file: string,
  chemistry: Chemistry,
  smilesColumn?: string,
): Promise<Structures> {
  const structures: NamedStructure[] = [];
  const problems: { line: number; message: string }[] = [];
  const how = {
    chemistry,
    caps: moleculeCapsSchema.parse({}),
    standardisation: standardisationSchema.parse({}),
  };
  for await (const { rows, quarantine } of standardiseFile(file, { smilesColumn }, how)) {
    structures.push(
      ...rows.map(({ rawSmiles, compoundId, line }) => ({ smiles: rawSmiles, compoundId, line })),
    );
    problems.push(...quarantine.map(({ line, message }) => ({ line, message })));
  }
  if (structures.length + problems.length === 0)
    throw new TitrateError('source-unreadable', { what: 'there is no molecule in it', where: file });
  return { structures, problems };
}
