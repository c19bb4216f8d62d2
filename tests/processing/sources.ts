import { createHash } from 'node:crypto';
import {
  moleculeCapsSchema,
  type DatasetRow,
  type QuarantineRow,
  type SourceSpec,
} from '../../src/contracts';
import { decodeNdjson, sha256 } from '../../src/foundation';
import type { Chemistry } from '../../src/chemistry/chemistry';
import { standardiseSource, type StandardiseSourceRequest } from '../../src/processing';

export const caps = moleculeCapsSchema.parse({});

/** Text in, molecule out: reading sources needs no RDKit. SMILES with '!' are bad; a molblock's molecule is its first line. */
export const textChemistry: Pick<Chemistry, 'standardise'> = {
  standardise: (inputs) =>
    Promise.resolve(
      inputs.map(({ notation, text }) => {
        const smiles = notation === 'smiles' ? text : text.split('\n')[0]!;
        if (smiles.includes('!'))
          return { ok: false, reason: 'molecule-unparsable', message: `cannot read ${smiles}` } as const;
        const moleculeId = `mol_${createHash('sha256').update(smiles).digest('hex').slice(0, 32)}`;
        return {
          ok: true,
          molecule: { moleculeId, smiles, inchiKey: `KEY-${smiles}` },
          rawSmiles: smiles,
        } as const;
      }),
    ),
};

export async function standardise(
  text: string | Buffer,
  source: Partial<SourceSpec> = {},
  more: Partial<StandardiseSourceRequest> = {},
): Promise<{ rows: DatasetRow[]; quarantine: QuarantineRow[]; examples: readonly string[] }> {
  const raw = Buffer.isBuffer(text) ? text : Buffer.from(text, 'utf8');
  const request = {
    raw,
    sourceSha256: sha256(raw),
    source: { uri: 'pool.csv', ...source },
    caps,
    chemistry: textChemistry,
    ...more,
  };
  const result = await standardiseSource(request);
  const rows = decodeNdjson<DatasetRow>(result.rows);
  const quarantine = decodeNdjson<QuarantineRow>(result.quarantine);
  expect([result.accepted, result.quarantined]).toEqual([rows.length, quarantine.length]);
  return { rows, quarantine, examples: result.examples };
}
