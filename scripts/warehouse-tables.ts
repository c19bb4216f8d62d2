/**
 * Writes infra/terraform/tables.json: the tables of the BigQuery warehouse with their columns, partitions and clusters, from which Terraform
 * makes them. They are what the warehouse's own migrations make: these run here on a dataset that only takes notes.
 * `node dist/scripts/warehouse-tables.js` writes; with --check it only says whether the file is up to date (exit code 1 when not).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../src/foundation';
import { warehouseTables } from '../src/warehouse/bigquery/migrated-tables';

const FILE = 'infra/terraform/tables.json';

async function main(check: boolean): Promise<number> {
  const filepath = path.join(packageRoot, FILE);
  const text = await format(JSON.stringify(await warehouseTables()), {
    ...(await resolveConfig(filepath)),
    filepath,
  });
  if (!check) {
    writeFileSync(filepath, text);
    return 0;
  }
  if (readFileSync(filepath, 'utf8') === text) return 0;
  process.stderr.write(
    `${FILE} is not what the migrations make. Run: node dist/scripts/warehouse-tables.js\n`,
  );
  return 1;
}

if (require.main === module) {
  main(process.argv.includes('--check')).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`warehouse-tables: ${(error as Error).message}\n`);
      process.exitCode = 1;
    },
  );
}
