import { createDuckDbIndex, createWarehouse, type WarehouseIndex } from '../../src/warehouse';
import { describeWarehouse } from '../contract/warehouse';
import { newHome, openWarehouse } from './campaigns';
import { stoppable } from './stoppable';

describeWarehouse('files + DuckDB', async () => {
  const home = newHome();
  const { objects, datasets } = home;
  let serial = 0;
  // One process owns a file: another one has an index of its own.
  const another = (): Promise<WarehouseIndex> =>
    createDuckDbIndex({ path: `${home.path}.${++serial}`, objects });
  return {
    home,
    warehouse: await openWarehouse(home),
    openOther: async () => createWarehouse({ objects, datasets, index: await another() }),
    openUnableToIndex: async () => {
      const { index, stop } = stoppable(await another());
      const warehouse = await createWarehouse({ objects, datasets, index });
      stop();
      return warehouse;
    },
  };
});
