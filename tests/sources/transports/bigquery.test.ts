import { BigQuery } from '@google-cloud/bigquery';
import { createTransports, openSource } from '../../../src/sources/transports';
import { startBigQueryServer, type BigQueryServer } from '../../support/bigquery-server';
import { describeWithPython } from '../../support/python';
import { startRecordingProxy } from '../../warehouse/bigquery/recording-proxy';
import { collect } from './http-server';

/** Against bqemulator, which bills nothing, and a proxy that refuses a repeated job id, as Google does. */
describeWithPython(
  'BigQuery',
  () => {
    let server: BigQueryServer;
    let client: BigQuery;
    beforeAll(async () => {
      server = await startBigQueryServer();
      client = new BigQuery({
        projectId: server.project,
        apiEndpoint: server.endpoint,
        authClient: { getRequestHeaders: () => Promise.resolve(new Headers()) },
      } as unknown as ConstructorParameters<typeof BigQuery>[0]);
      await client.createDataset('lab');
    });
    afterAll(() => server.stop());
    const open = (uri: string, query?: string, more = {}) =>
      openSource(
        createTransports({ workingDirectory: '.', bigquery: { endpoint: server.endpoint, ...more } }),
        { uri, query },
      );
    const text = async (...args: Parameters<typeof open>) =>
      String(await collect((await open(...args)).stream));

    test('rows of a table come as NDJSON, in an order that their arrival has no part in', async () => {
      const schema = [
        { name: 'smiles', type: 'STRING' },
        { name: 'value', type: 'FLOAT64' },
      ];
      const rows = [
        { smiles: 'CCO', value: 1.5 },
        { smiles: 'c1ccccc1', value: null },
        { smiles: 'C"é', value: 0.1 },
      ];
      for (const [name, order] of [['one', rows], ['two', [...rows].reverse()]] as const) {
        const [table] = await client.dataset('lab').createTable(name, { schema });
        await table.insert(order);
      } // prettier-ignore
      const expected = [
        '{"smiles":"CCO","value":1.5}\n',
        '{"smiles":"C\\"é","value":0.1}\n',
        '{"smiles":"c1ccccc1","value":null}\n',
      ].sort();
      const one = await text(`bq://${server.project}.lab.one`);
      expect(one.split(/(?<=\n)/).sort()).toEqual(expected);
      expect(await text(`bq://${server.project}.lab.two`)).toBe(one);
      // By pages, too.
      expect(await text(`bq://${server.project}.lab.one`, undefined, { pageRows: 1 })).toBe(one);

      const before = await open(`bq://${server.project}.lab.one`);
      const same = await open(`bq://${server.project}.lab.one`);
      await client
        .dataset('lab')
        .table('one')
        .insert([{ smiles: 'CC', value: 2 }]);
      const after = await open(`bq://${server.project}.lab.one`);
      for (const { stream } of [before, same, after]) stream.destroy();
      expect(before.version).toMatch(/^tables /);
      expect(same.version).toBe(before.version);
      expect(after.version).not.toBe(before.version);
    });

    test('a query may end in a semicolon or a comment', async () => {
      const project = `bq://${server.project}`;
      expect(await text(project, 'SELECT 1 AS n, "x" AS s;')).toBe('{"n":1,"s":"x"}\n');
      expect(await text(project, 'SELECT 1 AS n -- one')).toBe('{"n":1}\n');
      expect(await text(project, 'SELECT 1 AS n LIMIT 0')).toBe('');
      expect((await open(project, 'SELECT 1 AS n')).version).toMatch(/^job titrate_landing_/);
    });

    test('a call repeated after a kill finds its job again and pays once; every job is guarded and labelled', async () => {
      const proxy = await startRecordingProxy(server.endpoint);
      try {
        const [table] = await client
          .dataset('lab')
          .createTable('paid', { schema: [{ name: 'n', type: 'INT64' }] });
        await table.insert([{ n: 2 }, { n: 10 }]);
        const more = { endpoint: proxy.endpoint, maximumBytesBilled: 12345, labels: { team: 'assay' } };
        const uri = `bq://${server.project}.lab.paid`;
        const first = await text(uri, undefined, more);
        expect(await text(uri, undefined, more)).toBe(first);
        const paid = () => proxy.jobs.filter(({ id }) => id.startsWith('titrate_landing_'));
        expect(paid().map(({ started }) => started)).toEqual([true, false]);
        expect(paid()[0]!.configuration).toMatchObject({
          labels: { titrate: 'landing', team: 'assay' },
          query: { maximumBytesBilled: '12345' },
        });

        await table.insert([{ n: 3 }]);
        expect(await text(uri, undefined, more)).not.toBe(first);
        expect(paid().at(-1)!.started).toBe(true);

        // A query whose tables nobody names runs anew each time: what it reads may have changed.
        await text(`bq://${server.project}`, 'SELECT n FROM lab.paid', more);
        await text(`bq://${server.project}`, 'SELECT n FROM lab.paid', more);
        expect(
          paid()
            .slice(-2)
            .map(({ started }) => started),
        ).toEqual([true, true]);
      } finally {
        await proxy.stop();
      }
    });

    test('a job that failed is not gone back to', async () => {
      const proxy = await startRecordingProxy(server.endpoint);
      try {
        const more = { endpoint: proxy.endpoint };
        const uri = `bq://${server.project}.lab.paid`;
        proxy.failNext(/maximumBytesBilled/, {
          reason: 'bytesBilledLimitExceeded',
          message: 'would bill too much',
        });
        await expect(open(uri, undefined, more)).rejects.toMatchObject({
          code: 'config-invalid',
          message: expect.stringContaining('maximumBytesBilled') as string,
        });
        expect((await text(uri, undefined, more)).split('\n')).toHaveLength(4);
      } finally {
        await proxy.stop();
      }
    });

    test('what cannot be read says what and where', async () => {
      await expect(open(`bq://${server.project}.lab.nothing`)).rejects.toMatchObject({
        code: 'source-missing',
        message: expect.stringContaining('lab.nothing') as string,
      });
      await expect(open(`bq://${server.project}`, 'SELEC 1')).rejects.toMatchObject({
        code: 'config-invalid',
      });
    });
  },
  'cloud',
);
