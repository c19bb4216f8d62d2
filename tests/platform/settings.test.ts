import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadSettings } from '../../src/platform/settings';
import { jobEnvironment } from '../../src/platform/training';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-settings-'));
const image = `europe-west4-docker.pkg.dev/p-1234/titrate/training@sha256:${'0'.repeat(64)}`;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('without settings everything is local', () => {
  const { objects, warehouse, processing, training } = loadSettings({}, {});
  const parts = [objects.store, warehouse.engine, processing.engine, training.engine];
  expect(parts).toEqual(['files', 'duckdb', 'inline', 'local']);
});

test('the profile chooses for every part, and a part may choose for itself', () => {
  const file = path.join(directory, 'gcp.yaml');
  writeFileSync(
    file,
    [
      'profile: gcp',
      'google: { project: p-1234, location: EU }',
      'objects: { bucket: b, landingDays: 7 }',
      'processing: { template: gs://b/t.json, staging: gs://b/staging }',
      `training: { image: '${image}', strategy: spot }`,
    ].join('\n'),
  );
  const cloud = loadSettings({}, { TITRATE_CONFIG: file });
  expect(cloud).toMatchObject({
    google: { project: 'p-1234', location: 'EU', region: 'us-central1' },
    objects: { store: 'gcs', bucket: 'b', landingDays: 7 },
    warehouse: { engine: 'bigquery' },
    processing: { engine: 'dataflow', staging: 'gs://b/staging' },
    training: { engine: 'vertex', image, strategy: 'spot', acceleratorCount: 1 },
  });
  const mixed = loadSettings(
    {},
    {
      TITRATE_CONFIG: file,
      TITRATE_WAREHOUSE_ENGINE: 'duckdb',
      TITRATE_PROCESSING_ENGINE: 'inline',
      TITRATE_TRAINING_ENGINE: 'local',
    },
  );
  const parts = [mixed.objects.store, mixed.warehouse.engine, mixed.processing.engine, mixed.training.engine];
  expect(parts).toEqual(['gcs', 'duckdb', 'inline', 'local']);
});

test('what a chosen part needs and lacks is named, all of it at once', () => {
  expect(() => loadSettings({}, { TITRATE_PROFILE: 'gcp' })).toThrow(
    /objects\.bucket.*google\.project.*processing\.template.*processing\.staging.*training\.image/s,
  );
  expect(() =>
    loadSettings(
      {
        google: { project: 'p' },
        processing: { engine: 'dataflow', template: 'gs://b/t', staging: 'gs://b/s' },
      },
      {},
    ),
  ).toThrow(/objects\.store: gcs/);
});

test('an unknown key is named with the nearest known one', () => {
  expect(() => loadSettings({ objects: { bukket: 'b' } } as never, {})).toThrow(
    /objects: unknown key 'bukket'; did you mean 'bucket'\?/,
  );
});

test('an image that trains is named by its digest', () => {
  expect(() => loadSettings({ training: { image: 'r-docker.pkg.dev/p/t:latest' } }, {})).toThrow(
    /training\.image.*by its digest/s,
  );
});

test('a training job opens the same store with the same endpoints, and starts no job itself', () => {
  const settings = loadSettings(
    {
      google: { project: 'p-1234' },
      objects: { store: 'gcs', bucket: 'b', prefix: 'lab/', endpoint: 'http://127.0.0.1:9' },
      training: { engine: 'vertex', image },
    },
    {},
  );
  const job = loadSettings({ training: { engine: 'local' } }, jobEnvironment(settings));
  expect(job.objects).toEqual(settings.objects);
  expect(job.google.project).toBe('p-1234');
  // A GPU was asked for: the CPU is no substitute.
  expect(job.learning.backend).toBe('tensorflow-gpu');
  const onCpu = { ...settings, training: { ...settings.training, acceleratorCount: 0 } };
  expect(jobEnvironment(onCpu).TITRATE_LEARNING_BACKEND).toBe('auto');
});

test('models are uploaded only where a server of theirs could find them', () => {
  expect(loadSettings({}, {}).training.uploadModels).toBe(false);
  expect(() => loadSettings({ training: { uploadModels: true } }, {})).toThrow(
    /google\.project.*training\.uploadImage or training\.image.*objects\.store: gcs/s,
  );
  const settings = {
    google: { project: 'p-1234' },
    objects: { store: 'gcs' as const, bucket: 'b' },
    training: { uploadModels: true, uploadImage: image },
  };
  expect(loadSettings(settings, {}).training).toMatchObject({ engine: 'local', uploadModels: true });
  expect(() => loadSettings({ ...settings, training: { uploadImage: 'worker:latest' } }, {})).toThrow(
    /training\.uploadImage.*by its digest/s,
  );
});
