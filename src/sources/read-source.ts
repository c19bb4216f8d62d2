import type { SourceRecord } from './formats/source-record';
import { plainBytes } from './formats/bytes';
import { checkColumns } from './formats/columns';
import { readCsv } from './formats/csv';
import { readNdjson } from './formats/ndjson';
import { readGzippedParquet, readParquet } from './formats/parquet';
import { RecordMaker } from './formats/record-maker';
import { readSdf } from './formats/sdf';
import { readSmilesList, smilesListMaker } from './formats/smiles-list';
import { LineCursor, readLines } from './formats/text-lines';
import type { ReadSourceRequest } from './sources';

/**
 * Records of a landed source, in its order, in flat memory: every row comes out once, as cells or as malformed. Where compressed bytes
 * end early or are damaged, the rows before stay and one record with the reason `source-truncated` stands for what is lost.
 * `onBytes` is told the position in the raw bytes reached so far.
 * @throws TitrateError source-unreadable without a header or any row, column-missing naming the columns there are, config-invalid;
 * what opening the bytes throws.
 */
export async function* readSource(request: ReadSourceRequest): AsyncGenerator<SourceRecord> {
  const { raw, localPath, source, reading, onBytes } = request;
  checkColumns(source);
  const maker = new RecordMaker(source, reading.encoding);
  if (reading.format === 'parquet') {
    yield* reading.compression === 'gzip'
      ? readGzippedParquet(raw, maker, onBytes)
      : readParquet(await localPath(), maker, onBytes);
    return;
  }
  const encoding = reading.encoding ?? 'utf-8';
  const cursor = new LineCursor(readLines(plainBytes(raw, reading.compression, onBytes), encoding));
  try {
    switch (reading.format) {
      case 'csv':
      case 'tsv':
        yield* readCsv(cursor, maker, reading.delimiter ?? (reading.format === 'tsv' ? '\t' : ','));
        break;
      case 'smi':
        if (reading.delimiter !== null) yield* readCsv(cursor, maker, reading.delimiter);
        else yield* readSmilesList(cursor, smilesListMaker(source, encoding));
        break;
      case 'sdf':
        yield* readSdf(cursor, maker);
        break;
      case 'ndjson':
        yield* readNdjson(cursor, maker);
        break;
    }
  } finally {
    await cursor.close();
  }
}
