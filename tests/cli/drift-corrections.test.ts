import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { CorrectionsOfDoubt } from '../../src/cli/drift/corrections';
import { readResultsFile } from '../../src/cli/lab/results-file';
import {
  campaignConfigSchema,
  MEDIA_TYPES,
  type ControlsFound,
  type KeptLook,
  type PlannedAction,
  type RoundRecord,
} from '../../src/contracts';
import { emptySample, sampleToJson } from '../../src/drift';
import { encodeNdjson } from '../../src/foundation';
import { createFileObjectStore, createNumberedLog } from '../../src/objects';
import { createCampaignLog, createDriftLog, type DriftLog } from '../../src/tracking';
import type { ResultsChunk } from '../../src/warehouse';
import { titrate, workplace } from './support';

const place = workplace();
afterAll(() => rmSync(place, { recursive: true, force: true }));

const ID = 'returned/2/control-plate';
const BATCH = 'c/batch/2';
const picks = [1, 2, 3, 4].map((n) => ({
  moleculeId: `mol_${String(n).padStart(32, '0')}`,
  smiles: 'C'.repeat(n),
}));
const figures = { rows: 4, measures: [], gain: null };
const planned: PlannedAction = {
  ...{ id: ID, at: '2026-11-28T10:00:00Z', action: 'control-plate', cause: 'plate-offset', subject: 'P2' },
  ...{ rung: 0, before: figures, approval: 'automatic', sentence: 'Plate P2 is off.' },
  evidence: {
    ...{ look: 'returned/2', verdict: 'act' },
    findings: [{ name: 'plates', effectSize: 3, p: 1e-9, rows: 4, sentence: 'Plate P2 is off.' }],
  },
};
const found: ControlsFound = {
  ...{ controls: 8, decision: 'correct', offset: 2, standardError: 0 },
  sentence: '8 controls: values are 2 too high, standard error 0; they are corrected by it.',
};

let log: DriftLog;
beforeAll(async () => {
  const objects = createFileObjectStore(path.join(place, 'home', 'objects'));
  const config = campaignConfigSchema.parse({
    objective: { property: 'logS', direction: 'maximize' },
    pool: { sources: [{ uri: 'pool.csv' }] },
  });
  const campaigns = createCampaignLog(objects);
  await campaigns.open({ campaignId: 'c', config, dataVersion: 'data_1', poolSize: 4 });
  const sheet = await objects.put(
    Buffer.from(JSON.stringify({ batchId: BATCH, round: 2, picks })),
    MEDIA_TYPES.json,
  );
  for (const round of [1, 2])
    await campaigns.recordRound('c', {
      ...{ summary: { round }, cut: null, exploration: null, evaluation: null, model: null, timings: [] },
      sheet: round === 2 ? sheet : null,
    } as unknown as RoundRecord);
  const results = picks.map(({ moleculeId, smiles }, i) => ({
    ...{ resultId: `r${i + 1}`, moleculeId, standardSmiles: smiles, outcome: 'measured', qualifier: '=' },
    ...{ value: i + 3, plate: i < 2 ? 'P1' : 'P2', well: 'A1' },
  }));
  // The laboratory has corrected one of them since.
  const since = { ...results[3]!, resultId: 'r4b', replaces: 'r4', value: 4 };
  const chunks = createNumberedLog<ResultsChunk>(objects, 'campaigns/c/results');
  for (const rows of [results, [since]]) {
    const chunk = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
    await chunks.append(() => ({ chunk, rows: rows.length }));
  }
  const sample = await objects.put(
    Buffer.from(
      sampleToJson({
        ...emptySample,
        ...{ rows: 4, smiles: picks.map(({ smiles }) => smiles), plates: ['P1', 'P1', 'P2', 'P2'] },
        observed: Float64Array.of(3, 4, 5, 6),
      }),
    ),
    MEDIA_TYPES.json,
  );
  const kept: KeptLook = {
    record: {
      ...{ id: 'returned/2', at: planned.at, stream: 'returned', figures },
      look: { verdict: 'act', findings: [], diagnosis: null },
    },
    ...{ occasion: 'batch', model: 'c/v1', place: { round: 2 }, sample, planned: [planned] },
  };
  log = createDriftLog(objects);
  await log.keepLook('c', kept, 0);
});

test('until the controls are back there is nothing to correct, and it says so', () => {
  expect(titrate(place, 'drift', 'corrections', 'c')).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringContaining('no controls say that values are off') },
  });
  expect(titrate(place, 'drift', 'corrections', 'c', ID).stderr).toContain('its controls have not come back');
  expect(titrate(place, 'drift', 'corrections', 'c', 'returned/9/tell').stderr).toContain(
    "no action 'returned/9/tell' was planned",
  );
  expect(titrate(place, 'drift', 'corrections', 'nobody').stderr).toContain("there is no campaign 'nobody'");
});

test('writes what would put a plate right as a table of results, and says what it passes over', async () => {
  await log.change('c', ID, (kept) => ({
    ...kept,
    ...{ found, record: { ...kept.record, state: 'done', doneAt: '2026-11-28T11:00:00Z' } },
  }));
  expect(titrate(place, 'drift', 'status', 'c').stdout).toContain('titrate drift corrections c ID');
  const { code, stdout, stderr } = titrate(place, 'drift', 'corrections', 'c', '--output', 'off.csv');
  expect(code).toBe(0);
  expect(stdout).toMatch(/in doubt +P2/);
  expect(stdout).toMatch(/r3 +mol_0+3 +3\b/);
  expect(stdout).toMatch(/r4b +corrected by the laboratory since: it replaces r4/);
  expect(stderr).toContain('nothing was posted: titrate results submit c off.csv');
  const file = path.join(place, 'off.csv');
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  const { rows, ignoredColumns, derivedIds } = readResultsFile(file);
  expect([ignoredColumns, derivedIds]).toEqual([[], 0]);
  const { corrections } = JSON.parse(
    titrate(place, 'drift', 'corrections', 'c', ID, '--json').stdout,
  ) as CorrectionsOfDoubt;
  expect(rows.map(({ result }) => result)).toEqual(corrections);
  expect(corrections).toMatchObject([{ replaces: 'r3', value: 3, plate: 'P2', well: 'A1' }]);
});

test('controls of neither a plate nor a laboratory are no reason to correct anything', async () => {
  const shift: PlannedAction = {
    ...{ ...planned, id: 'returned/3/control-plate', cause: 'assay-shift', subject: null },
    evidence: { ...planned.evidence, look: 'returned/3' },
  };
  const [first] = await log.looks('c');
  const look = { ...first!, record: { ...first!.record, id: 'returned/3' }, planned: [shift] };
  await log.keepLook('c', look, 1);
  expect(titrate(place, 'drift', 'corrections', 'c', shift.id)).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('puts neither a plate nor a laboratory in doubt') },
  });
});
