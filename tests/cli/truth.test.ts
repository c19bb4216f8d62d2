import { rmSync } from 'node:fs';
import path from 'node:path';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import { moleculeCapsSchema, standardisationSchema } from '../../src/contracts';
import { readStructures } from '../../src/cli/lab/structures';
import { parseTruthOption, readTruth, readTruths, truthFilesOf } from '../../src/cli/lab/truth';
import { workplace } from './support';

const directory = workplace({
  'a.csv': 'smiles,logS\nCCO,1\nOCC,3\nc1ccccc1,-2\nnonsense(,4\nCCC,<5\nCCN,\n',
  'b:c.csv': 'smiles,value\nCCCl,0.5\n',
  'list.smi': 'CCO ethyl alcohol\n\nCCC\n',
});
const caps = moleculeCapsSchema.parse({});
const standardisation = standardisationSchema.parse({});
let chemistry: Chemistry;
beforeAll(() => {
  chemistry = createChemistry({ threads: 1 });
});
afterAll(async () => {
  await chemistry.close();
  rmSync(directory, { recursive: true, force: true });
});

test('molecules meet by identity, not by spelling; bounds, blanks and bad rows are no truth', async () => {
  const files = [
    parseTruthOption('a.csv:logS', 'other', directory),
    parseTruthOption('b:c.csv', 'value', directory),
  ];
  const { values, rows, quarantined } = await readTruth(files, { chemistry, caps, standardisation });
  const ids = await chemistry.standardise(
    ['C(O)C', 'c1ccccc1', 'ClCC'].map((text) => ({ notation: 'smiles', text })),
    caps,
    standardisation,
  );
  const idOf = (i: number) => (ids[i] as Extract<(typeof ids)[number], { ok: true }>).molecule.moleculeId;
  expect([...values].sort()).toEqual(
    [
      [idOf(0), 2],
      [idOf(1), -2],
      [idOf(2), 0.5],
    ].sort(),
  );
  expect({ rows, quarantined }).toEqual({ rows: 4, quarantined: 1 });
});

test('the column is the property unless it is named; a missing file and a missing column are told', async () => {
  expect(parseTruthOption('a.csv', 'logS', directory)).toEqual({
    file: path.join(directory, 'a.csv'),
    valueColumn: 'logS',
  });
  expect(() => parseTruthOption('absent.csv:x', 'logS', directory)).toThrow(
    /absent\.csv: there is no such file/,
  );
  await expect(
    readTruth([parseTruthOption('a.csv:logs', 'x', directory)], { chemistry, caps, standardisation }),
  ).rejects.toMatchObject({ code: 'column-missing' });
  await expect(
    readTruth([parseTruthOption('a.csv:smiles', 'x', directory)], { chemistry, caps, standardisation }),
  ).rejects.toMatchObject({ code: 'labels-insufficient' });
});

test('structures of a SMILES file carry their names; a missing file is told as such', async () => {
  expect(await readStructures(path.join(directory, 'list.smi'), chemistry)).toEqual({
    structures: [
      { smiles: 'CCO', compoundId: 'ethyl alcohol', line: 1 },
      { smiles: 'CCC', compoundId: undefined, line: 3 },
    ],
    problems: [],
  });
  const { structures, problems } = await readStructures(path.join(directory, 'a.csv'), chemistry);
  expect([structures.length, problems.length]).toEqual([5, 1]);
  await expect(readStructures(path.join(directory, 'absent.csv'), chemistry)).rejects.toMatchObject({
    code: 'source-missing',
  });
});

test('files of several properties: of all, of the first, or of the one that is named', async () => {
  const files = (...texts: string[]) =>
    truthFilesOf(texts, ['logS', 'value'], directory).map(({ property, files: own }) => [
      property,
      own.map(({ file, valueColumn }) => `${path.basename(file)}:${valueColumn}`),
    ]);
  expect(files('a.csv', 'a.csv:x', 'b:c.csv:value=y', 'a.csv:z=w')).toEqual([
    ['logS', ['a.csv:logS', 'a.csv:x', 'a.csv:z=w']],
    ['value', ['a.csv:value', 'b:c.csv:y']],
  ]);
  const how = { chemistry, caps, standardisation };
  const both = truthFilesOf(['a.csv:logS', 'b:c.csv:value=value'], ['logS', 'value'], directory);
  const truths = await readTruths(both, how);
  expect(truths.map(({ property, values }) => [property, values.size])).toEqual([
    ['logS', 2],
    ['value', 1],
  ]);
  await expect(readTruths(truthFilesOf(['a.csv:logS'], ['logS', 'value'], directory), how)).rejects.toThrow(
    /no file knows 'value'.*--truth FILE:value=COLUMN/,
  );
});
