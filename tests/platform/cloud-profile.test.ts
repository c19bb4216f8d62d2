import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import type { Ingested } from '../../src/cli/verbs/data/ingest';
import { compiledEntry } from '../../src/foundation';
import { startBigQueryServer, type BigQueryServer } from '../support/bigquery-server';
import { makeBucket, startGcsServer, type GcsServer } from '../support/gcs-server';
import { describeWithPython } from '../support/python';

/** The command line with objects in a bucket and the warehouse in BigQuery, over the wire, from two homes as two people have. */
describeWithPython(
  'titrate data on Cloud Storage and BigQuery',
  () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-cloud-'));
    let gcs: GcsServer;
    let bigquery: BigQueryServer;
    beforeAll(async () => {
      // BigQuery's stand-in reads gs:// from the folder that the bucket's stand-in writes.
      gcs = await startGcsServer({ backend: 'filesystem' });
      await makeBucket(gcs.endpoint, 'titrate-data', false);
      bigquery = await startBigQueryServer({ gcsRoot: gcs.directory! });
      writeFileSync(
        path.join(directory, 'titrate.yaml'),
        [
          'profile: gcp',
          `google: { project: ${bigquery.project}, location: us-central1 }`,
          `objects: { bucket: titrate-data, prefix: lab/, endpoint: '${gcs.endpoint}' }`,
          `warehouse: { dataset: lab, endpoint: '${bigquery.endpoint}' }`,
          // Small sources are standardised here also with Dataflow; nothing in this test is large.
          'processing: { template: gs://titrate-data/t.json, staging: gs://titrate-data/staging }',
          'training: { engine: local }',
        ].join('\n'),
      );
      writeFileSync(path.join(directory, 'pool.csv'), 'smiles,id\nCCO,A\nOCC,B\nc1ccccc1,C\nC1CC,D\n');
    });
    afterAll(async () => {
      await bigquery?.stop();
      await gcs?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    function titrate<T>(home: string, args: readonly string[], env: Record<string, string> = {}): T {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [compiledEntry('src/cli/main'), '--json', '--home', path.join(directory, home), ...args],
        {
          cwd: directory,
          encoding: 'utf8',
          env: { ...process.env, METADATA_SERVER_DETECTION: 'none', ...env },
        },
      );
      if (status !== 0) throw new Error(`exit code ${status}\n${stderr}`);
      return JSON.parse(stdout) as T;
    }

    /** On a connection of its own: the server closes idle ones while spawnSync keeps this process from noticing. */
    async function count(sql: string): Promise<number> {
      const answer = request(`${bigquery.endpoint}/bigquery/v2/projects/${bigquery.project}/queries`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json' },
      });
      answer.end(JSON.stringify({ query: sql, useLegacySql: false }));
      const [response] = (await once(answer, 'response')) as [IncomingMessage];
      const { rows } = (await json(response)) as { rows: { f: { v: string }[] }[] };
      return Number(rows[0]!.f[0]!.v);
    }

    test('makes the bucket and the tables, once', async () => {
      // The stand-in keeps old generations in memory only.
      const memory = await startGcsServer({ backend: 'memory' });
      try {
        const env = { TITRATE_OBJECTS_ENDPOINT: memory.endpoint, TITRATE_WAREHOUSE_DATASET: 'prepared' };
        const prepare = (...more: string[]) =>
          titrate<{ changes: { part: string; change: string }[] }>('carl', ['data', 'prepare', ...more], env)
            .changes;
        const plan = prepare('--dry-run');
        const done = prepare();
        expect(plan.filter(({ part }) => part === 'objects')).toEqual(
          done.filter(({ part }) => part === 'objects'),
        );
        expect(done.map(({ change }) => change).join('\n')).toMatch(
          /make the bucket titrate-data in us-central1[\s\S]*tables of/,
        );
        // What the stand-in does not keep (labels, lifecycle) would be set again; the tables stand.
        expect(prepare().filter(({ part }) => part === 'warehouse')).toEqual([]);
      } finally {
        await memory.stop();
      }
    }, 120_000);

    test('ingests, indexes the version, and a second home sees the same', async () => {
      const ingest = ['data', 'ingest', 'pool.csv', '--dataset', 'pool', '--id-column', 'id'];
      const ingested = titrate<Ingested>('ada', ingest);
      expect(ingested).toMatchObject({ rows: 4, accepted: 3, duplicates: 1, quarantined: 1 });
      expect(
        await count(`SELECT COUNT(*) FROM lab.dataset_rows WHERE dataset_version = '${ingested.version}'`),
      ).toBe(3);
      expect(await count('SELECT COUNT(*) FROM lab.molecules')).toBe(2);

      const seen = titrate<{ version: { id: string } }[]>('ben', ['data', 'versions', 'pool']);
      expect(seen.map(({ version }) => version.id)).toEqual([ingested.version]);
      expect(titrate<{ total: number }>('ben', ['data', 'quarantine', 'pool']).total).toBe(1);
      expect(titrate<Ingested>('ben', ingest)).toEqual(ingested);
      expect(await count('SELECT COUNT(*) FROM lab.dataset_rows')).toBe(3);
    }, 180_000);
  },
  'cloud',
);
