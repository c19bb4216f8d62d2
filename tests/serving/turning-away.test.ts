import { connect } from 'node:net';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { problemSchema } from '../../src/serving/answers';
import { openWorld, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
const MOLECULES = 64;
let world: World;
let server: InferenceServer;
let url: string;

beforeAll(async () => {
  world = await openWorld();
  const { id } = await world.train(CAMPAIGN);
  await world.pointers.move(`serving/${CAMPAIGN}`, id, { operationId: 'a', author: 'ada', reason: 'test' });
  const authenticator = {
    authenticate: async (credential: string) =>
      credential === 'known'
        ? { name: 'robot', scopes: new Set(['predict', 'read'] as const), limits: {} }
        : null,
  };
  server = createInferenceServer({
    ...{ ...world, host: '127.0.0.1', port: 0, maxMoleculesInFlight: MOLECULES },
    access: { authenticator },
  });
  url = await server.start();
  await server.whenReady();
});
afterAll(async () => {
  await server.close();
  await world.close();
});

const known = { authorization: 'Bearer known' };
const post = (path: string, headers: Record<string, string>, smiles: readonly string[]) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ smiles }),
  });
const metrics = async () => (await fetch(`${url}/metrics`)).text();
const chains = Array.from(
  { length: 400 },
  (_, i) => `${'C'.repeat(1 + (i % 40))}N${'C'.repeat(1 + i / 40)}O`,
);

/** Sends a head that promises a body, and no body. Resolves with what comes back first. */
function promiseOfBody(path: string): Promise<string> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`,
      ),
    );
    socket.once('error', reject).once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString());
    });
  });
}

/** Fills the queue with one large request, and does something while it is full. */
async function whileFull<T>(work: () => Promise<T>): Promise<T> {
  const filling = post('/predict', known, chains);
  for (;;) {
    const inFlight = /^titrate_inference_molecules_in_flight (\d+)$/m.exec(await metrics());
    if (Number(inFlight?.[1]) >= MOLECULES) break;
  }
  const outcome = await work();
  expect((await filling).status).toBe(200);
  return outcome;
}

test('a full queue says so before a body comes and before anybody is identified', async () => {
  expect(await promiseOfBody('/predict')).toMatch(/^HTTP\/1\.1 401 /);
  const paths = [
    '/predict',
    '/predict?trace=1',
    `/v2/models/${CAMPAIGN}/infer`,
    `/v2/models/${CAMPAIGN}/versions/1/infer`,
  ];
  const refused = await whileFull(() => Promise.all(paths.map(promiseOfBody)));
  refused.forEach((text, i) => {
    const [head, body] = text.split('\r\n\r\n') as [string, string];
    expect(head).toMatch(/^HTTP\/1\.1 429 /);
    expect(head).toMatch(/^retry-after: [1-9]\d*$/m);
    const problem = problemSchema.parse(JSON.parse(body));
    expect(problem).toMatchObject({ code: 'overloaded', status: 429, retryable: true });
    expect(problem.detail).toContain(`at most ${MOLECULES} may be`);
    expect(problem.instance).toBe(paths[i]!.split('?')[0]);
  });
  const text = await metrics();
  expect(text).toContain('titrate_inference_errors_total{code="overloaded"} 4');
  expect(text).toContain('titrate_inference_requests_total{method="POST",route="/predict",status="429"} 2');
});

test('what does not predict is answered all the same, and afterwards so is what does', async () => {
  const statuses = await whileFull(async () => [
    (await fetch(`${url}/v2/health/ready`)).status,
    (await fetch(`${url}/models`, { headers: known })).status,
    (await post('/predict/other', known, ['C'])).status,
  ]);
  expect(statuses).toEqual([200, 200, 404]);
  expect((await post('/predict', known, ['CCO'])).status).toBe(200);
  expect((await post('/predict', {}, ['CCO'])).status).toBe(401);
});
