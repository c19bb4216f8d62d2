import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { readResultsFile } from '../../src/cli/lab/results-file';
import { toCsv } from '../../src/cli/table';
import { sheetToCsv } from '../../src/cli/lab/sheet';
import { valueColumnsOf } from '../../src/cli/lab/wide-columns';
import type { BatchSheet } from '../../src/contracts';
import { workplace } from './support';

const directory = workplace();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(name: string, text: string) {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return readResultsFile(file);
}

const ID = `mol_${'a'.repeat(32)}`;

test('CSV: columns in any writing, numbers, empty cells, lines', () => {
  const { rows, ignoredColumns } = read(
    'a.csv',
    `\uFEFFResult ID;molecule_id;Value;qualifier;operator\nr1;${ID};-3.18;<;Ann\nr2;${ID};5.2;;Bob\n`,
  );
  expect(ignoredColumns).toEqual(['operator']);
  expect(rows.map(({ line, result }) => [line, result?.resultId, result?.value, result?.qualifier])).toEqual([
    [2, 'r1', -3.18, '<'],
    [3, 'r2', 5.2, '='],
  ]);
});

test('a bad row is told with its reason and stops no other', () => {
  const { rows } = read('b.csv', `resultId,moleculeId,value\nr1,${ID},abc\nr2,${ID},1.5\nr3,,2\nr4,${ID}\n`);
  expect(rows.map(({ line, problem }) => [line, problem])).toEqual([
    [2, "value: 'abc' is not a number"],
    [3, null],
    [4, expect.stringMatching(/names no molecule/)],
    [5, expect.stringMatching(/2 cells where the header has 3/)],
  ]);
});

test("a nearly right column name is refused: a misspelt 'qualifier' would turn bounds into values", () => {
  expect(() => read('c.csv', 'resultId,smiles,value,qualifer\nr1,C,1,<\n')).toThrow(
    /unknown column 'qualifer'; did you mean 'qualifier'/,
  );
});

test('JSON, a signal body, NDJSON; a broken line is one bad row', () => {
  const result = { resultId: 'r', smiles: 'C', value: 1 };
  expect(read('d.json', JSON.stringify([result])).rows[0]!.result).toMatchObject(result);
  expect(read('e.json', JSON.stringify({ results: [result] })).rows[0]!.result).toMatchObject(result);
  const { rows } = read('f.ndjson', `${JSON.stringify(result)}\n{broken\n`);
  expect(rows.map(({ line, problem }) => [line, problem === null])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect(() => read('g.json', '{"rows": []}')).toThrow(/neither an array/);
  expect(() => read('h.xlsx', 'x')).toThrow(/expected a \.csv/);
});

test('made ids: the same file gives the same ids, equal rows stay apart, an edit moves only its own row', () => {
  const text = (value: string) => `moleculeId,value\n${ID},1\n${ID},1\n${ID},${value}\n`;
  const ids = (value: string) => read('i.csv', text(value)).rows.map(({ resultId }) => resultId);
  const [a, b, c] = ids('2');
  expect(ids('2')).toEqual([a, b, c]);
  expect(new Set([a, b, c]).size).toBe(3);
  const edited = ids('3');
  expect(edited.slice(0, 2)).toEqual([a, b]);
  expect(edited[2]).not.toBe(c);
});

test('an exported sheet that the lab filled in is a results file; rows left empty are not sent', () => {
  const hash = '0'.repeat(64);
  const pick = (rank: number) => ({
    rank,
    moleculeId: `mol_${String(rank).repeat(32)}`,
    smiles: 'CC',
    compoundId: 'a,"b"',
    strategy: 'ei',
    reason: 'because',
    ...{ nearest: { moleculeId: hash, smiles: 'CCO', similarity: 0.5 }, teaches: 0.1, cost: 3 },
    ...{ plate: 2, well: 'A03' },
  });
  const csv = sheetToCsv({
    batchId: 'x/batch/1',
    campaignId: 'x',
    round: 1,
    property: 'logS',
    unit: 'log(mol/L)',
    direction: 'maximize',
    modelVersion: null,
    modelSha256: null,
    dataVersion: hash,
    cutId: hash,
    rule: {},
    picks: [pick(1), pick(2), pick(3)],
    seal: hash,
  });
  const [header, ...lines] = parse(csv) as string[][];
  const fill = (row: string[], column: string, value: string) =>
    row.map((cell, i) => (header![i] === column ? value : cell));
  const { rows, empty } = read(
    'j.csv',
    toCsv(header!, [fill(lines[0]!, 'value', '-1.25'), fill(lines[1]!, 'outcome', 'failed'), lines[2]!]),
  );
  expect(empty).toBe(1);
  expect(rows.map(({ problem }) => problem)).toEqual([null, null]);
  expect(rows[0]!.result).toMatchObject({
    batchId: 'x/batch/1',
    compoundId: 'a,"b"',
    value: -1.25,
    unit: 'log(mol/L)',
    outcome: 'measured',
    ...{ plate: '2', well: 'A03' },
  });
  expect(rows[1]!.result).toMatchObject({ outcome: 'failed' });
});

describe('several properties', () => {
  const sheet: BatchSheet = {
    ...{ batchId: 'x/batch/2', campaignId: 'x', round: 2, property: 'logS', unit: 'log(mol/L)' },
    ...{
      direction: 'maximize',
      modelVersion: null,
      modelSha256: null,
      dataVersion: 'd',
      cutId: 'c',
      rule: {},
    },
    others: [{ property: 'IC50', unit: 'nM', direction: 'minimize' }],
    picks: [1, 2, 3, 4].map((rank) => ({
      ...{
        rank,
        moleculeId: `mol_${String(rank).repeat(32)}`,
        smiles: 'CC',
        strategy: 'ehvi',
        reason: 'because',
      },
      ...{ predicted: rank, standardDeviation: 1, interval90: [0, 9] as [number, number] },
      others: [{ property: 'IC50', predicted: 50, standardDeviation: 5, interval90: [40, 60] }],
    })),
    seal: 's',
  };

  test('a sheet has columns for each; filled in, a row is a result for each that it says something of', () => {
    const [header, ...lines] = parse(sheetToCsv(sheet)) as string[][];
    expect(header).toEqual(
      expect.arrayContaining(['predicted:logS', 'upper90:IC50', 'value:IC50', 'unit:logS']),
    );
    expect(lines[0]![header!.indexOf('predicted:IC50')]).toBe('50');
    const fill = (row: string[], cells: Record<string, string>) =>
      row.map((cell, i) => cells[header![i]!] ?? cell);
    const { rows, empty, ignoredColumns } = read(
      'wide.csv',
      toCsv(header!, [
        fill(lines[0]!, { 'value:logS': '-1.5', 'value:IC50': '12' }),
        fill(lines[1]!, { 'value:logS': '-2', outcome: 'failed', note: 'precipitated' }),
        fill(lines[2]!, { outcome: 'abandoned' }),
        lines[3]!,
      ]),
    );
    expect([empty, ignoredColumns]).toEqual([1, []]);
    const told = rows.map(({ line, result: r, problem }) => [
      ...[line, problem, r?.property, r?.outcome, r?.value, r?.unit, r?.note],
    ]);
    expect(told).toEqual([
      [2, null, 'logS', 'measured', -1.5, 'log(mol/L)', undefined],
      [2, null, 'IC50', 'measured', 12, 'nM', undefined],
      [3, null, 'logS', 'measured', -2, 'log(mol/L)', 'precipitated'],
      [3, null, 'IC50', 'failed', undefined, 'nM', 'precipitated'],
      [4, null, undefined, 'abandoned', undefined, undefined, undefined],
    ]);
    expect(new Set(rows.map(({ resultId }) => resultId)).size).toBe(rows.length);
  });

  const table = 'resultId,moleculeId,logP measured,clearance,note\n';
  const columns = (...options: string[]) => valueColumnsOf(options);
  const readWide = (text: string, options: readonly string[], name = 'lab.csv') => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return readResultsFile(file, columns(...options));
  };

  test("a lab's own table: columns are named, ids get the property, a bad cell hurts its own value only", () => {
    const options = ['logP=logP measured', 'CL=clearance'];
    const { rows, empty } = readWide(`${table}r1,${ID},2.5,7,x\nr2,${ID},n.d.,8,\nr3,${ID},,,\n`, options);
    expect(empty).toBe(1);
    expect(
      rows.map(({ resultId, result: r, problem }) => [resultId, r?.property, r?.value, problem]),
    ).toEqual([
      ['r1/logP', 'logP', 2.5, null],
      ['r1/CL', 'CL', 7, null],
      ['r2/logP', undefined, undefined, "logP measured: 'n.d.' is not a number"],
      ['r2/CL', 'CL', 8, null],
    ]);
    // A correction of the row corrects what it says of each.
    const fixed = readWide(`resultId,moleculeId,replaces,clearance\nr4,${ID},r2,9\n`, ['CL=clearance']);
    expect(fixed.rows[0]!.result).toMatchObject({ resultId: 'r4/CL', replaces: 'r2/CL', value: 9 });
  });

  test('options that cannot be are refused', () => {
    expect(() => columns('logP')).toThrow(/'logP' is not PROPERTY=COLUMN/);
    expect(() => columns('a=x', 'b=x')).toThrow(/column 'x' is named twice/);
    expect(() => readWide(table, ['CL=clearence'])).toThrow(/no column 'clearence'.*Its columns: resultId/);
    expect(() => readWide('[]', ['CL=clearance'], 'r.json')).toThrow(
      /--value-column names columns of a table/,
    );
  });
});
