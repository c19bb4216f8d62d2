import { Readable } from 'node:stream';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import type { SourceSpec } from '../../src/contracts';
import { standardiseRows, type StandardisedBatch } from '../../src/processing';
import { CAPS, STANDARDISATION } from './support/processing';

/** Ethylammonium, as an ELN writes it. */
const MOLBLOCK = `ethylammonium
  by hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.5000    0.0000    0.0000 C   0  0
    2.2500    1.3000    0.0000 N   0  3
  1  2  1  0
  2  3  1  0
M  CHG  1   3   1
M  END
>  <id>
A-1

$$$$
`;

describe('sources with RDKit', () => {
  let chemistry: Chemistry;
  beforeAll(() => {
    chemistry = createChemistry({ threads: 1 });
  });
  afterAll(() => chemistry.close());

  async function standardise(text: string, source: Partial<SourceSpec> = {}): Promise<StandardisedBatch> {
    const all = {
      rows: [] as StandardisedBatch['rows'][number][],
      quarantine: [] as StandardisedBatch['quarantine'][number][],
    };
    const batches = standardiseRows({
      raw: () => Readable.from([Buffer.from(text)]),
      localPath: () => Promise.reject(new Error('only Parquet needs a file')),
      sourceSha256: 'a'.repeat(64),
      source: { uri: 'a.csv', ...source },
      caps: CAPS,
      standardisation: STANDARDISATION,
      chemistry,
    });
    for await (const { rows, quarantine } of batches) {
      all.rows.push(...rows);
      all.quarantine.push(...quarantine);
    }
    return all;
  }

  test('one molecule has one id, from a salt in a CSV file as from a molblock; what cannot be read is quarantined', async () => {
    const csv = await standardise('smiles\nCC[NH3+].[Cl-]\nC1CC\nNCC\n');
    const sdf = await standardise(MOLBLOCK + MOLBLOCK.replace('  3  2', ' 99  2'), {
      uri: 'a.sdf',
      compoundIdColumn: 'id',
    });
    expect(csv.quarantine.map((row) => row.message)).toEqual([expect.stringContaining('C1CC')]);
    expect(csv.rows.map((row) => [row.line, row.smiles])).toEqual([[2, 'CCN'], [4, 'CCN']]); // prettier-ignore
    expect(csv.quarantine).toMatchObject([{ line: 3, raw: 'C1CC', reason: 'molecule-unparsable' }]);
    expect(sdf.rows).toMatchObject([
      { line: 1, smiles: 'CCN', compoundId: 'A-1', moleculeId: csv.rows[0]!.moleculeId },
    ]);
    expect(sdf.quarantine).toMatchObject([{ line: 16, reason: 'molecule-unparsable' }]);
  });
});
