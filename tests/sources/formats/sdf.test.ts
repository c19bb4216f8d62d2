import { brief, readAll } from '../reading';

/** A record whose molblock is known by its first line. */
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
      record('CCO', { id: 'A-1', logS: '<-2.5', u: 'M', lot: '7' }),
      record('CCN', { id: 'A-2', logS: '' }),
      record('CCC', { logS: '1' }),
    );
    const { good, bad } = await readAll(text, {
      ...source,
      compoundIdColumn: 'id',
      valueColumn: 'logS',
      unitColumn: 'u',
      batchColumn: 'lot',
    });
    expect(bad).toEqual([]);
    expect(
      good.map(({ line, structure, compoundId, value, unit, batch }) => [
        ...[line, structure.notation, structure.text.split('\n')[0]],
        ...[compoundId, value, unit, batch],
      ]),
    ).toEqual([
      [1, 'molblock', 'CCO', 'A-1', '<-2.5', 'M', '7'],
      [19, 'molblock', 'CCN', 'A-2', undefined, undefined, undefined],
      [31, 'molblock', 'CCC', undefined, '1', undefined, undefined],
    ]);
    expect(good[0]!.structure.text).toBe(
      'CCO\n  made by hand\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n',
    );
  });

  test('a SMILES field wins over the molblock where the record has it', async () => {
    const text = sdf(record('one', { smi: 'CCO' }), record('two'), record('three', { smi: '' }));
    const { good } = await readAll(text, { ...source, smilesColumn: 'smi' });
    expect(good.map(({ structure }) => [structure.notation, structure.text.split('\n')[0]])).toEqual([
      ['smiles', 'CCO'],
      ['molblock', 'two'],
      ['molblock', 'three'],
    ]);
    await expect(readAll(text, { ...source, smilesColumn: 'SMILES' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringContaining('smilesColumn'),
    });
  });

  test('CRLF and a missing last terminator', async () => {
    const text = `${record('CCO', { v: '1' }, '\r\n')}\r\n$$$$\r\n${record('CCN', { v: '2' }, '\r\n')}`;
    const { good, bad } = await readAll(text, { ...source, valueColumn: 'v' });
    expect(bad).toEqual([]);
    expect(good.map(({ value }) => value)).toEqual(['1', '2']);
  });

  test('molblocks without terminators between them are not taken for one molecule', async () => {
    const text = `${record('CCO', { v: '1' })}\n${record('CCN')}\n$$$$\n${sdf(record('CCC'))}`;
    const result = await readAll(text, source);
    expect(brief(result)).toEqual({ rows: [[15, 'CCC']], bad: [[1, 'record-malformed']] });
    expect(result.bad[0]!.message).toContain('$$$$ is missing');
  });

  test('a last record that stops inside its molblock was cut', async () => {
    const text = sdf(record('CCO')) + record('CCN').replace('\nM  END', '');
    expect(brief(await readAll(text, source))).toEqual({
      rows: [[1, 'CCO']],
      bad: [[7, 'source-truncated']],
    });
  });

  test('blank lines at the end are no record, an empty record between two is a bad one', async () => {
    const text = `${sdf(record('CCO'))}\n$$$$\n${record('CCN')}\n$$$$\n\n  \n`;
    const { good, bad } = await readAll(text, source);
    expect(good).toHaveLength(2);
    expect(bad).toMatchObject([{ line: 7, reason: 'record-malformed', message: 'the record is empty' }]);
  });

  test('a field that stands twice with different values is not guessed at', async () => {
    const twice = record('CCO', { v: '1' }) + '\n>  <v>\n2\n';
    const same = record('CCN', { v: '1' }) + '\n>  <v>\n1\n';
    const { good, bad } = await readAll(sdf(twice, same), { ...source, valueColumn: 'v' });
    expect(bad).toMatchObject([{ line: 1, reason: 'record-malformed' }]);
    expect(good.map(({ value }) => value)).toEqual(['1']);
  });

  test('text that looks like a field in the header block is not one', async () => {
    const text = sdf(record('>  <v>').replace('  made by hand', '7'), record('CCN', { v: '2' }));
    const { good } = await readAll(text, { ...source, valueColumn: 'v' });
    expect(good.map(({ value }) => value)).toEqual([undefined, '2']);
  });

  test('a field that no record has is named, with the fields there are', async () => {
    const text = sdf(record('CCO', { id: 'A', logS: '1' }), record('CCN', { name: 'x' }));
    await expect(readAll(text, { ...source, valueColumn: 'logs' })).rejects.toMatchObject({
      code: 'column-missing',
      message: expect.stringMatching(
        /no record has a field 'logs'; the fields are 'id', 'logS', 'name'\. Did you mean 'logS'\?/,
      ),
    });
    await expect(readAll(sdf(record('CCO')), { ...source, compoundIdColumn: 'id' })).rejects.toMatchObject({
      message: expect.stringContaining('the records have no fields'),
    });
  });

  test('no record', async () => {
    await expect(readAll('\n\n', source)).rejects.toMatchObject({ code: 'source-unreadable' });
  });

  test('a record without end is cut and quarantined', async () => {
    const text = sdf(`CCO\n${'x'.repeat(70)}\n`.repeat(20_000), record('CCN'));
    const result = await readAll(text, source);
    expect(brief(result)).toEqual({ rows: [[40_003, 'CCN']], bad: [[1, 'record-malformed']] });
    expect(result.bad[0]!.raw).toHaveLength(2000);
  });
});
