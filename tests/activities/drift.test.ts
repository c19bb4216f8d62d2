import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { controlsFound, showsEffect } from '../../activities/deploy/drift/effects';
import { servedVersions, servedWindows } from '../../activities/deploy/drift/served-windows';
import { postDriftMessage } from '../../activities/deploy/drift/tell';
import type {
  KeptAction,
  KeptLook,
  PlannedAction,
  PredictionRecord,
  PredictionSegment,
} from '../../src/contracts';
import { emptySample, recordOf, sampleFromJson, sampleToJson, type DriftSample } from '../../src/drift';
import { createFileObjectStore } from '../../src/objects';
import { createDriftLog } from '../../src/tracking';
import type { ResolvedResult } from '../../src/warehouse';

const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-drift-log-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const NOW = Date.parse('2026-11-28T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW - 60_000 * minutes).toISOString();

function writeSegment(
  folder: string,
  name: string,
  endedMinutesAgo: number,
  values: readonly number[],
): void {
  mkdirSync(folder, { recursive: true });
  const head: PredictionSegment = {
    ...{ format: 'titrate-predictions/1', model: 'c', version: 'v1', property: 'logS', unit: null },
    ...{ from: minutesAgo(endedMinutesAgo + 5), to: minutesAgo(endedMinutesAgo) },
    ...{
      seen: values.length,
      rejected: 0,
      records: values.length,
      descriptors: [],
      rdkit: 'r',
      release: '1',
    },
  };
  const records = values.map((value): PredictionRecord => ({
    ...{ at: minutesAgo(endedMinutesAgo), moleculeId: null, value, standardDeviation: 1 },
    ...{ similarity: null, applicable: null, descriptors: null },
  }));
  writeFileSync(path.join(folder, name), [head, ...records].map((line) => JSON.stringify(line)).join('\n'));
}

const planned = (id: string, action: PlannedAction['action'] = 'retrain'): PlannedAction => ({
  ...{ id, at: minutesAgo(60), action, cause: null, subject: null, rung: 0, approval: 'automatic' },
  evidence: {
    ...{ look: 'returned/1', verdict: 'act' },
    findings: [{ name: 'bias', effectSize: 1, p: 0, rows: 30, sentence: 'Off.' }],
  },
  before: { rows: 0, measures: [], gain: null },
  sentence: 'Off.',
});
const keptLook = (id: string, more: Partial<KeptLook> = {}): KeptLook => ({
  record: {
    ...{ id, at: minutesAgo(0), stream: 'returned', figures: { rows: 0, measures: [], gain: null } },
    look: { verdict: 'act', findings: [], diagnosis: null },
  },
  ...{ occasion: 'batch', model: 'c/v2', place: { round: 2 }, sample: { sha256: 'x' }, planned: [] },
  ...more,
});
const keptAction = (changes: Partial<KeptAction> = {}): KeptAction => ({
  record: recordOf(planned('returned/1/retrain'), 'done', minutesAgo(30)),
  ...{ note: '', approved: true, decided: null, model: 'c/v2', replaced: 'c/v1' },
  ...{ controls: [], found: null, judgedBy: [] },
  ...changes,
});

describe('windows of the serving log', () => {
  const folder = path.join(home, 'predictions', 'c', 'v1');
  const how = { size: 4, most: 10, now: NOW };
  const valuesOf = ({ records }: { records: readonly { record: PredictionRecord }[] }) =>
    records.map(({ record }) => record.value);

  beforeAll(() => {
    // The order is that in which they ended, whatever their names say.
    writeSegment(folder, 'b.ndjson', 30, [1, 2, 3]);
    writeSegment(folder, 'a.ndjson', 20, [4, 5, 6]);
    writeSegment(folder, 'c.ndjson', 0, [7, 8, 9]);
    writeFileSync(path.join(folder, 'd.ndjson'), '{"format":"other"}\n');
  });

  test('are whole, go on where the one before ended, and pass over what may still get company before it', async () => {
    const first = await servedWindows(folder, null, how);
    expect(first.windows.map(valuesOf)).toEqual([[1, 2, 3, 4]]);
    expect(first).toMatchObject({ more: false, left: 2 });
    expect(first.unreadable).toEqual([expect.stringContaining('d.ndjson')]);
    const { place } = first.windows[0]!;
    expect(place).toMatchObject({ name: 'a.ndjson', records: 1 });
    const later = { ...how, now: NOW + 120_000 };
    const second = await servedWindows(folder, place, later);
    expect(second.windows.map(valuesOf)).toEqual([[5, 6, 7, 8]]);
    expect((await servedWindows(folder, second.windows[0]!.place, later)).windows).toEqual([]);
  });

  test('are as many as are asked for', async () => {
    const some = await servedWindows(folder, null, { size: 2, most: 2, now: NOW });
    expect(some.windows.map(valuesOf)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(some.more).toBe(true);
  });

  test('there are none of a campaign that nobody asks', async () => {
    expect(await servedVersions(path.join(home, 'predictions'), 'c')).toEqual(['v1']);
    expect(await servedVersions(path.join(home, 'predictions'), 'other')).toEqual([]);
    expect(await servedVersions(path.join(home, 'nowhere'), 'c')).toEqual([]);
  });
});

describe('the log of looks and actions', () => {
  const objects = createFileObjectStore(path.join(home, 'objects'));

  test('keeps a window once, and plans in view of all looks before it', async () => {
    const [log, other] = [createDriftLog(objects), createDriftLog(objects)];
    const look = keptLook('returned/1', { planned: [planned('returned/1/retrain')] });
    expect(await log.keepLook('c', look, 0)).toBe('kept');
    expect(await other.keepLook('c', look, 0)).toBe('known');
    expect(await other.keepLook('c', keptLook('asked/v1/1'), 0)).toBe('overtaken');
    expect(await other.keepLook('c', keptLook('asked/v1/1'), 1)).toBe('kept');
    expect((await log.looks('c')).map(({ record }) => record.id)).toEqual(['returned/1', 'asked/v1/1']);
  });

  test('has an action from the moment that it is planned, and every change of it', async () => {
    const log = createDriftLog(objects);
    expect(await log.actions('c')).toMatchObject([{ record: { state: 'waiting' }, approved: true }]);
    const done = await log.change('c', 'returned/1/retrain', (kept) => ({ ...kept, note: 'did it' }));
    expect(done.note).toBe('did it');
    expect(await log.change('c', 'returned/1/retrain', () => null)).toEqual(done);
    expect((await createDriftLog(objects).actions('c'))[0]!.note).toBe('did it');
    await expect(log.change('c', 'returned/9/retrain', () => null)).rejects.toThrow(
      /no action 'returned\/9\/retrain' was planned/,
    );
  });
});

test('an effect is judged by later windows of the same stream and of the model that came of it, each once', () => {
  const later = keptLook('returned/2');
  expect(showsEffect(keptAction(), later)).toBe(true);
  expect(showsEffect(keptAction({ judgedBy: ['returned/2'] }), later)).toBe(false);
  expect(showsEffect(keptAction({ model: 'c/v3' }), later)).toBe(false);
  expect(showsEffect(keptAction(), keptLook('returned/1'))).toBe(false);
  const asked = keptLook('asked/v2/1');
  expect(showsEffect(keptAction(), { ...asked, record: { ...asked.record, stream: 'asked' } })).toBe(false);
  const waiting = keptAction({ record: recordOf(planned('returned/1/retrain'), 'waiting', null) });
  expect(showsEffect(waiting, later)).toBe(false);
});

test('controls speak only through what was measured after they were asked for', () => {
  const controls = Array.from({ length: 8 }, (_, i) => ({
    ...{ moleculeId: `mol_${i}`, smiles: 'C', value: 5 + i / 10, plate: 'P2', resultIds: [`r${i}`] },
  }));
  const kept = keptAction({
    record: recordOf(planned('returned/1/control-plate', 'control-plate'), 'done', minutesAgo(30)),
    controls,
  });
  const result = (i: number, resultId: string, plate: string, value: number) =>
    ({
      ...{ resultId, moleculeId: `mol_${i}`, outcome: 'measured', qualifier: '=' },
      ...{ plate, value },
    }) as ResolvedResult;
  const residuals = Float64Array.from({ length: 20 }, (_, i) => Math.sin(i));
  const before = controls.map((_, i) => result(i, `r${i}`, 'P2', 5 + i / 10));
  const samePlate = controls.map((_, i) => result(i, `s${i}`, 'P2', 9));
  expect(controlsFound(kept, [...before, ...samePlate], residuals)).toBeNull();
  const after = controls.map((_, i) => result(i, `n${i}`, 'P3', 2 + i / 10));
  expect(controlsFound(kept, [...before, ...after], residuals)).toMatchObject({
    controls: 8,
    decision: 'correct',
    offset: 3,
  });
});

test('of a laboratory that is in doubt, only what another one measured is a control', () => {
  const controls = Array.from({ length: 8 }, (_, i) => ({
    ...{ moleculeId: `mol_${i}`, smiles: 'C', value: 5 + i / 10, lab: 'north', resultIds: [`r${i}`] },
  }));
  const plan = { ...planned('returned/1/control-plate', 'control-plate'), cause: 'lab-offset' as const };
  const kept = keptAction({ record: recordOf(plan, 'done', minutesAgo(30)), controls });
  const again = (lab: string, off: number) =>
    controls.map(
      ({ moleculeId, value }, i) =>
        ({
          ...{ resultId: `${lab}${i}`, moleculeId, outcome: 'measured', qualifier: '=' },
          ...{ plate: 'P9', lab, value: value + off },
        }) as ResolvedResult,
    );
  const residuals = Float64Array.from({ length: 20 }, (_, i) => Math.sin(i));
  expect(controlsFound(kept, again('north', 0), residuals)).toBeNull();
  const both = [...again('south', -3), ...again('north', 0)];
  expect(controlsFound(kept, both, residuals)).toMatchObject({ controls: 8, offset: 3 });
});

test('a sample is the same after it was kept', () => {
  const sample: DriftSample = {
    ...emptySample,
    ...{ rows: 2, smiles: ['C', null], scaffolds: ['', null], plates: ['A', null] },
    descriptors: { names: ['x'], values: Float64Array.of(1, NaN) },
    fingerprints: [Uint16Array.of(1, 5), new Uint16Array(0)],
    predicted: Float64Array.of(0.1, NaN),
    columns: [
      { ...{ name: 'v', present: true, rows: 2, missing: 0 }, ...{ unreadable: 1, examples: ['?'] } },
    ],
    served: [{ name: 'prediction', served: Float64Array.of(1, NaN), recomputed: Float64Array.of(1, 2) }],
  };
  expect(sampleFromJson(sampleToJson(sample))).toEqual(sample);
});

test('a webhook is https, or on this machine', async () => {
  const message = { kind: 'drift' as const, campaignId: 'c', action: planned('returned/1/tell', 'tell') };
  expect(await postDriftMessage('http://example.org/x', message, { secret: null })).toEqual({
    ...{ delivered: false, words: 'only https addresses are sent to' },
  });
});
