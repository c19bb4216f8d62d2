import fc from 'fast-check';
import {
  campaignConfigSchema,
  canonicalJson,
  featurizerName,
  featurizerSchema,
  labResultSchema,
  labResultsMessageSchema,
  nearestName,
  parseWith,
  TitrateError,
} from '../../src/contracts';

const minimal = {
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'a.csv' }] },
};

describe('canonical JSON', () => {
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);

  test('property: parses back to the same value, whatever the order of the keys', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : value && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([k, v]) => [k, reversed(v)]),
            )
          : value;
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  test('has no spelling for what JSON would silently change', () => {
    for (const value of [NaN, Infinity, { a: -Infinity }, 10n, () => 1])
      expect(() => canonicalJson(value)).toThrow(TypeError);
    expect(canonicalJson({ a: undefined, b: -0 })).toBe('{"b":0}');
  });
});

describe('campaign configuration', () => {
  test('needs an objective and a pool; everything else has a default', () => {
    const config = campaignConfigSchema.parse(minimal);
    expect(config.acquisition).toMatchObject({ strategy: 'auto', first: 'designed', batchSize: 32 });
    expect(featurizerName(config.featurizers[0]!)).toBe('morgan3-counts+atom-pair-counts+descriptors');
    expect(campaignConfigSchema.parse(config)).toEqual(config);
  });

  test.each([
    [
      { ...minimal, acquisition: { batchsize: 1 } },
      "acquisition: unknown key 'batchsize'; did you mean 'batchSize'?",
    ],
    [
      { ...minimal, pool: { sources: [{ uri: 'a.csv', smilesColum: 'x' }] } },
      "pool.sources.0: unknown key 'smilesColum'; did you mean 'smilesColumn'?",
    ],
    [
      { ...minimal, featurizers: [{ kind: 'morgan', raduis: 2 }] },
      "featurizers.0: unknown key 'raduis'; did you mean 'radius'?",
    ],
    [{ ...minimal, wholly: 1 }, "(top level): unknown key 'wholly'; known keys: "],
    [{ ...minimal, lab: { closeAfter: 'soon' } }, "lab.closeAfter: expected a duration such as '14 days'"],
  ])('%j is refused with the place and the nearest known name', (config, message) => {
    expect(() => parseWith(campaignConfigSchema, config, 'file.json')).toThrow(TitrateError);
    expect(() => parseWith(campaignConfigSchema, config, 'file.json')).toThrow(message);
  });

  test('a name that is far from every known one is not guessed at', () => {
    expect(nearestName('xyzzy', ['objective', 'pool'])).toBeUndefined();
    expect(nearestName('objectve', ['objective', 'pool'])).toBe('objective');
  });
});

describe('lab results', () => {
  test.each([
    [{ resultId: 'a', value: 1 }, 'names no molecule'],
    [{ resultId: 'a', smiles: 'C' }, 'no finite value'],
    [{ resultId: 'a', smiles: 'C', value: Infinity }, ''],
    [{ resultId: '', smiles: 'C', value: 1 }, ''],
    [{ resultId: 'a', moleculeId: 'mol_1', value: 1 }, 'mol_'],
    [{ resultId: 'a', smiles: 'C', value: 1, valeu: 2 }, 'valeu'],
  ])('%j is refused', (row, message) => {
    const parsed = labResultSchema.safeParse(row);
    expect(parsed.success).toBe(false);
    expect(parsed.error!.message).toContain(message);
  });

  test('a failed assay needs no value; a message is rows or a reference', () => {
    expect(labResultSchema.parse({ resultId: 'a', smiles: 'C', outcome: 'failed' })).toMatchObject({
      qualifier: '=',
    });
    expect(labResultsMessageSchema.safeParse({ results: [] }).success).toBe(false);
    expect(labResultsMessageSchema.safeParse({ ref: 'results.json' }).success).toBe(true);
  });
});

test('a featurizer has one name for one specification', () => {
  const name = (spec: unknown) => featurizerName(featurizerSchema.parse(spec));
  expect(name({ kind: 'morgan' })).toBe('morgan2-2048c');
  expect(name({ kind: 'morgan', counts: 'none' })).toBe('morgan2-2048');
  expect(name({ kind: 'concatenation', parts: [{ kind: 'maccs' }, { kind: 'descriptors' }] })).toBe(
    'maccs+descriptors',
  );
});
