import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { TitrateError, type ArtifactRef, type Molecule } from '../contracts';
import type { ObjectStore } from '../objects';
import { sqlText } from '../foundation';
import type { Session } from './engine';
import { linesOf } from './lines';
import { CANONICAL_ORDER, canonicalLine, COLUMN_NAMES, readJson, SELECTED } from './row-columns';
import { createShardWriter } from './shards';

/** Rows in canonical order, and everything that is counted along them. */
export interface Assembled {
  /** Parquet, a scratch file of the session. */
  readonly file: string;
  readonly rowsSha256: string;
  readonly rows: number;
  readonly molecules: number;
  readonly measuredRows: number;
  readonly shards: readonly ArtifactRef[];
}

/** Small row groups, so that a look-up of a few molecules reads a few groups. */
const ROW_GROUP_ROWS = 16384;

/** NDJSON files of DatasetRow as one Parquet file, for rows that will be read more than once. */
export async function stageRows(
  session: Session,
  files: readonly string[],
): Promise<{ file: string; rows: number }> {
  const file = session.scratchFile('parquet');
  const copy = async (sources: readonly string[]) => {
    const done = await session.query(
      `COPY (SELECT ${SELECTED} FROM ${readJson(sources)}) TO ${sqlText(file)} (FORMAT parquet, COMPRESSION lz4_raw)`,
    );
    return { file, rows: Number(done[0]!.Count) };
  };
  try {
    return await copy(files);
  } catch (error) {
    if (!/Malformed JSON/i.test(String(error))) throw error;
  }
  // Half a surrogate pair, which JavaScript's JSON lets through and UTF-8 has no spelling for.
  const mended: string[] = [];
  for (const source of files) mended.push(await wellFormed(source, session.scratchFile('ndjson')));
  return copy(mended);
}

/** The same lines with U+FFFD in the place of lone surrogates, as any encoder to UTF-8 has it. */
async function wellFormed(source: string, target: string): Promise<string> {
  const out = createWriteStream(target);
  for await (const lines of linesOf(createReadStream(source))) {
    const mended = lines.map((line) => {
      const row: unknown = JSON.parse(line.toString('utf8'), (_, value: unknown) =>
        typeof value === 'string' ? Buffer.from(value, 'utf8').toString('utf8') : value,
      );
      return `${JSON.stringify(row)}\n`;
    });
    if (!out.write(mended.join(''))) await once(out, 'drain');
  }
  out.end();
  await finished(out);
  return target;
}

/**
 * Sorts rows into one Parquet file, then reads it once: hash, counts, shards.
 * @param selects queries of the columns of DatasetRow
 * @param mayRepeat whether equal rows may come from two of them: a copy of a row is no replicate
 */
export async function assemble(
  session: Session,
  objects: ObjectStore,
  selects: readonly string[],
  mayRepeat: boolean,
): Promise<Assembled> {
  const file = session.scratchFile('parquet');
  const all = selects.join(' UNION ALL ');
  const rows = `SELECT ${mayRepeat ? 'DISTINCT ' : ''}${SELECTED} FROM (${all}) ORDER BY ${CANONICAL_ORDER}`;
  await session.query(
    `COPY (${rows}) TO ${sqlText(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
  );
  const read = await readThrough(session, objects, file);
  if (read !== null) return read;
  if (mayRepeat) throw disordered(file);
  return assemble(session, objects, selects, true);
}

const disordered = (file: string) =>
  new TitrateError('internal', { what: 'the sorted rows are not in order, or not distinct', where: file });

/** null: a row stands there twice. */
async function readThrough(session: Session, objects: ObjectStore, file: string): Promise<Assembled | null> {
  const at = (name: (typeof COLUMN_NAMES)[number]) => COLUMN_NAMES.indexOf(name);
  const [ID, SMILES, KEY, VALUE] = [at('moleculeId'), at('smiles'), at('inchiKey'), at('value')];
  const digest = createHash('sha256');
  const shards = createShardWriter(objects);
  let [rows, molecules, measuredRows] = [0, 0, 0];
  let current: { -readonly [K in keyof Molecule]: Molecule[K] } | null = null;
  let previous = '';
  try {
    for await (const chunk of session.stream(COLUMN_NAMES, `SELECT * FROM read_parquet(${sqlText(file)})`)) {
      const lines: string[] = [];
      for (const cells of chunk) {
        const line = canonicalLine(cells);
        if (line === previous) return null;
        lines.push((previous = line), '\n');
        if (cells[VALUE] !== null) measuredRows++;
        const moleculeId = cells[ID] as string;
        const smiles = cells[SMILES] as string;
        const inchiKey = cells[KEY] as string;
        if (current && current.moleculeId === moleculeId) {
          if (smiles < current.smiles) current.smiles = smiles;
          if (inchiKey < current.inchiKey) current.inchiKey = inchiKey;
          continue;
        }
        if (current) {
          if (moleculeId < current.moleculeId) throw disordered(file);
          await shards.add(current);
        }
        current = { moleculeId, smiles, inchiKey };
        molecules++;
      }
      digest.update(lines.join(''));
      rows += chunk.length;
    }
    if (current) await shards.add(current);
    return {
      file,
      rowsSha256: digest.digest('hex'),
      rows,
      molecules,
      measuredRows,
      shards: await shards.end(),
    };
  } finally {
    await shards.abandon();
  }
}
