import { standardise } from './sources';

/** A record whose molblock the text chemistry reads by its first line. */
const record = (smiles: string, fields: Record<string, string> = {}, newline = '\n') =>
  [
    ...[smiles, '  made by hand', '', '  0  0  0  0  0  0  0  0  0  0999 V2000', 'M  END'],
    ...Object.entries(fields).flatMap(([name, value]) => [`>  <${name}>  (1)`, value, '']),
  ].join(newline);
const sdf = (...records: string[]) => records.map((text) => `${text}\n$$$$\n`).join('');
const source = { uri: 'pool.sdf' };

describe('SDF sources', () => {
  test('molblocks, fields by name and the line of the first line', async () => {
    const text = sdf(
      record('CCO', { id: 'A-1', logS: '<-2.5' }),
      record('CCN', { id: 'A-2', logS: '' }),
      record('CCC', { logS: '1' }),
    );
    const { rows, quarantine } = await standardise(text, {
      ...source,
      compoundIdColumn: 'id',
      valueColumn: 'logS',
      unit: 'log(mol/L)',
    });
    expect(quarantine).toEqual([]);
    expect(
      rows.map(({ line, smiles, compoundId, value, qualifier }) => [
        line,
        smiles,
        compoundId,
        value,
        qualifier,
      ]),
    ).toEqual([
      [1, 'CCO', 'A-1', -2.5, '<'],
      [13, 'CCN', 'A-2', undefined, undefined],
      [25, 'CCC', undefined, 1, '='],
    ]);
    expect(rows.map((row) => row.unit)).toEqual(['log(mol/L)', undefined, 'log(mol/L)']);
  });

  test('CRLF and a missing last terminator', async () => {
    const text = `${record('CCO', { v: '1' }, '\r\n')}\r\n$$$$\r\n${record('CCN', { v: '2' }, '\r\n')}`;
    const { rows, quarantine } = await standardise(text, { ...source, valueColumn: 'v' });
    expect(quarantine).toEqual([]);
    expect(rows.map(({ smiles, value }) => [smiles, value])).toEqual([['CCO', 1], ['CCN', 2]]); // prettier-ignore
  });

  test('blank lines at the end are no record, an empty record between two is a bad one', async () => {
    const text = `${sdf(record('CCO'))}\n$$$$\n${record('CCN')}\n$$$$\n\n  \n`;
    const { rows, quarantine } = await standardise(text, source);
    expect(rows.map((row) => row.smiles)).toEqual(['CCO', 'CCN']);
    expect(quarantine).toMatchObject([
      { line: 7, reason: 'record-malformed', message: 'the record is empty' },
    ]);
  });

  test('a bad record stops nothing', async () => {
    const text = sdf(
      record('C!', { v: '1' }),
      record('CCN', { v: 'abc' }),
      'garbage',
      record('CCC', { v: '3' }),
    );
    const { rows, quarantine } = await standardise(text, { ...source, valueColumn: 'v' });
    // The tiny chemistry takes any first line for a molecule, so the garbage is one.
    expect(rows.map((row) => row.smiles)).toEqual(['garbage', 'CCC']);
    expect(quarantine.map((row) => [row.line, row.reason])).toEqual([[1, 'molecule-unparsable'], [10, 'value-not-a-number']]); // prettier-ignore
    expect(quarantine[0]!.raw.startsWith('C!\n')).toBe(true);
  });

  test('a field that stands twice with different values is not guessed at', async () => {
    const twice = record('CCO', { v: '1' }) + '\n>  <v>\n2\n';
    const same = record('CCN', { v: '1' }) + '\n>  <v>\n1\n';
    const { rows, quarantine } = await standardise(sdf(twice, same), { ...source, valueColumn: 'v' });
    expect(quarantine).toMatchObject([{ line: 1, reason: 'record-malformed' }]);
    expect(rows.map((row) => row.value)).toEqual([1]);
  });

  test('text that looks like a field in the header block is not one', async () => {
    const text = sdf(record('>  <v>').replace('  made by hand', '7'), record('CCN', { v: '2' }));
    const { rows } = await standardise(text, { ...source, valueColumn: 'v' });
    expect(rows.map((row) => row.value)).toEqual([undefined, 2]);
  });

  test('a field that no record has is named, with the fields there are', async () => {
    const text = sdf(record('CCO', { id: 'A', logS: '1' }), record('CCN', { name: 'x' }));
    await expect(standardise(text, { ...source, valueColumn: 'logs' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(
        /no record has a field 'logs'; the fields are 'id', 'logS', 'name'\. Did you mean 'logS'\?/,
      ),
    });
    await expect(
      standardise(sdf(record('CCO')), { ...source, compoundIdColumn: 'id' }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('the records have no fields'),
    });
  });

  test('no record, and a SMILES column', async () => {
    await expect(standardise('\n\n', source)).rejects.toMatchObject({ code: 'source-unreadable' });
    await expect(standardise(sdf(record('C')), { ...source, smilesColumn: 'smiles' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  test('a record without end is cut and quarantined', async () => {
    const text = sdf(`CCO\n${'x'.repeat(70)}\n`.repeat(20_000), record('CCN'));
    const { rows, quarantine } = await standardise(text, source);
    expect(quarantine).toMatchObject([{ line: 1, reason: 'record-malformed' }]);
    expect(rows.map((row) => row.smiles)).toEqual(['CCN']);
  });
});
