import { TitrateError, type DatasetRow, type DatasetVersion, type Qualifier } from '../contracts';
import type { MeasuredValue } from '../measurements';
import type { VersionBytes } from './bytes';
import { sqlText } from '../foundation';
import type { Engine } from './engine';
import { COLUMN_NAMES, rowOf, selectRows } from './row-columns';

export interface FoundMolecule {
  readonly smiles: string;
  readonly inchiKey: string;
  readonly compoundId?: string;
}

/** Ids looked up in one query. */
const LOOK_UP_IDS = 20_000;

/** Reads a version's rows through DuckDB. */
export function createReader(engine: Engine, bytes: VersionBytes) {
  const from = async (version: DatasetVersion) => `(${selectRows(version, await bytes.rowsFile(version))})`;

  return {
    async *rows(version: DatasetVersion): AsyncGenerator<DatasetRow[]> {
      const select = selectRows(version, await bytes.rowsFile(version));
      const { session, close } = await engine.open();
      try {
        for await (const chunk of session.stream(COLUMN_NAMES, select)) yield chunk.map(rowOf);
      } finally {
        await close();
      }
    },

    async measuredValues(version: DatasetVersion, unit: string | undefined): Promise<MeasuredValue[]> {
      const rows = await from(version);
      return engine.session(async (session) => {
        if (unit !== undefined) {
          const [other] = await session.query(
            `SELECT "unit", "line", "sourceSha256" AS sha FROM ${rows}
             WHERE "value" IS NOT NULL AND "unit" IS NOT NULL AND "unit" <> ${sqlText(unit)} LIMIT 1`,
          );
          if (other) {
            const source = version.sources.find((known) => known.sha256 === other.sha);
            throw new TitrateError('unit-unknown', {
              what: `values are in '${other.unit as string}', the objective is in '${unit}'`,
              where: `dataset version ${version.id}, ${source ? `source '${source.name}', ` : ''}line ${Number(other.line)}`,
              remedy: "Ingest the source with 'convertTo' set to the objective's unit",
            });
          }
        }
        const values: MeasuredValue[] = [];
        const measured = `SELECT * FROM ${rows} WHERE "value" IS NOT NULL`;
        const columns = ['moleculeId', 'smiles', 'value', 'qualifier', 'measuredAt'];
        for await (const chunk of session.stream(columns, measured)) {
          for (const [moleculeId, smiles, value, qualifier, measuredAt] of chunk) {
            values.push({
              moleculeId: moleculeId as string,
              smiles: smiles as string,
              value: value as number,
              qualifier: (qualifier ?? '=') as Qualifier,
              ...(measuredAt != null && { measuredAt: measuredAt as string }),
            });
          }
        }
        return values;
      });
    },

    async findMolecules(
      version: DatasetVersion,
      ids: readonly string[],
    ): Promise<Map<string, FoundMolecule>> {
      const found = new Map<string, FoundMolecule>();
      if (!ids.length) return found;
      const rows = await from(version);
      await engine.session(async (session) => {
        for (let at = 0; at < ids.length; at += LOOK_UP_IDS) {
          const matches = await session.queryWithList(
            `SELECT "moleculeId" AS id, min("smiles") AS smiles, min("inchiKey") AS key,
                    first("compoundId" ORDER BY "sourceSha256", "line") FILTER (WHERE "compoundId" IS NOT NULL) AS compound
             FROM ${rows} WHERE "moleculeId" IN (SELECT unnest($1)) GROUP BY 1`,
            ids.slice(at, at + LOOK_UP_IDS),
          );
          for (const match of matches) {
            found.set(match.id as string, {
              smiles: match.smiles as string,
              inchiKey: match.key as string,
              ...(match.compound === null ? {} : { compoundId: match.compound as string }),
            });
          }
        }
      });
      return found;
    },
  };
}
export type Reader = ReturnType<typeof createReader>;
