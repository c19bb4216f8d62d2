import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { SearchAttributeType } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { SEARCH_ATTRIBUTES } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { prepareTemporal } from '../../src/platform/prepare-temporal';
import { loadSettings } from '../../src/platform/settings';
import { registerSearchAttributes } from '../../src/platform/temporal';
import { startServer } from '../support/temporal';

let environment: TestWorkflowEnvironment;
let entrance: Awaited<ReturnType<typeof startEntrance>>;

/** Calls that Temporal Cloud takes only over an API of its own. */
const OF_THE_OPERATOR = /\/(RegisterNamespace|UpdateNamespace)$|\.OperatorService\//;

/** A way into the server that refuses those calls. */
async function startEntrance(upstream: string) {
  const client = http2.connect(`http://${upstream}`);
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (OF_THE_OPERATOR.test(headers[':path']!)) {
      const refusal = { 'grpc-status': '7', 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    const call = client.request({ ...headers, ':authority': upstream });
    stream.pipe(call);
    call.on('error', () => stream.destroy());
    call.once('response', (answer, flags) => {
      if (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) return stream.respond(answer, { endStream: true });
      let trailers: http2.OutgoingHttpHeaders = {};
      call.once('trailers', (received) => (trailers = received));
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(answer, { waitForTrailers: true });
      call.pipe(stream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.destroy();
      client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const settings = (namespace: string, address = environment.address) => {
  const [host, port] = address.split(':');
  return loadSettings({ temporal: { host, port: Number(port), namespace } }, {});
};
const prepare = (namespace: string, options: { dryRun?: boolean; address?: string } = {}) =>
  prepareTemporal(settings(namespace, options.address), { dryRun: options.dryRun ?? false });
const describe_ = (namespace: string) => environment.client.workflowService.describeNamespace({ namespace });
const attributesOf = (namespace: string) =>
  environment.connection.operatorService.listSearchAttributes({ namespace });
const add = (namespace: string, name: string, type: SearchAttributeType) =>
  environment.connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: { [name]: encodeSearchAttributeIndexedValueType(type)! },
  });
const days = (n: number) => ({ seconds: (n * 24 * 3600) as never });
const register = (namespace: string, retention: number) =>
  environment.client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: days(retention),
  });

beforeAll(async () => {
  environment = await startServer();
  entrance = await startEntrance(environment.address);
}, 120_000);
afterAll(async () => {
  await entrance?.close();
  await environment?.teardown();
});

const ALL = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => ({
  part: 'search attribute',
  change: `registered ${name} (${type})`,
}));

test('a namespace that is not there is made with its retention and attributes; the second time there is nothing to do', async () => {
  const made = { part: 'namespace', change: 'made fresh, retention 90 days' };
  const would = [
    { ...made, change: 'would make fresh, retention 90 days' },
    ...ALL.map((one) => ({ ...one, change: one.change.replace('registered', 'would register') })),
  ];
  expect(await prepare('fresh', { dryRun: true })).toEqual(would);
  await expect(describe_('fresh')).rejects.toThrow(/not found/i);

  expect(await prepare('fresh')).toEqual([made, ...ALL]);
  const { config } = await describe_('fresh');
  expect(Number(config!.workflowExecutionRetentionTtl!.seconds)).toBe(90 * 24 * 3600);
  const { customAttributes } = await attributesOf('fresh');
  expect(Object.keys(customAttributes!)).toEqual(expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)));
  expect(await prepare('fresh')).toEqual([]);
}, 60_000);

test('a retention that is too short is set, a longer one is left', async () => {
  await register('short', 3);
  const before = await prepare('short', { dryRun: true });
  expect(before[0]).toEqual({ part: 'retention', change: 'would set 90 days, was 3 days' });
  expect((await prepare('short'))[0]).toEqual({ part: 'retention', change: 'set 90 days, was 3 days' });
  await register('long', 400);
  expect((await prepare('long')).map(({ part }) => part)).not.toContain('retention');
  expect(Number((await describe_('long')).config!.workflowExecutionRetentionTtl!.seconds)).toBe(400 * 86_400);
}, 60_000);

test('an attribute of another type is named, with what to do, by the command and by a worker alike', async () => {
  await register('typed', 90);
  await add('typed', 'CampaignRound', SearchAttributeType.KEYWORD);
  const refusal = {
    code: 'contradiction',
    message: expect.stringMatching(
      /CampaignRound is Keyword, and must be Int.*search-attribute remove --namespace typed --name CampaignRound/s,
    ),
  };
  await expect(prepare('typed')).rejects.toMatchObject(refusal);
  await expect(registerSearchAttributes(settings('typed'))).rejects.toMatchObject(refusal);
}, 60_000);

test('where the calls of an operator are refused, what is missing is said with the command for it', async () => {
  const { address } = entrance;
  await expect(prepare('not-there', { address })).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(/no such namespace.*tcld namespace create .*--retention-days 90/s),
  });
  await register('cloud-short', 30);
  await expect(prepare('cloud-short', { address })).rejects.toMatchObject({
    message: expect.stringMatching(/kept for 30 days.*tcld namespace retention set --namespace cloud-short/s),
  });
  await register('cloud', 90);
  await add('cloud', 'CampaignId', SearchAttributeType.KEYWORD);
  await expect(prepare('cloud', { address })).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(
      /missing.*CampaignRound \(Int\).*search-attributes add --namespace cloud --search-attribute "CampaignStage=Keyword"/s,
    ),
  });
  await registerSearchAttributes(settings('cloud'));
  expect(await prepare('cloud', { address })).toEqual([]);
  // A worker starts there as well: it has nothing to add.
  await registerSearchAttributes(settings('cloud', address));
}, 60_000);

test('titrate prepare temporal', async () => {
  const run = (...args: string[]) =>
    promisify(execFile)(path.join(packageRoot, 'scripts/titrate'), [
      ...['--json', '--temporal', environment.address, '--namespace', 'by-cli', 'prepare'],
      ...args,
    ]);
  const { stdout } = await run('temporal');
  expect((JSON.parse(stdout) as { changes: unknown[] }).changes).toHaveLength(6);
  expect((await run('temporal', '--dry-run')).stderr).toContain('everything is there');
  await expect(run('elsewhere')).rejects.toMatchObject({ code: 2 });
}, 60_000);
