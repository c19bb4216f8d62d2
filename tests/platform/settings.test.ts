import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadSettings } from '../../src/platform/settings';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-settings-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('without settings everything is local', () => {
  const { objects, warehouse, processing } = loadSettings({}, {});
  expect([objects.store, warehouse.engine, processing.engine]).toEqual(['files', 'duckdb', 'inline']);
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
    ].join('\n'),
  );
  const cloud = loadSettings({}, { TITRATE_CONFIG: file });
  expect(cloud).toMatchObject({
    google: { project: 'p-1234', location: 'EU', region: 'us-central1' },
    objects: { store: 'gcs', bucket: 'b', landingDays: 7 },
    warehouse: { engine: 'bigquery' },
    processing: { engine: 'dataflow', staging: 'gs://b/staging' },
  });
  const mixed = loadSettings(
    {},
    {
      TITRATE_CONFIG: file,
      TITRATE_WAREHOUSE_ENGINE: 'duckdb',
      TITRATE_PROCESSING_ENGINE: 'inline',
    },
  );
  expect([mixed.objects.store, mixed.warehouse.engine, mixed.processing.engine]).toEqual([
    'gcs',
    'duckdb',
    'inline',
  ]);
});

test('what a chosen part needs and lacks is named, all of it at once', () => {
  expect(() => loadSettings({}, { TITRATE_PROFILE: 'gcp' })).toThrow(
    /objects\.bucket.*google\.project.*processing\.template.*processing\.staging/s,
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
