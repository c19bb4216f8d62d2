import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { readFrame, writeFrame } from '../../src/processing/frames';
import { createRecordReader } from '../../src/processing/record-reader';
import type { SourceRecord } from '../../src/sources';
import { temporaryStore } from './support/processing';

async function* generate(records: readonly SourceRecord[]): AsyncGenerator<SourceRecord> {
  yield* records;
}
async function collect(records: AsyncIterable<SourceRecord>): Promise<SourceRecord[]> {
  const all: SourceRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}
const smiles = (line: number, text: string): SourceRecord => ({
  ok: true,
  line,
  raw: text,
  structure: { notation: 'smiles', text },
});

describe('frames', () => {
  const store = temporaryStore();
  afterAll(() => store.remove());

  test('records come back as they were, whatever characters they hold', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u2028', '\n', '\ud800', '\r\n', ''),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (texts) => {
        const records = texts.map((each, i) => smiles(i + 1, each));
        const frame = await writeFrame(store.objects, createRecordReader(generate(records)), 1000);
        expect(frame.records).toBe(records.length);
        expect(await collect(readFrame(store.objects, frame))).toEqual(records);
      }),
      { numRuns: 20, seed: 8 },
    );
  });

  test('frames follow each other in a source, and hold no raw text that nobody will read', async () => {
    const records = Array.from({ length: 10 }, (_, i) => smiles(i + 1, 'C'.repeat(5000)));
    const reader = createRecordReader(generate(records));
    const frames = [await writeFrame(store.objects, reader, 6), await writeFrame(store.objects, reader, 6)];
    expect(frames.map((frame) => frame.records)).toEqual([6, 4]);
    const [first] = await collect(readFrame(store.objects, frames[1]!));
    expect(first).toMatchObject({ line: 7, structure: { text: 'C'.repeat(5000) } });
    expect(first!.raw).toHaveLength(2000);
  });

  test('of a frame that has rotted, or is another one, the last record never comes out', async () => {
    const records = Array.from({ length: 3 }, (_, i) => smiles(i + 1, 'CCO'));
    const frame = await writeFrame(store.objects, createRecordReader(generate(records)), 3);
    const seen: SourceRecord[] = [];
    const read = async (given: typeof frame) => {
      for await (const record of readFrame(store.objects, given)) seen.push(record);
    };
    await expect(read({ ...frame, records: 4 })).rejects.toMatchObject({ code: 'artifact-corrupt' });
    const file = await store.objects.localPath(frame.frame);
    expect(path.basename(file)).toBe(frame.frame.sha256);
    const bytes = await store.objects.get(frame.frame);
    writeFileSync(file, Buffer.from(bytes.toString().replace('CCO', 'CCN')));
    await expect(read(frame)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    expect(seen).toHaveLength(4);
  });
});
