import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { BigQuery, type TableMetadata } from '@google-cloud/bigquery';
import { createBigQueryIndex, type BigQueryIndexOptions } from '../../../src/warehouse';
import { startBigQueryServer, type BigQueryServer } from '../../support/bigquery-server';
import { describeWithPython } from '../../support/python';
import { commit, molecule, newHome, result } from '../campaigns';
import { startRecordingProxy, type RecordingProxy } from './recording-proxy';

const home = newHome();
const gcsRoot = path.join(home.directory, 'gcs');

describeWithPython(
  'BigQuery adapter',
  () => {
    let server: BigQueryServer;
    let proxy: RecordingProxy;
    let client: BigQuery;
    beforeAll(async () => {
      mkdirSync(path.join(gcsRoot, 'bucket'), { recursive: true });
      server = await startBigQueryServer({ gcsRoot });
      proxy = await startRecordingProxy(server.endpoint);
      client = new BigQuery({
        projectId: server.project,
        apiEndpoint: server.endpoint,
        authClient: { getRequestHeaders: () => Promise.resolve(new Headers()) },
      } as unknown as ConstructorParameters<typeof BigQuery>[0]);
    });
    afterAll(async () => {
      await proxy.stop();
      await server.stop();
    });

    const open = (more: Partial<BigQueryIndexOptions> = {}) =>
      createBigQueryIndex({
        ...{
          projectId: server.project,
          dataset: 'w',
          location: 'US',
          maximumBytesBilled: 5e8,
          endpoint: proxy.endpoint,
        },
        ...{ labels: { team: 'chemistry' }, objects: home.objects },
        ...more,
      });
    const query = async <T>(sql: string): Promise<T[]> => {
      const [job] = await client.createQueryJob({ query: sql });
      return (await job.getQueryResults())[0] as T[];
    };
    const count = async (table: string, where = 'TRUE') =>
      (await query<{ n: number }>(`SELECT COUNT(*) AS n FROM \`w.${table}\` WHERE ${where}`))[0]!.n;
    const tables = async () => (await client.dataset('w').getTables())[0].map((table) => table.id!).sort();
    const entry = (campaignId: string, number: number, ...ids: string[]) => ({
      ...{ campaignId, number, sha256: 'f'.repeat(64), before: 0 },
      rows: ids.map((id, i) => result(id, i + 1)),
    });

    test('tables are partitioned, clustered and labelled; a second opening changes nothing', async () => {
      expect(await (await open()).prepare()).toBe(false);
      expect(await (await open()).prepare()).toBe(true);
      const metadata = async (name: string) =>
        (await client.dataset('w').table(name).getMetadata())[0] as TableMetadata;
      expect(await metadata('measurements')).toMatchObject({
        timePartitioning: { type: 'DAY', field: 'indexed_on' },
        clustering: { fields: ['campaign_id', 'molecule_id'] },
        labels: { team: 'chemistry' },
      });
      expect(await metadata('dataset_rows')).toMatchObject({
        timePartitioning: { type: 'DAY', field: 'committed_on' },
        clustering: { fields: ['dataset_version', 'molecule_id'] },
      });
      expect(await query('SELECT number FROM `w.schema_migrations` ORDER BY number')).toEqual([
        ...[{ number: 1 }, { number: 2 }, { number: 3 }, { number: 4 }],
      ]);
    });

    test('the same entry by two processes is one job of each kind, and one row a result', async () => {
      const indexes = await Promise.all([open(), open()]);
      proxy.jobs.length = 0;
      // Two rows of one result in staging, which BigQuery would refuse to MERGE if they were not told apart there.
      const twice = entry('two', 1, 'r1', 'r1', 'r2');
      await Promise.all(indexes.map((index) => index.applyResults(twice)));
      await indexes[0]!.applyResults(twice);
      expect(await count('measurements', "campaign_id = 'two'")).toBe(2);
      expect(await indexes[1]!.head('two', 'results')).toBe(1);
      const changing = proxy.jobs.filter(({ id }) => id.startsWith('titrate_'));
      expect(changing.some(({ started }) => !started)).toBe(true);
      const merges = changing.filter(({ started, configuration }) => started && configuration.query);
      expect(
        merges.map(({ configuration }) => /MERGE `[^`]*\.(\w+)`/.exec(configuration.query!.query)![1]).sort(),
      ).toEqual([...['applied', 'measurements']]);
      expect((await tables()).filter((name) => name.startsWith('staging_'))).toEqual([]);
    });

    test('every query is under the cost guard, labelled, and has named parameters', async () => {
      const index = await open();
      await index.knownResults('two', ['r1', "'; DROP TABLE x"]);
      await index.standingResults('two', { batchId: 'b' });
      const queries = proxy.jobs.flatMap(({ configuration }) => (configuration.query ? [configuration] : []));
      expect(queries.length).toBeGreaterThan(5);
      for (const { query: asked, labels } of queries) {
        expect(asked!.maximumBytesBilled).toBe('500000000');
        expect(labels).toEqual({ team: 'chemistry' });
        expect(asked!.query).not.toContain('DROP');
      }
      expect(queries.at(-1)!.query!.parameterMode).toBe('named');
      for (const { configuration } of proxy.jobs.filter((job) => job.configuration.load))
        expect(configuration.labels).toEqual({ team: 'chemistry' });
    });

    test('stopped between staging and MERGE: the staging table has an expiry, and a repeat goes on with it', async () => {
      const index = await open();
      const broken = entry('stopped', 1, 'r1');
      proxy.failNext(/MERGE `[^`]*measurements`/, { reason: 'accessDenied', message: 'no' });
      await expect(index.applyResults(broken)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('roles/bigquery.dataEditor'),
      });
      const [left] = (await tables()).filter((name) => name.startsWith('staging_'));
      const made = proxy.tables.find(({ tableReference }) => tableReference.tableId === left);
      expect(Number(made!.expirationTime)).toBeGreaterThan(Date.now());
      expect(await index.head('stopped', 'results')).toBe(0);
      proxy.jobs.length = 0;
      await (await open()).applyResults(broken);
      const ids = proxy.jobs.filter(({ configuration }) =>
        /MERGE `[^`]*measurements`/.test(configuration.query?.query ?? ''),
      );
      expect(ids.map(({ id, started }) => [id.slice(-2), started])).toEqual([
        ['_1', false],
        ['_2', true],
      ]);
      expect(await count('measurements', "campaign_id = 'stopped'")).toBe(1);
      expect((await tables()).filter((name) => name.startsWith('staging_'))).toEqual([]);
    });

    test('a statement that lost against another one is tried again under the next id', async () => {
      const index = await open();
      proxy.failNext(/MERGE `[^`]*measurements`/, {
        reason: 'invalidQuery',
        message: 'Could not serialize access to table w.measurements due to concurrent update',
      });
      await index.applyResults(entry('raced', 1, 'r1'));
      expect(await index.total('raced')).toBe(1);
    });

    test('what the cost guard refuses is explained', async () => {
      proxy.failNext(/COUNT\(DISTINCT/, {
        reason: 'bytesBilledLimitExceeded',
        message: 'Query exceeded limit for bytes billed: 500000000. 10737418240 or higher required.',
      });
      await expect((await open()).total('two')).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringMatching(/10737418240.*Raise maximumBytesBilled/),
      });
    });

    test('an older schema is brought up, its rows kept; a newer one is refused', async () => {
      // As the first migration left it: straight at the server, so that no job id of the later ones is taken.
      const older = await open({ dataset: 'older', endpoint: server.endpoint });
      await older.prepare();
      await older.applyResults(entry('old', 1, 'r1'));
      for (const name of ['dataset_rows', 'molecules', 'quarantine', 'standing_measurements'])
        await client.dataset('older').table(name).delete();
      await query('ALTER TABLE `older.measurements` DROP COLUMN property');
      await query('DELETE FROM `older.schema_migrations` WHERE number > 1');

      const index = await open({ dataset: 'older' });
      expect(await index.prepare()).toBe(true);
      expect(await index.results('old')).toEqual([result('r1', 1)]);
      expect(await query('SELECT result_id FROM `older.standing_measurements`')).toEqual([
        { result_id: 'r1' },
      ]);
      expect(await query('SELECT COUNT(*) AS n FROM `older.dataset_rows`')).toEqual([{ n: 0 }]);
      expect(await query('SELECT MAX(number) AS n FROM `older.schema_migrations`')).toEqual([{ n: 4 }]);
      await index.applyResults({
        ...entry('old', 2),
        before: 1,
        rows: [result('r2', 2, { property: 'logP' })],
      });
      expect(
        await query('SELECT result_id, property FROM `older.standing_measurements` ORDER BY result_id'),
      ).toEqual([
        { result_id: 'r1', property: null },
        { result_id: 'r2', property: 'logP' },
      ]);

      await query(
        "INSERT INTO `older.schema_migrations` (number, name, applied_at) VALUES (99, 'x', CURRENT_TIMESTAMP())",
      );
      await expect(index.prepare()).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('schema 99'),
      });
    });

    test.each([['uploaded'], ['read from gs://']])('a dataset version is indexed once (%s)', async (how) => {
      const dataset = how === 'uploaded' ? 'up' : 'gs';
      const bad = {
        sourceSha256: 'a'.repeat(64),
        line: 9,
        raw: 'x,"y"',
        reason: 'value-not-a-number' as const,
        message: 'no',
      };
      const rows = [
        { n: 1, line: 2, value: 1.5, unit: 'nM' },
        { n: 1, line: 3 },
        { n: 2, line: 4 },
      ];
      const version = await home.datasets.version(await commit(home, dataset, rows, [bad]));
      const externalUri = (sha256: string) => `gs://bucket/${sha256}`;
      for (const ref of [version.rows, version.quarantine])
        copyFileSync(await home.objects.localPath(ref), path.join(gcsRoot, 'bucket', ref.sha256));
      const objects = how === 'uploaded' ? home.objects : { ...home.objects, externalUri };
      proxy.jobs.length = 0;
      for (let time = 0; time < 2; time++) await (await open({ objects })).applyDataset(version);
      const loads = proxy.jobs.filter(({ configuration }) => configuration.load);
      expect(loads.map(({ configuration }) => configuration.load!.sourceUris?.length ?? 0)).toEqual(
        how === 'uploaded' ? [0, 0] : [1, 1],
      );
      const mine = `dataset_version = '${version.id}'`;
      expect(
        await query(
          `SELECT molecule_id, value, unit, line FROM \`w.dataset_rows\` WHERE ${mine} ORDER BY line`,
        ),
      ).toEqual([
        { molecule_id: molecule(1).moleculeId, value: 1.5, unit: 'nM', line: 2 },
        { molecule_id: molecule(1).moleculeId, value: null, unit: null, line: 3 },
        { molecule_id: molecule(2).moleculeId, value: null, unit: null, line: 4 },
      ]);
      expect(
        await query(`SELECT source_sha256, line, raw, reason FROM \`w.quarantine\` WHERE ${mine}`),
      ).toEqual([{ source_sha256: bad.sourceSha256, line: 9, raw: bad.raw, reason: bad.reason }]);
      expect(await count('molecules')).toBe(2);
    });

    test('a reset that was stopped half-way is done again on opening', async () => {
      const index = await open();
      const version = await count('dataset_rows');
      proxy.failNext(/DELETE FROM `[^`]*picks`/, { reason: 'accessDenied', message: 'no' });
      await expect(index.reset()).rejects.toMatchObject({ code: 'config-invalid' });
      expect(await (await open()).prepare()).toBe(false);
      expect([await count('measurements'), await index.heads()]).toEqual([0, []]);
      expect(await count('dataset_rows')).toBe(version);
      // The same entry is another job now, not one that was done before.
      await index.head('two', 'results');
      await index.applyResults(entry('two', 1, 'r1'));
      expect(await index.total('two')).toBe(1);
    });

    test.each([
      [{ projectId: 'a`b' }, 'projectId'],
      [{ dataset: 'a-b' }, 'dataset'],
      [{ prefix: 'x.' }, 'prefix'],
      [{ maximumBytesBilled: 0 }, 'maximumBytesBilled'],
      [{ labels: { Team: 'x' } }, 'labels'],
    ])('options that cannot be are refused: %j', async (more, named) => {
      await expect(open(more)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining(named),
      });
    });
  },
  'cloud',
);
