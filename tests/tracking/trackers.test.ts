import { createLocalTracker, createWandbTracker } from '../../src/tracking';
import { describeTracker } from '../contract/tracker';
import { API_KEY, startWandbServer } from './server';
import { makeHome } from './support/campaign';

describeTracker('records in the object store', async () => {
  const home = await makeHome();
  return { tracker: createLocalTracker(home.objects), objects: home.objects, close: home.remove };
});

describeTracker('Weights & Biases, over the wire', async () => {
  const [home, server] = await Promise.all([makeHome(), startWandbServer()]);
  const at = { baseUrl: `${server.url}/`, entity: 'chemists', project: 'titrate' };
  return {
    tracker: createWandbTracker({ ...at, objects: home.objects, apiKey: () => API_KEY }),
    objects: home.objects,
    close: async () => {
      await Promise.all([server.down(), home.remove()]);
      expect(server.refusals).toEqual([]);
      for (const { collections } of server.state.projects.values())
        for (const { versions } of collections.values())
          expect(new Set(versions.map(({ digest }) => digest)).size).toBe(versions.length);
    },
  };
});
