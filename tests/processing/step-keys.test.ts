import { sourceSchema, STEPS, type SourceSpec } from '../../src/contracts';
import { stepHash } from '../../src/objects';
import { partKey, sourceKey, type StandardiseInputs } from '../../src/processing/step-keys';
import { CAPS, STANDARDISATION } from './support/processing';

const inputs: StandardiseInputs = {
  sourceSha256: 'a'.repeat(64),
  source: { uri: 'a.csv' },
  reading: { format: 'csv', compression: 'none', encoding: 'utf-8', delimiter: ',' },
  caps: CAPS,
  standardisation: STANDARDISATION,
  rdkit: '2026.09.1',
  partRows: 8192,
};
const hash = (changes: Partial<StandardiseInputs>) =>
  stepHash(STEPS.standardiseSource, sourceKey({ ...inputs, ...changes }));

describe('keys of standardising', () => {
  test.each([
    { sourceSha256: 'b'.repeat(64) },
    { reading: { ...inputs.reading, encoding: 'latin1' } },
    { reading: { ...inputs.reading, delimiter: ';' } },
    { caps: { ...CAPS, maxHeavyAtoms: 100 } },
    { standardisation: { ...STANDARDISATION, isotopes: 'strip' } },
    { standardisation: { ...STANDARDISATION, ruleSet: 'standard-1' } },
    { rdkit: '2027.03.1' },
    { partRows: 4096 },
  ] as Partial<StandardiseInputs>[])('change with %o', (changes) => {
    expect(hash(changes)).not.toBe(hash({}));
  });

  test('change with every part of a source but where its bytes are, its name, and what its reading says', () => {
    const still = Object.keys(sourceSchema.shape).filter(
      (key) => hash({ source: { uri: 'a.csv', [key]: 'x' } as SourceSpec }) === hash({}),
    );
    expect(still.sort()).toEqual(['delimiter', 'encoding', 'format', 'name', 'query', 'uri']);
  });

  test('of parts are all different', () => {
    const keys = [0, 1, 2].map((part) => stepHash(STEPS.standardisePart, partKey(inputs, part)));
    expect(new Set([...keys, hash({})]).size).toBe(4);
  });
});
