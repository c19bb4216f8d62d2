import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ModelCard } from '../../src/contracts';
import { compiledEntry, packageRoot } from '../../src/foundation';
import { openPorts, type Ports } from '../../src/platform/composition';
import { loadSettings } from '../../src/platform/settings';
import { makeCard } from '../serving/support/card';
import { ask, openWorld, type World } from '../serving/support/world';
import { makeBucket, startGcsServer, type GcsServer } from '../support/gcs-server';
import { describeWithPython } from '../support/python';
import { startModelServer, type ModelServer } from '../training/support/model-server';
import type { Ran } from './support';

const CAMPAIGN = 'solubility-42';
const PLACE = 'projects/a-project/locations/us-central1';
const IMAGE = `us-central1-docker.pkg.dev/a-project/titrate/worker@sha256:${'0'.repeat(64)}`;

/** Vertex AI's stand-in is made from published protos: it checks transport and message shape. */
describeWithPython(
  'titrate models upload',
  () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-upload-'));
    const config = path.join(directory, 'titrate.yaml');
    let gcs: GcsServer;
    let vertex: ModelServer;
    let ports: Ports;
    /** Where the model is trained. */
    let world: World;
    beforeAll(async () => {
      [gcs, vertex] = await Promise.all([
        startGcsServer({ backend: 'memory' }),
        startModelServer('a-project', 'us-central1'),
      ]);
      await makeBucket(gcs.endpoint, 'titrate-data', false);
      writeFileSync(
        config,
        [
          'google: { project: a-project }',
          `objects: { store: gcs, bucket: titrate-data, prefix: lab/, endpoint: '${gcs.endpoint}' }`,
          `training: { uploadImage: '${IMAGE}', endpoint: '${vertex.endpoint}', acceleratorCount: 1 }`,
        ].join('\n'),
      );
      ports = openPorts(loadSettings({ home: path.join(directory, 'here') }, { TITRATE_CONFIG: config }));
      world = await openWorld();
      const card = (await world.registry.card(await world.train(CAMPAIGN))) as ModelCard;
      for (const { sha256, mediaType } of [card.weights, card.training])
        await ports.objects.put(await world.objects.get({ sha256 }), mediaType);
      const version = await ports.registry.register(CAMPAIGN, card, 'round 1');
      const by = { operationId: 'round 1', author: 'titrate', reason: 'round 1' };
      await ports.registry.moveAlias(CAMPAIGN, 'candidate', version, by);
    });
    afterAll(async () => {
      await ports?.close();
      await world?.close();
      await vertex?.stop();
      await gcs?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    /** A synchronous spawn would keep the test's own server from answering. */
    function models(...args: string[]): Promise<Ran> {
      const all = [compiledEntry('src/cli/main'), '--home', path.join(directory, 'home'), 'models', ...args];
      const child = spawn(process.execPath, all, {
        cwd: directory,
        env: { PATH: process.env.PATH, HOME: os.homedir(), NO_COLOR: '1', METADATA_SERVER_DETECTION: 'none' },
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (data: Buffer) => (stdout += String(data)));
      child.stderr.on('data', (data: Buffer) => (stderr += String(data)));
      return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
    }

    test('a dry run uploads nothing; a version is uploaded once, and show says where', async () => {
      const dry = await models('upload', `${CAMPAIGN}@candidate`, '--dry-run', '--json');
      expect(JSON.parse(dry.stdout)).toEqual({ dryRun: true, model: `${CAMPAIGN}/v1`, place: PLACE });
      expect(vertex.calls).toEqual({});

      const name = `${PLACE}/models/titrate-${CAMPAIGN}`;
      vertex.faults.push({ method: 'UploadModel', code: 'UNAVAILABLE', message: 'reset', lost: true });
      for (const _ of ['once', 'twice']) {
        const ran = await models('upload', `${CAMPAIGN}@candidate`, '--json', '--by', 'ada');
        expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('solubility-42/v1: to') });
        expect(JSON.parse(ran.stdout)).toEqual({
          model: `${CAMPAIGN}/v1`,
          place: PLACE,
          name,
          versionId: '1',
        });
      }
      expect(vertex.versions).toHaveLength(1);
      expect(vertex.versions[0]!.containerSpec).toMatchObject({
        imageUri: IMAGE,
        env: expect.arrayContaining([
          { name: 'TITRATE_OBJECTS_BUCKET', value: 'titrate-data' },
          { name: 'TITRATE_OBJECTS_PREFIX', value: 'lab/' },
          // Training's GPU is not the server's.
          { name: 'TITRATE_LEARNING_BACKEND', value: 'auto' },
        ]),
      });

      const shown = await models('show', `${CAMPAIGN}/v1`, '--json');
      expect((JSON.parse(shown.stdout) as { uploads: object[] }).uploads).toMatchObject([
        { kind: 'uploaded', place: PLACE, name, versionId: '1', author: 'ada' },
      ]);
      expect((await models('show', `${CAMPAIGN}/v1`)).stdout).toMatch(
        /uploaded to +projects\/a-project\/.*\/titrate-solubility-42, version 1, at .* by ada/,
      );
    });

    test('the command and the variables of its container start a server that answers at the routes it was given', async () => {
      const { command, env, predictRoute, healthRoute } = vertex.versions[0]!.containerSpec as {
        command: [string, ...string[]];
        env: { name: string; value: string }[];
        predictRoute: string;
        healthRoute: string;
      };
      const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      const server = spawn(command[0], command.slice(1), {
        cwd: packageRoot,
        // The image's home, and a port that is free here.
        env: { PATH: process.env.PATH, ...variables, TITRATE_HOME: directory, TITRATE_INFERENCE_PORT: '0' },
      });
      const ended = once(server, 'close');
      try {
        let said = '';
        server.stderr.on('data', (data: Buffer) => (said += String(data)));
        const port = await new Promise<string>((resolve, reject) => {
          server.stdout.on('data', (data: Buffer) => {
            const found = /listening on .*:(\d+)/.exec(String(data));
            if (found) resolve(found[1]!);
          });
          server.once('close', () => reject(new Error(said)));
        });
        const at = `http://127.0.0.1:${port}`;
        expect((await ask(at + healthRoute)).status).toBe(200);
        const inputs = [{ name: 'smiles', shape: [2], datatype: 'BYTES', data: ['CCO', 'c1ccccc1'] }];
        const answer = await ask(at + predictRoute, { inputs });
        expect(answer).toMatchObject({ status: 200, body: { model_name: CAMPAIGN, model_version: 'v1' } });
        const mean = (answer.body as { outputs: { name: string; data: number[] }[] }).outputs.find(
          ({ name }) => name === 'mean',
        )!;
        expect(mean.data.map(Number.isFinite)).toEqual([true, true]);
      } finally {
        server.kill('SIGTERM');
        await ended;
      }
    });

    test('a refusal is exit code 1 with what to do, and on record; settings that lack something are named', async () => {
      await ports.registry.register(CAMPAIGN, makeCard({ campaignId: CAMPAIGN, round: 2 }), 'round 2');
      vertex.faults.push({ method: 'UploadModel', code: 'PERMISSION_DENIED', message: 'not allowed' });
      const refused = await models('upload', `${CAMPAIGN}/v2`);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/not allowed.*roles\/aiplatform\.user/);
      expect((await models('show', `${CAMPAIGN}/v2`)).stdout).toMatch(
        /not uploaded +projects\/.*not allowed/,
      );

      writeFileSync(
        config,
        `objects: { store: gcs, bucket: titrate-data, prefix: lab/, endpoint: '${gcs.endpoint}' }`,
      );
      const lacking = await models('upload', `${CAMPAIGN}/v2`);
      expect(lacking).toMatchObject({ code: 1 });
      expect(lacking.stderr).toMatch(
        /missing for the upload of models: google\.project.*training\.uploadImage/,
      );
    });
  },
  'cloud',
);
