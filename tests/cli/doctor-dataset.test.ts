import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { checkDataset } from '../../src/cli/gcp/dataset';
import { createGoogleRest } from '../../src/cli/gcp/rest';
import { createFileObjectStore } from '../../src/objects';
import { loadSettings } from '../../src/platform/settings';
import { createBigQueryIndex } from '../../src/warehouse';
import { startBigQueryServer, type BigQueryServer } from '../support/bigquery-server';
import { describeWithPython } from '../support/python';

describeWithPython(
  'the doctor on tables that the warehouse made',
  () => {
    let server: BigQueryServer;
    beforeAll(async () => {
      server = await startBigQueryServer();
    }, 120_000);
    afterAll(() => server.stop());

    const examine = (dataset: string) => {
      const settings = loadSettings(
        {
          profile: 'gcp',
          google: { project: server.project, location: 'EU' },
          objects: { bucket: 'none' },
          warehouse: { dataset, endpoint: server.endpoint },
          processing: { engine: 'inline' },
          training: { engine: 'local' },
        },
        {},
      );
      const rest = createGoogleRest(settings, () => Promise.reject(new Error('nobody is told who asks')));
      return checkDataset({ settings, rest, project: server.project, email: null });
    };

    test('none, then sound, then older than this program', async () => {
      expect(await examine('chemistry')).toMatchObject({
        verdict: 'fail',
        found: expect.stringContaining('there is no dataset') as string,
      });
      const index = await createBigQueryIndex({
        projectId: server.project,
        dataset: 'chemistry',
        location: 'EU',
        endpoint: server.endpoint,
        labels: {},
        maximumBytesBilled: 2 ** 30,
        objects: createFileObjectStore(mkdtempSync(path.join(os.tmpdir(), 'titrate-doctor-'))),
      });
      await index.prepare();
      await index.close();
      expect(await examine('chemistry')).toMatchObject({ check: 'dataset', verdict: 'ok' });

      const client = new BigQuery({
        projectId: server.project,
        apiEndpoint: server.endpoint,
        authClient: { getRequestHeaders: () => Promise.resolve(new Headers()) },
      } as unknown as ConstructorParameters<typeof BigQuery>[0]);
      await client.dataset('chemistry').table('quarantine').delete();
      expect(await examine('chemistry')).toMatchObject({
        verdict: 'fail',
        found: expect.stringContaining('lacks quarantine') as string,
        remedy: expect.stringContaining('scripts/titrate data prepare') as string,
      });
    }, 60_000);
  },
  'cloud',
);
