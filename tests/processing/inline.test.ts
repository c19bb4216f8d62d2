import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { createInlineProcessor, type BulkProgress } from '../../src/processing';
import { landText, PlainChemistry, readParts, smilesCsv, temporaryStore } from './support/processing';

describe('the inline processor', () => {
  let store: ReturnType<typeof temporaryStore>;
  let chemistry: PlainChemistry;
  beforeEach(() => {
    store = temporaryStore();
    chemistry = new PlainChemistry();
  });
  afterEach(() => store.remove());
  const processor = (partRows?: number) => createInlineProcessor({ ...store, chemistry, partRows });

  test('every record comes out once, accepted or quarantined, in the order of the source, in parts', async () => {
    const request = await landText(store.objects, smilesCsv(50), { uri: 'a.csv' });
    const { value, cached } = await processor(8).standardise(request);
    const { parts, rows, quarantine } = await readParts(store.objects, value.parts);
    expect(cached).toBe(false);
    expect(parts.map((part) => part.accepted + part.quarantined)).toEqual([8, 8, 8, 8, 8, 8, 2]);
    expect([...rows, ...quarantine].map((row) => row.line).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 2),
    );
    expect(rows.map((row) => row.line)).toEqual(rows.map((row) => row.line).sort((a, b) => a - b));
    expect(quarantine.map((row) => row.line)).toEqual([8, 15, 22, 29, 36, 43, 50]);
    expect(value).toMatchObject({ accepted: 43, quarantined: 7, reading: { format: 'csv', delimiter: ',' } });
    expect(value.examples).toHaveLength(3);
    expect(value.examples[0]).toBe("a.csv, line 8: 'bad(6' is no SMILES (molecule-unparsable)");
  });

  test('values, units and what else a row tells stand in its dataset row; what cannot be read is quarantined', async () => {
    const text =
      'smiles,id,ic50,unit,op,rep,assay,lot,day\n' +
      'CCO,A-1,10,nM,<,2,kinase,L7,2026-11-24\n' +
      'CCN,A-2,ten,nM,,,,,\n' +
      ',A-3,1,nM,,,,,\n' +
      'CCC,A-4,,,,,,,\n';
    const request = await landText(store.objects, text, {
      compoundIdColumn: 'id',
      valueColumn: 'ic50',
      unitColumn: 'unit',
      qualifierColumn: 'op',
      replicateColumn: 'rep',
      assayColumn: 'assay',
      batchColumn: 'lot',
      measuredAtColumn: 'day',
      convertTo: 'pIC50',
    });
    const { value } = await processor().standardise(request);
    const { rows, quarantine } = await readParts(store.objects, value.parts);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      compoundId: 'A-1',
      value: 8,
      unit: 'pIC50',
      qualifier: '>',
      reportedValue: 10,
      reportedUnit: 'nM',
      replicate: 2,
      assay: 'kinase',
      batch: 'L7',
      measuredAt: '2026-11-24',
      sourceSha256: request.landed.raw.sha256,
      line: 2,
    });
    expect(rows[1]).not.toHaveProperty('value');
    expect(quarantine.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'value-not-a-number'],
      [4, 'molecule-empty'],
    ]);
    expect(chemistry.molecules).toBe(2);
  });

  test('rows do not depend on how the source is cut into parts', async () => {
    const row = fc.oneof(fc.constant('bad'), fc.stringMatching(/^[CNO]{1,6}$/));
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        async (lines, size) => {
          const request = await landText(store.objects, `smiles\n${lines.join('\n')}\n`);
          const whole = await readParts(
            store.objects,
            (await processor(1000).standardise(request)).value.parts,
          );
          const cut = await readParts(
            store.objects,
            (await processor(size).standardise(request)).value.parts,
          );
          expect(cut.parts).toHaveLength(Math.ceil(lines.length / size));
          expect(cut.rows).toEqual(whole.rows);
          expect(cut.quarantine).toEqual(whole.quarantine);
          expect(whole.rows.length + whole.quarantine.length).toBe(lines.length);
        },
      ),
      { numRuns: 15, seed: 4 },
    );
  });

  test('done once is done, wherever the bytes lie and whatever the source is called', async () => {
    const first = await processor(8).standardise(
      await landText(store.objects, smilesCsv(30), { uri: 'a.csv' }),
    );
    const done = chemistry.molecules;
    const again = await processor(8).standardise(
      await landText(store.objects, smilesCsv(30), { uri: 'https://b.example/c.csv', name: 'C' }),
    );
    expect(chemistry.molecules).toBe(done);
    expect(again).toMatchObject({ cached: true, value: { parts: first.value.parts, source: { name: 'C' } } });
    expect(again.value.examples[0]).toMatch(/^https:\/\/b\.example\/c\.csv, line 8:/);
  });

  test('a run that was stopped in mid-source goes on after the parts it had stored, and ends the same', async () => {
    const text = smilesCsv(200);
    const other = temporaryStore();
    const expected = await createInlineProcessor({ ...other, chemistry, partRows: 10 }).standardise(
      await landText(other.objects, text),
    );
    other.remove();
    chemistry.molecules = 0;

    const request = await landText(store.objects, text);
    const stop = new AbortController();
    const seen: BulkProgress[] = [];
    const stopped = processor(10).standardise(request, {
      signal: stop.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.rows >= 100) stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = chemistry.molecules;
    expect(before).toBeLessThan(160);

    const { value, cached } = await processor(10).standardise(request);
    expect(cached).toBe(false);
    expect(value.parts.sha256).toBe(expected.value.parts.sha256);
    // Parts that were stored are not computed again; those under way when it stopped may be.
    expect(chemistry.molecules - before).toBeLessThanOrEqual(120);
    expect(seen.at(-1)).toMatchObject({ totalBytes: text.length });
  });

  test('memory holds a few batches, and chemistry always has the next one', async () => {
    let most = 0;
    chemistry.before = async () => {
      most = Math.max(most, chemistry.underWay);
      await new Promise((resolve) => setTimeout(resolve, 2));
    };
    // Parts of one batch each, so that the borders of parts are in the way of every batch.
    const { value } = await processor(64).standardise(await landText(store.objects, smilesCsv(64 * 20)));
    expect(value.accepted + value.quarantined).toBe(64 * 20);
    // Two where reading falls behind for a moment.
    expect([2, 3]).toContain(most);
  });

  test('objects of a recorded part that are gone are made again', async () => {
    const request = await landText(store.objects, smilesCsv(30));
    const first = await processor(8).standardise(request);
    const { parts } = await readParts(store.objects, first.value.parts);
    const { sha256 } = parts[2]!.rows;
    rmSync(path.join(store.directory, 'objects', sha256.slice(0, 2), sha256));
    chemistry.molecules = 0;
    const again = await processor(8).standardise(request);
    expect(chemistry.molecules).toBe(8);
    expect(again).toMatchObject({ cached: false, value: { parts: first.value.parts } });
    expect((await readParts(store.objects, again.value.parts)).rows).toHaveLength(first.value.accepted);
  });

  test('chemistry that cannot work at all is an error, and the part is not recorded', async () => {
    const request = await landText(store.objects, smilesCsv(64));
    chemistry.before = (call) => {
      if (call === 3) throw new Error('no threads');
    };
    await expect(processor(16).standardise(request)).rejects.toThrow('no threads');
    chemistry.before = () => undefined;
    await expect(processor(16).standardise(request)).resolves.toMatchObject({
      value: { accepted: 55, quarantined: 9 },
    });
  });

  test('raw bytes that have rotted record nothing', async () => {
    const request = await landText(store.objects, smilesCsv(40));
    const name = readdirSync(store.directory, { recursive: true, encoding: 'utf8' }).find((file) =>
      file.includes(request.landed.raw.sha256),
    )!;
    const file = path.join(store.directory, name);
    const bytes = readFileSync(file);
    bytes[bytes.length - 2] = 'N'.charCodeAt(0);
    writeFileSync(file, bytes);
    await expect(processor(8).standardise(request)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    expect(await store.objects.listRecords('steps/')).toEqual([]);
  });

  test.each([
    [{ qualifierColumn: 'op' }, 'config-invalid', /qualifierColumn is set without valueColumn/],
    [{ valueColumn: 'ic50' }, 'column-missing', /ic50/],
  ])('a mapping that cannot be meant is refused: %o', async (source, code, message) => {
    const work = processor().standardise(await landText(store.objects, smilesCsv(5), source));
    await expect(work).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
