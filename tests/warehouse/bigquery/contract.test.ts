import { createBigQueryIndex, createWarehouse } from '../../../src/warehouse';
import { describeWarehouse } from '../../contract/warehouse';
import { startBigQueryServer, type BigQueryServer } from '../../support/bigquery-server';
import { describeWithPython } from '../../support/python';
import { newHome } from '../campaigns';
import { stoppable } from '../stoppable';

describeWithPython(
  'BigQuery, over the wire',
  () => {
    let server: BigQueryServer;
    beforeAll(async () => {
      server = await startBigQueryServer();
    });
    afterAll(() => server.stop());

    describeWarehouse('files + BigQuery', async () => {
      const home = newHome();
      const { objects, datasets } = home;
      const open = () =>
        createBigQueryIndex({
          ...{ projectId: server.project, dataset: 'contract', location: 'US', endpoint: server.endpoint },
          ...{ maximumBytesBilled: 1e9, labels: { team: 'tests' }, objects },
        });
      return {
        home,
        warehouse: await createWarehouse({ objects, datasets, index: await open() }),
        openOther: async () => createWarehouse({ objects, datasets, index: await open() }),
        openUnableToIndex: async () => {
          const { index, stop } = stoppable(await open());
          const warehouse = await createWarehouse({ objects, datasets, index });
          stop();
          return warehouse;
        },
      };
    });
  },
  'cloud',
);
