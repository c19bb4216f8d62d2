import { warehouseTables } from '../../warehouse/bigquery/migrated-tables';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal, type Answer } from './rest';

const PERMISSION = { service: 'bigquery', permission: 'bigquery.tables.get' } as const;
/** The table that says which titrate made the others is made first. */
const MEND = 'Run: scripts/titrate data prepare';

const columnsOf = ({ body }: Answer): string[] =>
  ((body.schema as { fields?: { name: string }[] } | undefined)?.fields ?? []).map(({ name }) => name);

/** The dataset, where it should lie, with the tables and columns that this titrate's migrations make. Rows are not looked at. */
export async function checkDataset({ settings, rest, project }: Examination): Promise<Finding> {
  const check = 'dataset';
  const { ok, warn, fail } = findings(check);
  const { dataset } = settings.warehouse;
  const place = `${project}.${dataset}`;
  const path = `bigquery/v2/projects/${project}/datasets/${dataset}`;
  const answer = await rest.get('bigquery', path);
  if (answer.status === 404)
    return fail(
      `there is no dataset ${place}`,
      `Apply infra/terraform, or run: scripts/titrate data prepare`,
    );
  if (answer.status !== 200)
    return refusal(check, answer, { service: 'bigquery', permission: 'bigquery.datasets.get', project });
  const location = String(answer.body.location);
  if (location.toUpperCase() !== settings.google.location.toUpperCase())
    return fail(
      `${place} lies in ${location}, and the settings say ${settings.google.location}`,
      `Set google.location (TITRATE_GOOGLE_LOCATION) to ${location}, or name another dataset: a dataset cannot be moved`,
    );
  const expected = await warehouseTables();
  const tables = await Promise.all(
    Object.entries(expected).map(async ([name, { schema }]) => ({
      name,
      wanted: schema.map((column) => column.name),
      answer: await rest.get('bigquery', `${path}/tables/${name}`),
    })),
  );
  const refused = tables.find((table) => ![200, 404].includes(table.answer.status));
  if (refused) return refusal(check, refused.answer, { ...PERMISSION, project });
  const lacking = tables.flatMap((table) => {
    if (table.answer.status === 404) return [table.name];
    const has = new Set(columnsOf(table.answer));
    return table.wanted.filter((column) => !has.has(column)).map((column) => `${table.name}.${column}`);
  });
  if (lacking.length > 0) return fail(`${place} is of an older schema: it lacks ${lacking.join(', ')}`, MEND);
  const unknown = tables.flatMap((table) =>
    columnsOf(table.answer)
      .filter((column) => !table.wanted.includes(column))
      .map((column) => `${table.name}.${column}`),
  );
  if (unknown.length > 0)
    return warn(
      `${place} has columns that this titrate does not know: ${unknown.join(', ')}`,
      'Was it made by a newer one? Then run that one here too',
    );
  return ok(`${place}, ${location}, ${tables.length} tables of this schema`);
}
