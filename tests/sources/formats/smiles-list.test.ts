import fc from 'fast-check';
import { brief, readAll } from '../reading';

const source = { uri: 'pool.smi' };
const named = async (text: string, more = {}) =>
  (await readAll(text, { ...source, ...more })).good.map(({ structure, compoundId }) => [
    structure.text,
    compoundId,
  ]);

describe('SMILES lists', () => {
  test('a SMILES, then maybe a name, after any white space', async () => {
    const text = 'CCO\tethyl alcohol\nCCN  A-2\n\n  CC  \n# a comment\nCCC\t\n';
    expect(await named(text)).toEqual([
      ['CCO', 'ethyl alcohol'],
      ['CCN', 'A-2'],
      ['CC', undefined],
      ['CCC', undefined],
    ]);
    expect(brief(await readAll(text, source)).rows.map(([line]) => line)).toEqual([1, 2, 4, 6]);
  });

  test.each(['smiles name', 'SMILES\tName', 'canonical_smiles id', 'smiles'])('header %s', async (header) => {
    expect(await named(`# made today\n${header}\nCCO x\n`)).toEqual([['CCO', 'x']]);
  });

  test('a CXSMILES extension is neither structure nor name', async () => {
    expect(await named('C[C@H](O)F |&1:1| A-1\nCCO |r|\nCC |half a bar\n')).toEqual([
      ['C[C@H](O)F', 'A-1'],
      ['CCO', undefined],
      ['CC', '|half a bar'],
    ]);
  });

  test.each([
    ['tab', 'smiles\tthe id\tIC50\nCCO\tA 1\t5\n', 'the id', 'A 1', '\t'],
    ['blanks', 'smiles  id   IC50\nCCO A-1     5\n', 'id', 'A-1', ' '],
    ['comma', 'smiles,id,IC50\nCCO,A-1,5\n', 'id', 'A-1', ','],
  ])('with named columns it is a table with a header: %s', async (_name, text, id, value, delimiter) => {
    const { reading, good } = await readAll(text, { ...source, compoundIdColumn: id, valueColumn: 'IC50' });
    expect(reading).toMatchObject({ format: 'smi', delimiter });
    expect(good).toMatchObject([{ line: 2, compoundId: value, value: '5', structure: { text: 'CCO' } }]);
  });

  test('a list without a molecule', async () => {
    await expect(readAll('\n# nothing\n\n', source)).rejects.toMatchObject({ code: 'source-unreadable' });
    expect((await readAll('smiles name\n', source)).records).toEqual([]);
  });

  test('every line that is neither blank nor a comment is one record', async () => {
    const word = fc.string({ unit: fc.constantFrom('C', '#', ' ', '\t', '=', '|', 'µ', '\0'), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 10 }), async (lines) => {
        const { records } = await readAll(['C first', ...lines].join('\r\n'), source);
        const wanted = ['C first', ...lines].flatMap((line, i) =>
          line.trim() === '' || line.trim().startsWith('#') ? [] : [[i + 1, line]],
        );
        expect(records.map(({ line, raw }) => [line, raw])).toEqual(wanted);
      }),
      { numRuns: 150 },
    );
  });
});
