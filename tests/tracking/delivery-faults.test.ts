import { spawn } from 'node:child_process';
import type { TitrateError } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { createWandbTracker, deliverCampaign, trackRounds } from '../../src/tracking';
import { API_KEY, startWandbServer, type WandbFault, type WandbRequest, type WandbServer } from './server';
import { CAMPAIGN, makeHome, openCampaign, recordRound, type Home } from './support/campaign';

let home: Awaited<ReturnType<typeof makeHome>>;
let server: WandbServer;
beforeEach(async () => {
  [home, server] = await Promise.all([makeHome(), startWandbServer()]);
  await openCampaign(home);
  await recordRound(home, 1);
  await trackRounds(CAMPAIGN, home);
});
afterEach(() => Promise.all([server.down(), home.remove()]));

const { signal } = new AbortController();
const at = () => ({ baseUrl: server.url, entity: 'chemists', project: 'titrate' });
/** A new process would know no more than this. */
const deliver = (to: Home = home) =>
  deliverCampaign(CAMPAIGN, {
    ...to,
    tracker: createWandbTracker({ ...at(), objects: to.objects, apiKey: () => API_KEY, sdkTimeoutMs: 4_000 }),
    signal,
  });
const isWrite = ({ kind, operation }: WandbRequest) =>
  kind === 'upload' || kind === 'file_stream' || /Create|Commit|Upsert|Add|Use/.test(operation);

/** Everything of `rounds` rounds is at the server, and nothing is there twice. */
function expectOnce(rounds: number): void {
  const project = server.state.projects.get('chemists/titrate')!;
  const runs = [...project.runs.values()];
  expect(runs.map(({ jobType }) => jobType).sort()).toEqual(
    [
      'campaign',
      ...Array<string>(rounds).fill('training'),
      ...Array<string>(3 * rounds).fill('trial'),
    ].sort(),
  );
  expect(runs.map(({ state }) => state).filter((state) => state === 'running')).toEqual([]);
  const whole = runs.find(({ jobType }) => jobType === 'campaign')!;
  expect(whole.history.map((line) => (JSON.parse(line) as { round: number }).round)).toEqual(
    Array.from({ length: rounds }, (_, i) => i + 1),
  );
  for (const training of runs.filter(({ jobType }) => jobType === 'training')) {
    expect(training.history).toHaveLength(1); // its table
    expect(training.used.size).toBe(1);
  }
  for (const collection of [`${CAMPAIGN}-model`, `${CAMPAIGN}-data`]) {
    const { versions, aliases } = project.collections.get(collection)!;
    expect(versions).toHaveLength(rounds);
    expect(aliases.get('latest')).toBe(versions.at(-1));
  }
  expect(server.refusals).toEqual([]);
}

test('cut off at every single request, one attempt after the other, nothing is missing and nothing is doubled', async () => {
  const kinds: WandbFault[] = [{ status: 503 }, 'cut', 'lost'];
  let attempts = 0;
  for (; ; attempts++) {
    let seen = 0;
    const failAt = attempts;
    server.onRequest = (request) => {
      // Of the SDK's own requests only lost connections: a 503 it would try until its time is up (see the test below).
      const fault = kinds[failAt % kinds.length]!;
      const mild = request.operation === 'Viewer' || request.operation === 'UpsertBucket';
      if (seen++ !== failAt) return null;
      return mild && typeof fault === 'object' ? 'cut' : fault;
    };
    try {
      await deliver();
      break;
    } catch (error) {
      expect((error as TitrateError).code).toBe('unavailable');
      expect(await home.spool.pending(CAMPAIGN, server.url + '/chemists/titrate')).toHaveLength(1);
    }
  }
  expect(attempts).toBeGreaterThan(40);
  expectOnce(1);
  server.onRequest = () => null;
  const before = server.requests.length;
  expect(await deliver()).toMatchObject({ delivered: [], aliases: [] });
  expect(server.requests.slice(before).filter(isWrite)).toEqual([]);
});

test('a server that is down for a round gets it with the next one', async () => {
  await server.down();
  await expect(deliver()).rejects.toMatchObject({ code: 'unavailable' });
  await recordRound(home, 2);
  expect(await trackRounds(CAMPAIGN, home)).toEqual([2]);
  await server.up();
  expect(await deliver()).toMatchObject({
    delivered: [
      { campaignId: CAMPAIGN, number: 1 },
      { campaignId: CAMPAIGN, number: 2 },
    ],
    aliases: [`${CAMPAIGN}@candidate -> version-2`],
  });
  expectOnce(2);
});

test('a server that dies half-way, after each further handful of requests, has everything once when it is back', async () => {
  const EACH = 7;
  let deaths = 0;
  for (; ; deaths++) {
    let seen = 0;
    let dying: Promise<void> | undefined;
    server.onRequest = () => {
      if (seen++ < EACH * deaths || dying) return dying ? 'cut' : null;
      // Whoever is connected is cut off, and nobody is let in any more.
      dying = server.down();
      return 'cut';
    };
    try {
      await deliver();
      break;
    } catch (error) {
      expect((error as TitrateError).code).toBe('unavailable');
      await dying;
      await server.up();
    }
  }
  expect(deaths).toBeGreaterThan(3);
  expectOnce(1);
});

test('the SDK trying a refused request for ever does not hold a delivery', async () => {
  server.onRequest = ({ operation }) => (operation === 'Viewer' ? { status: 503 } : null);
  await expect(deliver()).rejects.toThrow(/SDK could not open 5 runs: it did not come to an end/);
  server.onRequest = () => null;
  await deliver();
  expectOnce(1);
});

test('what was accepted and not kept is seen, and sent again', async () => {
  const swallowed: string[] = [];
  server.onRequest = ({ kind }) => {
    if ((kind !== 'file_stream' && kind !== 'upload') || swallowed.includes(kind)) return null;
    swallowed.push(kind);
    return 'swallow';
  };
  await deliver();
  expect(swallowed.sort()).toEqual(['file_stream', 'upload']);
  expectOnce(1);
});

test('a refused key is told without the key, and keeps what is pending', async () => {
  const tracker = (key?: string) => createWandbTracker({ ...at(), objects: home.objects, apiKey: () => key });
  const wrong = await deliverCampaign(CAMPAIGN, { ...home, tracker: tracker('wrong-key'), signal }).catch(
    (error: TitrateError) => error,
  );
  expect(wrong).toMatchObject({ code: 'config-invalid' });
  expect(String(wrong)).not.toContain('wrong-key');
  await expect(deliverCampaign(CAMPAIGN, { ...home, tracker: tracker(), signal })).rejects.toThrow(
    /WANDB_API_KEY is not set/,
  );
  expect(await home.spool.pending(CAMPAIGN, `${server.url}/chemists/titrate`)).toHaveLength(1);
});

const isOfRuns = ({ kind, operation }: WandbRequest) =>
  kind === 'file_stream' || /^(UpsertBucket|TitrateUpsertRun)$/.test(operation);
const isOfArtifacts = ({ kind, operation }: WandbRequest) =>
  kind === 'upload' || /^Titrate(Create(Artifact|Manifest|Files)|Commit|AddAliases|Use)/.test(operation);

test.each([
  ['runs', isOfRuns, 4],
  ['artifacts', isOfArtifacts, 8],
] as const)(
  'a process killed with SIGKILL further and further on, while it makes %s, leaves nothing missing and nothing doubled',
  async (_, isChosen, least) => {
    const run = (killAt: number) =>
      new Promise<{ code: number | null; said: string }>((resolve) => {
        const entry = compiledEntry('tests/support/deliver-tracking');
        const child = spawn(process.execPath, [entry, home.directory, CAMPAIGN, server.url], {
          env: { PATH: process.env.PATH, WANDB_API_KEY: API_KEY },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let said = '';
        child.stderr.on('data', (data: Buffer) => (said += String(data)));
        let seen = 0;
        server.onRequest = (request) => {
          if (!isChosen(request) || seen++ !== killAt) return null;
          child.kill('SIGKILL');
          // Every other time the server does not see the request at all.
          return killAt % 2 ? 'cut' : 'lost';
        };
        child.once('close', (code) => resolve({ code, said }));
      });
    let kills = 0;
    for (let end = await run(kills); end.code !== 0; end = await run(kills)) {
      expect(end).toEqual({ code: null, said: '' });
      kills++;
    }
    expect(kills).toBeGreaterThan(least);
    expectOnce(1);
  },
);
