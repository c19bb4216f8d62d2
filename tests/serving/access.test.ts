import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type KeyLike } from 'jose';
import {
  chooseAuthenticator,
  createKeyAuthenticator,
  createOidcAuthenticator,
  hashOfKey,
  newApiKey,
  readApiKeys,
  type AccessOptions,
} from '../../src/serving/access';
import { createInferenceServer, type InferenceServer } from '../../src/serving';
import { openWorld, type World } from './support/world';

let world: World;
const servers: InferenceServer[] = [];
const issuers: Server[] = [];

/** An issuer of OpenID Connect on this machine: discovery, keys, and tokens signed by them. */
async function openIssuer() {
  const make = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    return {
      kid,
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } as JWK,
    };
  };
  const keys = [await make('one')];
  let asked = 0;
  const server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    const { port } = server.address() as AddressInfo;
    if (request.url === '/.well-known/openid-configuration')
      return response.end(
        JSON.stringify({ issuer: `http://127.0.0.1:${port}`, jwks_uri: `http://127.0.0.1:${port}/keys` }),
      );
    asked += 1;
    return response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  }).listen(0, '127.0.0.1');
  issuers.push(server);
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = (
    claims: object,
    change: { key?: KeyLike; audience?: string; issuer?: string; expires?: string } = {},
  ) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: keys.at(-1)!.kid })
      .setSubject('ada')
      .setIssuer(change.issuer ?? issuer)
      .setAudience(change.audience ?? 'titrate')
      .setExpirationTime(change.expires ?? '5m')
      .sign(change.key ?? keys.at(-1)!.privateKey);
  return { issuer, token, keysAsked: () => asked };
}

async function open(access: AccessOptions, metricsScope?: 'read') {
  const server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0, access, metricsScope });
  servers.push(server);
  const url = await server.start();
  await server.whenReady();
  return async (at: string, credential?: Record<string, string>, body?: unknown) => {
    const headers = { 'content-type': 'application/json', ...credential };
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${url}${at}`, { ...post, headers });
    const text = await response.text();
    const { code, detail } = text.startsWith('{')
      ? (JSON.parse(text) as { code?: string; detail?: string })
      : {};
    return { status: response.status, code, detail, headers: response.headers };
  };
}
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

beforeAll(async () => {
  world = await openWorld();
  const { id } = await world.train('solubility-42');
  await world.pointers.move('serving/solubility-42', id, { operationId: 'a', author: 'ada', reason: 'test' });
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  issuers.forEach((issuer) => issuer.close());
  await world.close();
});

test('API keys open what their scopes say; health stays open; nothing of a body is looked at before', async () => {
  const [reader, asker, owner] = [newApiKey(), newApiKey(), newApiKey()];
  const keys = [
    { name: 'reader', sha256: reader.sha256, scopes: ['read' as const] },
    { name: 'asker', sha256: asker.sha256, scopes: ['predict' as const] },
    { name: 'owner', sha256: owner.sha256, scopes: ['admin' as const] },
  ];
  const ask = await open({ authenticator: createKeyAuthenticator(keys) }, 'read');
  const predict = { smiles: ['CCO'] };
  for (const at of [
    '/v2/health/live',
    '/v2/health/ready',
    '/v2',
    '/openapi.json',
    '/v2/models/solubility-42/ready',
  ])
    expect([at, (await ask(at)).status]).toEqual([at, 200]);
  const nobody = await ask('/predict', {}, { nonsense: 1 });
  expect(nobody).toMatchObject({
    status: 401,
    code: 'unauthenticated',
    detail: expect.stringMatching(/Bearer KEY/),
  });
  expect(nobody.headers.get('www-authenticate')).toMatch(/^Bearer/);
  expect(await ask('/predict', bearer(`${asker.key}x`), predict)).toMatchObject({ status: 401 });
  expect(await ask('/predict', bearer(asker.key), predict)).toMatchObject({ status: 200 });
  expect(await ask('/predict', { 'x-api-key': asker.key }, predict)).toMatchObject({ status: 200 });
  expect(await ask('/models', bearer(asker.key))).toMatchObject({ status: 403, code: 'forbidden' });
  expect(await ask('/metrics')).toMatchObject({ status: 401 });
  expect(await ask('/metrics', bearer(reader.key))).toMatchObject({ status: 200 });
  expect(await ask('/predict', bearer(reader.key), predict)).toMatchObject({ status: 403 });
  for (const at of ['/models', '/metrics']) expect((await ask(at, bearer(owner.key))).status).toBe(200);
  expect((await ask('/predict', bearer(owner.key), predict)).status).toBe(200);
});

test('each caller has a rate of its own, in requests and in molecules, told with the time to wait', async () => {
  const [few, many] = [newApiKey(), newApiKey()];
  const scopes = ['predict' as const];
  const ask = await open({
    limits: { requestsPerMinute: 1000 },
    authenticator: createKeyAuthenticator([
      { name: 'few', sha256: few.sha256, scopes, moleculesPerMinute: 3, maxMolecules: 2 },
      { name: 'many', sha256: many.sha256, scopes, requestsPerMinute: 2 },
    ]),
  });
  const of = (count: number) => ({ smiles: Array<string>(count).fill('CCO') });
  expect(await ask('/predict', bearer(few.key), of(3))).toMatchObject({
    status: 413,
    detail: expect.stringMatching(/may ask for 2/),
  });
  expect((await ask('/predict', bearer(few.key), of(2))).status).toBe(200);
  const refused = await ask('/predict', bearer(few.key), of(2));
  expect(refused).toMatchObject({
    status: 429,
    code: 'overloaded',
    detail: expect.stringMatching(/few may ask for 3 molecules a minute/),
  });
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(1);
  expect(seconds).toBeLessThanOrEqual(60);
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await ask('/predict', bearer(many.key), of(1))).status);
  expect(statuses).toEqual([200, 200, 429]);
});

describe('OpenID Connect', () => {
  test('a token counts by its signature, issuer, audience and time, and may do what its scopes say', async () => {
    const issuer = await openIssuer();
    const ask = await open({
      authenticator: createOidcAuthenticator({ issuer: issuer.issuer, audience: 'titrate' }),
    });
    const predict = async (token: string) => ask('/predict', bearer(token), { smiles: ['CCO'] });
    const scope = 'openid titrate:predict';
    expect((await predict(await issuer.token({ scope }))).status).toBe(200);
    expect((await predict(await issuer.token({ scope: 'openid titrate:read' }))).status).toBe(403);
    const { privateKey } = await generateKeyPair('ES256');
    const wrong = [
      await issuer.token({ scope }, { key: privateKey }),
      await issuer.token({ scope }, { audience: 'another' }),
      await issuer.token({ scope }, { issuer: 'https://example.org' }),
      await issuer.token({ scope }, { expires: '5m ago' }),
      'no-token',
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ada","scope":"admin"}').toString('base64url')}.`,
    ];
    for (const token of wrong) expect((await predict(token)).status).toBe(401);
    // The issuer's keys are fetched once, not for each request.
    expect(issuer.keysAsked()).toBe(1);
  });

  test('an issuer that cannot be reached is no fault of the token, and is asked again', async () => {
    const issuer = await openIssuer();
    const token = await issuer.token({ scope: 'predict' });
    const away = createOidcAuthenticator({ issuer: 'http://127.0.0.1:9', audience: 'titrate' });
    const ask = await open({ authenticator: away });
    expect(await ask('/predict', bearer(token), { smiles: ['CCO'] })).toMatchObject({
      status: 503,
      code: 'unavailable',
    });
  });
});

describe('what is chosen', () => {
  const entry = (name: string) => ({ name, sha256: hashOfKey(name) });

  test('open on loopback; elsewhere only when somebody said so', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1'])
      expect(chooseAuthenticator(host, {}, undefined)).toBeNull();
    for (const host of ['0.0.0.0', '::', '10.0.0.5'])
      expect(() => chooseAuthenticator(host, {}, undefined)).toThrow(/TITRATE_INFERENCE_AUTH=off/);
    expect(chooseAuthenticator('0.0.0.0', { mode: 'off' }, undefined)).toBeNull();
    expect(() => chooseAuthenticator('127.0.0.1', { mode: 'keys' }, undefined)).toThrow(/there are none/);
    expect(() => chooseAuthenticator('127.0.0.1', { issuer: 'https://a' }, undefined)).toThrow(/audience/);
  });

  test('keys come from a file and from the environment, and mistakes in them are named', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-keys-'));
    const file = path.join(folder, 'keys.yaml');
    writeFileSync(file, JSON.stringify([entry('ada')]));
    const both = chooseAuthenticator('0.0.0.0', { keysFile: file }, JSON.stringify([entry('bob')]))!;
    expect((await both.authenticate('ada'))?.name).toBe('ada');
    expect((await both.authenticate('bob'))?.scopes).toEqual(new Set(['predict', 'read']));
    expect(await both.authenticate('eve')).toBeNull();
    expect(() => readApiKeys({ file: path.join(folder, 'none') })).toThrow(/inference.auth.keysFile/);
    expect(() => readApiKeys({ text: '[{ "name": "a", "sha256": "secret" }]' })).toThrow(/64 hexadecimal/);
    expect(() =>
      createKeyAuthenticator([
        { ...entry('a'), scopes: [] },
        { ...entry('b'), sha256: hashOfKey('a'), scopes: [] },
      ]),
    ).toThrow(/share/);
  });
});
