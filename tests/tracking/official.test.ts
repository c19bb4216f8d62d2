import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createWandbTracker, deliverCampaign, trackedRunId, trackRounds } from '../../src/tracking';
import { describeWithPython, pythonOf } from '../support/python';
import { API_KEY, startWandbServer, type WandbFault, type WandbServer } from './server';
import { CAMPAIGN, makeHome, openCampaign, predictionsOf, recordRound } from './support/campaign';

interface OfficialRun {
  readonly charts: Record<string, object>;
  readonly config: Record<string, unknown>;
  readonly summary: Record<string, unknown>;
  readonly history: Record<string, unknown>[];
  readonly tables: Record<string, { columns: string[]; data: unknown[][] }>;
  readonly [key: string]: unknown;
}
interface OfficialArtifact {
  readonly version: string;
  readonly aliases: string[];
  readonly digest: string;
  readonly files: Record<string, string>;
  readonly [key: string]: unknown;
}

let server: WandbServer;
let home: string;
beforeAll(async () => {
  server = await startWandbServer();
  home = mkdtempSync(path.join(os.tmpdir(), 'titrate-official-'));
});
afterAll(async () => {
  await server.down();
  rmSync(home, { recursive: true, force: true });
});

/** Has W&B's own client do something; several commands share one start of Python. */
function official<T extends unknown[]>(...commands: string[][]): Promise<T> {
  const script = path.join(__dirname, 'official/client.py');
  const child = spawn(pythonOf('wandb')!, [script], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home,
      WANDB_BASE_URL: server.url,
      WANDB_API_KEY: API_KEY,
      WANDB_SILENT: 'true',
      WANDB_ERROR_REPORTING: 'false',
    },
  });
  let said = '';
  let answer = '';
  child.stdout.on('data', (data: Buffer) => (answer += String(data)));
  child.stderr.on('data', (data: Buffer) => (said += String(data)));
  child.stdin.end(JSON.stringify(commands));
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0
        ? resolve(JSON.parse(answer) as T)
        : reject(new Error(`the official client failed:\n${said}`)),
    );
  });
}

describeWithPython(
  "W&B's own client",
  () => {
    let charted: object;

    test('alone finds the server honest: what it logs it reads back, downloads and verifies', async () => {
      await official(['log', 'alone']);
      const [run, candidate, first] = await official<[OfficialRun, OfficialArtifact, OfficialArtifact]>(
        ['run', 'chemists/alone/alone'],
        ['artifact', 'chemists/alone/weights:candidate'],
        ['artifact', 'chemists/alone/weights:v0'],
      );
      expect(run).toMatchObject({
        group: 'a group',
        jobType: 'training',
        tags: ['one'],
        notes: 'by itself',
        state: 'finished',
        config: { rate: 0.1, deep: { layers: [1, 2] } },
        summary: { best: 0.5, loss: 1 / 3 },
        tables: {
          'held-out_table': {
            columns: ['observed', 'predicted'],
            data: [
              [1, 1.5],
              [2, 2.25],
            ],
          },
        },
      });
      expect(run.history.map(({ loss }) => loss)).toEqual([1, 1 / 2, 1 / 3, undefined]);
      expect(candidate).toMatchObject({
        version: 'v1',
        aliases: ['candidate', 'latest'],
        metadata: { content: 'second' },
        files: { 'folder/weights.bin': 'second' },
        madeBy: 'alone',
      });
      expect(first).toMatchObject({ aliases: [], files: { 'folder/weights.bin': 'first' } });
      expect(server.refusals).toEqual([]);
      charted = run.charts['held-out']!;
    });

    test('reads, verifies and downloads what titrate tracked, and sees production move and move back', async () => {
      const campaign = await makeHome();
      try {
        await openCampaign(campaign);
        const one = await recordRound(campaign, 1);
        const two = await recordRound(campaign, 2);
        const { signal } = new AbortController();
        const at = { baseUrl: server.url, entity: 'chemists', project: 'titrate' };
        const tracker = createWandbTracker({ ...at, objects: campaign.objects, apiKey: () => API_KEY });
        const deliver = () => deliverCampaign(CAMPAIGN, { ...campaign, tracker, signal });
        /** Every few requests W&B is away in one way or another; each delivery goes on where the one before came to. */
        const deliverInPieces = async () => {
          const faults: WandbFault[] = ['cut', { status: 503 }, 'lost'];
          for (let attempts = 1; ; attempts++) {
            let seen = 0;
            server.onRequest = ({ operation }) => {
              if (seen++ !== 6 * attempts) return null;
              const fault = faults[attempts % faults.length]!;
              // A 503 the SDK would try until its time is up.
              const sdk = operation === 'Viewer' || operation === 'UpsertBucket';
              return sdk && typeof fault === 'object' ? 'cut' : fault;
            };
            try {
              await deliver();
              server.onRequest = () => null;
              return attempts;
            } catch (error) {
              expect(error).toMatchObject({ code: 'unavailable' });
            }
          }
        };
        const promote = (version: typeof one, operationId: string) =>
          campaign.registry.moveAlias(CAMPAIGN, 'production', version, {
            operationId,
            author: 'ada',
            reason: 'test',
          });
        const production = async () =>
          (
            await official<[OfficialArtifact]>(['artifact', `chemists/titrate/${CAMPAIGN}-model:production`])
          )[0];

        await trackRounds(CAMPAIGN, campaign);
        await promote(two, 'promote-2');
        expect(await deliverInPieces()).toBeGreaterThan(4);

        const path2 = `chemists/titrate/${trackedRunId(CAMPAIGN, 2, 'training')}`;
        const [training, whole, trial, group, data, live] = await official<
          [OfficialRun, OfficialRun, OfficialRun, string[], OfficialArtifact, OfficialArtifact]
        >(
          ['run', path2],
          ['run', `chemists/titrate/${trackedRunId(CAMPAIGN, null, 'campaign')}`],
          ['run', `chemists/titrate/${trackedRunId(CAMPAIGN, 2, 'trial', 'gp-1')}`],
          ['runs', 'chemists/titrate', `${CAMPAIGN}/round/2`],
          ['artifact', `chemists/titrate/${CAMPAIGN}-data:round-2`],
          ['artifact', `chemists/titrate/${CAMPAIGN}-model:production`],
        );
        expect(training).toMatchObject({
          name: `${CAMPAIGN} round 2: gaussian-process`,
          group: `${CAMPAIGN}/round/2`,
          jobType: 'training',
          state: 'finished',
          config: { family: 'gaussian-process', labels: 60, modelVersion: two.id },
          used: [`${CAMPAIGN}-data:v1`],
          logged: [`${CAMPAIGN}-model:v1`],
        });
        const table = training.tables['held-out_table']!;
        expect(table.data.map((row) => row[3])).toEqual(predictionsOf(2).map(({ predicted }) => predicted));
        // The same chart, key by key, as the Python client writes for wandb.plot.scatter.
        expect({ ...training.charts['held-out'] }).toEqual(
          JSON.parse(JSON.stringify(charted).replace('"Held-out"', '"Held-out predictions"')),
        );
        expect(whole.history.map(({ round, labels }) => [round, labels])).toEqual([
          [1, 30],
          [2, 60],
        ]);
        expect(trial.history.map((row) => row['metrics/rmse'])).toEqual([1 / 2, 1 / 3]);
        expect(group).toHaveLength(4);
        expect(data.files['training.ndjson']).toBe('{"moleculeId":"mol_0","value":2}\n');
        expect(live).toMatchObject({
          version: 'v1',
          type: 'model',
          aliases: ['candidate', 'latest', 'production', 'version-2'],
          madeBy: trackedRunId(CAMPAIGN, 2, 'training'),
        });
        expect(JSON.parse(live.files['card.json']!)).toEqual(await campaign.registry.card(two));
        expect(live.files['weights.bin']).toMatch(/^weights of round 2 w+$/);
        expect(JSON.parse(live.files['calibration.json']!)).toMatchObject({ scale: 1.25 });

        await promote(one, 'rollback-to-1');
        expect((await deliver()).aliases).toEqual([`${CAMPAIGN}@production -> version-1`]);
        expect(await production()).toMatchObject({ version: 'v0', aliases: ['production', 'version-1'] });
        await promote(two, 'promote-2-again');
        await deliver();
        expect(await production()).toMatchObject({ version: 'v1' });
        expect(server.refusals).toEqual([]);
      } finally {
        await campaign.remove();
      }
    });

    test('gives a folder the digest that titrate gives it', async () => {
      const { manifestDigest } = await import('../../src/tracking/wandb/manifest');
      const { md5Base64 } = await import('./server/state');
      const names = ['index.ts', 'mutations.ts', 'resolvers.ts', 'schema.ts', 'state.ts'];
      const files = names.map((name) => ({
        name,
        digest: md5Base64(readFileSync(path.join(__dirname, 'server', name))),
      }));
      expect(await official(['digest', path.join(__dirname, 'server')])).toEqual([manifestDigest(files)]);
    });
  },
  'wandb',
);
