import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import { createGcsObjectStore, createStepCache, prepareBucket, type ObjectStore } from '../../src/objects';
import { createDataflowProcessor, createInlineProcessor } from '../../src/processing';
import type { PartManifest } from '../../src/processing/standardiser-protocol';
import { startGcsServer, type GcsServer } from '../support/gcs-server';
import { describeWithPython } from '../support/python';
import { startDataflowServer, type DataflowServer } from './support/dataflow-server';
import { landText, readParts, smilesCsv, temporaryStore } from './support/processing';
import { runStandardiser } from './support/standardiser';

const BUCKET = 'processing';
const PROJECT = 'a-project';
const REGION = 'europe-west4';
const PART_ROWS = 30;

/** Objects over the wire; jobs on a server made from published protos; the process that workers run, as it is. */
describeWithPython(
  'bulk processing in the cloud, end to end on local servers',
  () => {
    let gcs: GcsServer;
    let dataflow: DataflowServer;
    let chemistry: Chemistry;
    let objects: ObjectStore;
    const cacheDirectory = mkdtempSync(path.join(os.tmpdir(), 'titrate-cloud-'));

    beforeAll(async () => {
      gcs = await startGcsServer({ backend: 'memory' });
      dataflow = await startDataflowServer(PROJECT, REGION);
      chemistry = createChemistry({ threads: 1 });
      const bucket = { bucket: BUCKET, prefix: 'titrate', endpoint: gcs.endpoint, projectId: PROJECT };
      await prepareBucket({ ...bucket, location: 'EU', landingDays: 7, noncurrentDays: 7, labels: {} });
      objects = createGcsObjectStore({ ...bucket, cacheDirectory });
    });
    afterAll(async () => {
      await chemistry.close();
      await dataflow.stop();
      await gcs.stop();
      rmSync(cacheDirectory, { recursive: true, force: true });
    });

    test('a source goes through frames, a job and its processes, and comes out as it does on one machine', async () => {
      const storeUri = `gs://${BUCKET}/titrate`;
      dataflow.onLaunch = async (job) => {
        job.currentState = 'JOB_STATE_RUNNING';
        const prefix = `${storeUri}/objects/`;
        expect(job.parameters.manifest).toContain(prefix);
        const sha256 = path.basename(job.parameters.manifest!);
        const { job: common, parts } = JSON.parse((await objects.get({ sha256 })).toString()) as PartManifest;
        const requests = parts.map((part) => JSON.stringify({ id: part.part, job: common, part }));
        const { answers } = await runStandardiser(job.parameters.store!, requests, [
          '--gcs-endpoint',
          gcs.endpoint,
        ]);
        const failures = answers.filter((answer) => !answer.ok);
        if (failures.length) throw new Error(JSON.stringify(failures));
        job.currentState = 'JOB_STATE_DONE';
      };
      const processor = createDataflowProcessor({
        objects,
        steps: createStepCache(objects),
        storeUri,
        chemistryVersion: () => chemistry.version(),
        dataflow: {
          projectId: PROJECT,
          region: REGION,
          templatePath: 'gs://processing/template.json',
          stagingLocation: 'gs://processing/dataflow',
          maxWorkers: 1,
          machineType: 'n2-standard-2',
          labels: {},
          endpoint: dataflow.endpoint,
        },
        pollSeconds: 0.1,
        partRows: PART_ROWS,
      });
      const { value } = await processor.standardise(await landText(objects, smilesCsv(100)));
      await processor.close();

      const local = temporaryStore();
      const inline = await createInlineProcessor({ ...local, chemistry, partRows: PART_ROWS }).standardise(
        await landText(local.objects, smilesCsv(100)),
      );
      expect(value).toEqual(inline.value);
      const expected = await readParts(local.objects, inline.value.parts);
      expect(await readParts(objects, value.parts)).toEqual(expected);
      expect(expected.parts).toHaveLength(4);
      local.remove();
    });
  },
  'cloud',
);
