import type { Chemistry } from '../../src/chemistry';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { ask, eventually, MOLECULES, openWorld, targetOf, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
let server: InferenceServer;
let url: string;
let moves = 0;

const serve = (target: string, campaign = CAMPAIGN) =>
  world.pointers.move(`serving/${campaign}`, target, {
    operationId: `move/${(moves += 1)}`,
    author: 'ada',
    reason: 'test',
  });
const isLive = (version: string) =>
  eventually(async () =>
    (await ask(`${url}/models`)).body.models.some((model: { live: string }) => model.live === version),
  );
const servers: InferenceServer[] = [];
const open = (parts: Partial<typeof world> = {}) => {
  const opened = createInferenceServer({
    ...{ ...world, ...parts },
    host: '127.0.0.1',
    port: 0,
    pollMs: 25,
    bodyLimit: 64 * 1024,
  });
  servers.push(opened);
  return opened;
};
const input = (data: unknown[]) => ({ name: 'smiles', shape: [data.length], datatype: 'BYTES', data });

beforeAll(async () => {
  world = await openWorld();
  server = open();
  url = await server.start();
  await server.whenReady();
});
afterAll(async () => {
  await Promise.all(servers.map((opened) => opened.close()));
  await world.close();
});

test('a server without a model is live and ready, and says so', async () => {
  expect((await ask(`${url}/v2`)).body).toMatchObject({
    name: 'titrate',
    extensions: ['titrate_predict', 'binary_tensor_data'],
  });
  expect(await ask(`${url}/v2/health/live`)).toMatchObject({ status: 200, body: { live: true } });
  expect(await ask(`${url}/v2/health/ready`)).toMatchObject({
    status: 200,
    body: { live: true, ready: true },
  });
  expect((await ask(`${url}/models`)).body).toEqual({ models: [] });
  expect(await ask(`${url}/predict`, { smiles: ['CCO'] })).toMatchObject({
    status: 503,
    body: { code: 'unavailable' },
  });
});

describe('with a model', () => {
  beforeAll(async () => {
    const version = await world.train(CAMPAIGN);
    expect(await eventually(async () => (await ask(`${url}/models`)).body.models[0])).toMatchObject({
      live: null,
      registered: 1,
    });
    expect(await ask(`${url}/v2/models/${CAMPAIGN}/ready`)).toMatchObject({
      status: 503,
      body: { ready: false, live: null },
    });
    expect(await ask(`${url}/predict`, { model: CAMPAIGN, smiles: ['CCO'] })).toMatchObject({
      status: 503,
      body: { code: 'unavailable' },
    });
    await serve(version.id);
    await isLive(version.id);
  });

  test('metadata and readiness have the shapes of the Open Inference Protocol', async () => {
    const { status, body } = await ask(`${url}/v2/models/${CAMPAIGN}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: CAMPAIGN,
      versions: ['v1'],
      platform: 'titrate_gaussian-process',
      inputs: [{ name: 'smiles', datatype: 'BYTES', shape: [-1] }],
    });
    for (const name of ['mean', 'standard_deviation', 'interval90_lower', 'interval90_upper']) {
      expect(body.outputs).toContainEqual({ name, datatype: 'FP64', shape: [-1] });
    }
    expect((await ask(`${url}/v2/models/${CAMPAIGN}/versions/1`)).body).toEqual(body);
    const ready = { name: CAMPAIGN, version: 'v1', ready: true, live: 'v1', failure: null };
    expect((await ask(`${url}/v2/models/${CAMPAIGN}/ready`)).body).toEqual(ready);
    expect((await ask(`${url}/v2/models/${CAMPAIGN}/versions/v1/ready`)).body).toEqual(ready);
  });

  test('infer answers with tensors that agree with predict; a bad molecule is null there and nowhere else', async () => {
    const smiles = ['CCCCCCO', 'not a molecule', 'c1ccccc1CO', ''];
    const answer = await ask(`${url}/v2/models/${CAMPAIGN}/infer`, { id: '42', inputs: [input(smiles)] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-titrate-model')).toBe(`${CAMPAIGN}/v1`);
    expect(answer.body).toMatchObject({ model_name: CAMPAIGN, model_version: 'v1', id: '42' });
    const tensors = Object.fromEntries(
      answer.body.outputs.map((output: { name: string }) => [output.name, output]),
    );
    expect(tensors.mean).toEqual({
      name: 'mean',
      datatype: 'FP64',
      shape: [4],
      data: [expect.any(Number), null, expect.any(Number), null],
    });
    expect(tensors.error.data).toEqual(['', expect.stringMatching(/./), '', expect.stringMatching(/./)]);

    const { predictions } = (await ask(`${url}/predict`, { smiles })).body;
    expect(tensors.mean.data[0]).toBe(predictions[0].value);
    expect(tensors.standard_deviation.data[2]).toBe(predictions[2].standardDeviation);
    expect([tensors.interval90_lower.data[2], tensors.interval90_upper.data[2]]).toEqual(
      predictions[2].interval90,
    );

    const chosen = {
      inputs: [{ ...input(['CCO', 'CCN']), shape: [2, 1], data: [['CCO'], ['CCN']] }],
      outputs: [{ name: 'interval90_upper' }, { name: 'mean' }],
    };
    const by = await ask(`${url}/v2/models/${CAMPAIGN}/versions/1/infer`, chosen);
    expect(by.body.outputs.map(({ name }: { name: string }) => name)).toEqual(['interval90_upper', 'mean']);
    expect('id' in by.body).toBe(false);
  });

  test('predict tells value, calibrated spread and the nearest training molecule; a bad molecule costs only itself', async () => {
    const smiles = ['OCC', 'c1ccccc1CO', 'C1CC', 'CCO.[Na+].[Cl-]'];
    const { status, body } = await ask(`${url}/predict`, { model: CAMPAIGN, smiles });
    expect(status).toBe(200);
    expect(body).toMatchObject({ model: CAMPAIGN, version: 'v1', property: 'logS', unit: 'log(mol/L)' });
    const [ethanol, benzylAlcohol, open, salt] = body.predictions;
    expect(open).toEqual({
      smiles: 'C1CC',
      error: expect.stringMatching(/./),
      reason: 'molecule-unparsable',
    });
    expect(ethanol).toMatchObject({
      smiles: 'OCC',
      standardSmiles: 'CCO',
      nearest: { similarity: 1, smiles: 'CCO' },
    });
    expect(salt).toEqual({ ...ethanol, smiles: 'CCO.[Na+].[Cl-]' });
    expect(benzylAlcohol.nearest.similarity).toBeLessThan(1);

    // The card's scale (1.25) on what the model itself says, worked out by hand.
    const version = await world.registry.resolve(`${CAMPAIGN}/v1`);
    const card = await world.registry.card(version);
    const model = await world.learning.load(card.family, await world.objects.get(card.weights));
    const molecule = { moleculeId: benzylAlcohol.moleculeId, smiles: benzylAlcohol.standardSmiles };
    const raw = await model.predict(await world.chemistry.featurise([molecule], card.featurizer));
    model.dispose();
    const total = 1.25 * Math.sqrt(raw.aleatoric[0]! ** 2 + raw.epistemic[0]! ** 2);
    expect(benzylAlcohol.value).toBeCloseTo(raw.mean[0]!, 10);
    expect(benzylAlcohol.standardDeviation).toBeCloseTo(total, 10);
    expect(benzylAlcohol.interval90[1] - benzylAlcohol.interval90[0]).toBeCloseTo(2 * 1.6449 * total, 3);
    expect(Math.hypot(benzylAlcohol.aleatoric, benzylAlcohol.epistemic)).toBeCloseTo(total, 10);
    // It has learnt something: training molecules come back near their targets.
    const { predictions } = (await ask(`${url}/predict`, { smiles: MOLECULES })).body;
    const errors = predictions.map((p: { value: number; standardSmiles: string }) =>
      Math.abs(p.value - targetOf(p.standardSmiles)),
    );
    expect(Math.max(...errors)).toBeLessThan(1.5);
  });

  test('what is asked for wrongly is answered with a problem that says what, where and what to do', async () => {
    const infer = `${url}/v2/models/${CAMPAIGN}/infer`;
    const cases: [string, unknown, number, string, RegExp][] = [
      [
        `${url}/v2/models/solubilty-42/infer`,
        { inputs: [input(['C'])] },
        404,
        'not-found',
        /Did you mean 'solubility-42'\? Models here: solubility-42/,
      ],
      [
        `${url}/predict`,
        { model: 'nothing-like-it', smiles: ['C'] },
        404,
        'not-found',
        /Models here: solubility-42/,
      ],
      [
        `${url}/v2/models/${CAMPAIGN}/versions/7/infer`,
        { inputs: [input(['C'])] },
        404,
        'not-found',
        /Known versions: solubility-42\/v1/,
      ],
      [
        `${url}/v2/models/${CAMPAIGN}/versions/latest/infer`,
        { inputs: [input(['C'])] },
        404,
        'not-found',
        /Write 'v3' or '3'/,
      ],
      [
        `${url}/predict`,
        { model: `${CAMPAIGN}@production`, smiles: ['C'] },
        404,
        'not-found',
        /Known versions/,
      ],
      [
        `${url}/predict`,
        { smiles: Array(1001).fill('C') },
        413,
        'usage',
        /1001 molecules in one request; at most 1000/,
      ],
      [`${url}/predict`, { smiles: ['C'.repeat(70_000)] }, 413, 'usage', /larger than 65536 bytes/],
      [`${url}/predict`, { smiles: [] }, 422, 'usage', /at least one/],
      [`${url}/predict`, { smiles: ['C', 7, null] }, 422, 'usage', /element 1, 2/],
      [
        `${url}/predict`,
        { smile: ['C'], smiles: ['C'] },
        422,
        'usage',
        /unknown key 'smile'; did you mean 'smiles'/,
      ],
      [infer, { inputs: [{ ...input(['C']), name: 'x' }] }, 422, 'usage', /named 'smiles'/],
      [infer, { inputs: [{ ...input(['C']), datatype: 'FP32' }] }, 422, 'usage', /BYTES/],
      [infer, { inputs: [{ ...input(['C']), shape: [2] }] }, 422, 'usage', /does not hold 1 elements/],
      [infer, { inputs: [{ ...input(['C']), shape: [1, 1, 1] }] }, 422, 'usage', /\[n\] or \[n, 1\]/],
      [infer, { inputs: [input(['C'])], outputs: [{ name: 'median' }] }, 422, 'usage', /no output 'median'/],
      [infer, { inputs: [] }, 422, 'usage', /inputs/],
      [`${url}/nowhere`, {}, 404, 'not-found', /GET \/models/],
    ];
    for (const [at, body, status, code, detail] of cases) {
      const answer = await ask(at, body);
      expect([at, answer.status, answer.body.code]).toEqual([at, status, code]);
      expect(answer.type).toMatch(/^application\/problem\+json/);
      expect(answer.body).toMatchObject({
        type: `urn:titrate:problem:${code}`,
        status,
        detail: expect.stringMatching(detail),
      });
      expect(answer.body.error).toBe(answer.body.detail);
    }
    const post = (body: string, type: string) =>
      fetch(`${url}/predict`, { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post('{"smiles":', 'application/json')).status).toBe(400);
    expect((await post('CCO', 'text/plain')).status).toBe(415);
  });

  test('a new version takes over under load and gives way again, without one failed request', async () => {
    const second = await world.train(CAMPAIGN, 100);
    let going = true;
    const seen: string[] = [];
    const clients = Array.from({ length: 4 }, async (_, client) => {
      while (going) {
        const { status, body } = await ask(`${url}/predict`, {
          model: CAMPAIGN,
          smiles: ['CCCO', MOLECULES[client]!],
        });
        expect(status).toBe(200);
        const shifted = body.predictions[0].value > 50;
        expect(shifted).toBe(body.version === 'v2');
        seen.push(body.version);
      }
    });
    await serve(second.id);
    await isLive(second.id);
    await serve(`${CAMPAIGN}/v1`);
    await isLive(`${CAMPAIGN}/v1`);
    going = false;
    await Promise.all(clients);
    expect(new Set(seen)).toEqual(new Set(['v1', 'v2']));
    const { body } = await ask(`${url}/models`);
    expect(body.models[0].loaded).toEqual([`${CAMPAIGN}/v1`, `${CAMPAIGN}/v2`]);
  });

  test('a version that is not live answers by number', async () => {
    const { body } = await ask(`${url}/v2/models/${CAMPAIGN}/versions/v2/infer`, {
      inputs: [input(['CCO'])],
    });
    expect(body.model_version).toBe('v2');
    expect(body.outputs[0].data[0]).toBeGreaterThan(50);
  });

  test('a version that cannot be loaded leaves the live one serving, and the reason is told', async () => {
    const broken = await world.registerBroken(CAMPAIGN);
    await serve(broken.id);
    const failing = await eventually(async () => {
      const { models } = (await ask(`${url}/models`)).body;
      return models[0].failure && models[0];
    });
    expect(failing).toMatchObject({
      live: `${CAMPAIGN}/v1`,
      desired: broken.id,
      failure: { version: broken.id, code: 'artifact-missing' },
    });
    expect((await ask(`${url}/predict`, { smiles: ['CCO'] })).body.version).toBe('v1');
    expect(await ask(`${url}/v2/models/${CAMPAIGN}/versions/${broken.number}/ready`)).toMatchObject({
      status: 503,
      body: { ready: false, live: 'v1', failure: { code: 'artifact-missing' } },
    });
    await serve(`${CAMPAIGN}/v1`);
    await eventually(async () => (await ask(`${url}/models`)).body.models[0].failure === null);
  });

  test('with two models live a request has to name one', async () => {
    const other = await world.train('lipophilicity-7', -100);
    await serve(other.id, 'lipophilicity-7');
    await isLive(other.id);
    expect(await ask(`${url}/predict`, { smiles: ['CCO'] })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('lipophilicity-7, solubility-42') },
    });
    const { body } = await ask(`${url}/predict`, { model: 'lipophilicity-7', smiles: ['CCO'] });
    expect(body.predictions[0].value).toBeLessThan(-50);
    expect((await ask(`${url}/predict`, { model: `${CAMPAIGN}/v2`, smiles: ['CCO'] })).body.version).toBe(
      'v2',
    );
  });

  test('metrics count requests by route pattern, molecules by outcome, and say what is live', async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(
      /titrate_inference_requests_total\{method="POST",route="\/v2\/models\/:name\/infer",status="200"\} \d/,
    );
    expect(text).toMatch(
      /titrate_inference_molecules_total\{model="solubility-42",version="v1",outcome="rejected"\} [1-9]/,
    );
    expect(text).toMatch(/titrate_inference_live_model_info\{model="solubility-42",version="v1"\} 1/);
    expect(text).toMatch(/titrate_inference_loaded_models [1-9]/);
    expect(text).toMatch(/titrate_inference_molecules_in_flight 0/);
    expect(text).not.toMatch(/nodejs_/);
  });

  test('a port that is taken is named, with the setting that changes it', async () => {
    const rival = createInferenceServer({ ...world, host: '127.0.0.1', port: Number(new URL(url).port) });
    await expect(rival.start()).rejects.toMatchObject({
      code: 'port-taken',
      message: expect.stringContaining('TITRATE_INFERENCE_PORT'),
    });
    await rival.close();
  });

  test('a restarted server loads what is live before it is ready, and drains what is under way when it closes', async () => {
    // Requests stay under way until they are let go.
    let underWay = Promise.resolve();
    const chemistry = new Proxy(world.chemistry, {
      get(target, name) {
        if (name !== 'prepare') return target[name as keyof Chemistry].bind(target) as unknown;
        return async (...request: Parameters<Chemistry['prepare']>) => {
          await underWay;
          return target.prepare(...request);
        };
      },
    });
    const again = open({ chemistry });
    const there = await again.start();
    await again.whenReady();
    let letGo!: () => void;
    underWay = new Promise<void>((resolve) => (letGo = resolve));
    expect((await ask(`${there}/v2/models/${CAMPAIGN}/ready`)).status).toBe(200);
    const smiles = Array.from({ length: 10 }, () => MOLECULES).flat();
    const asked = Array.from({ length: 4 }, () => ask(`${there}/predict`, { model: CAMPAIGN, smiles }));
    const inFlight = `in_flight ${4 * smiles.length}`;
    await eventually(async () => (await (await fetch(`${there}/metrics`)).text()).includes(inFlight));
    const closed = again.close();
    letGo();
    await closed;
    const statuses = (await Promise.all(asked)).map(({ status, body }) => [status, body.predictions?.length]);
    expect(statuses).toEqual(Array(4).fill([200, smiles.length]));
    await expect(ask(`${there}/v2/health/live`)).rejects.toThrow();
  });
});
