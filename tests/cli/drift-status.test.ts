import { rmSync } from 'node:fs';
import path from 'node:path';
import type { DriftStatus } from '../../src/cli/verbs/drift-of-campaign';
import { campaignConfigSchema, type KeptLook, type PlannedAction } from '../../src/contracts';
import { createFileObjectStore } from '../../src/objects';
import type { ReportContext } from '../../src/reporting/context';
import { driftSection } from '../../src/reporting/sections/drift';
import { createCampaignLog, createDriftLog, type DriftLog } from '../../src/tracking';
import { titrate, workplace } from './support';

const place = workplace();
let log: DriftLog;

const figures = { rows: 32, measures: [], gain: null };
const planned: PlannedAction = {
  ...{ id: 'returned/2/retrain', at: '2026-11-28T10:00:00Z', action: 'retrain', cause: 'noise-up' },
  ...{ subject: null, rung: 0, before: figures, approval: 'manual', sentence: 'Train the model anew.' },
  evidence: {
    ...{ look: 'returned/2', verdict: 'act' },
    findings: [{ name: 'noise', effectSize: 2, p: 1e-9, rows: 32, sentence: 'Twice the scatter.' }],
  },
};
const kept: KeptLook = {
  record: {
    ...{ id: 'returned/2', at: planned.at, stream: 'returned', figures },
    look: {
      ...{ verdict: 'act', findings: [] },
      diagnosis: { cause: 'noise-up', also: [], subject: null, sentence: 'Values <scatter> more.' },
    },
  },
  ...{ occasion: 'batch', model: 'c/v1', place: { round: 2 }, sample: { sha256: 'x' }, planned: [planned] },
};

beforeAll(async () => {
  const objects = createFileObjectStore(path.join(place, 'home', 'objects'));
  const config = campaignConfigSchema.parse({
    objective: { property: 'logS', direction: 'maximize' },
    pool: { sources: [{ uri: 'pool.csv' }] },
  });
  await createCampaignLog(objects).open({ campaignId: 'c', config, dataVersion: 'data_1', poolSize: 1 });
  log = createDriftLog(objects);
  await log.keepLook('c', kept, 0);
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

test('says what was seen, what waits for somebody, and what became of it', async () => {
  const waiting = titrate(place, 'drift', 'status', 'c');
  expect(waiting.code).toBe(0);
  expect(waiting.stdout).toMatch(
    /2026-11-28 10:00 +returned\/2 +c\/v1 +32 +act +noise-up: Values <scatter> more\./,
  );
  expect(waiting.stdout).toContain('1 wait for somebody: titrate drift approve c ID, or dismiss');
  await log.change('c', planned.id, (action) => ({
    ...{ ...action, note: 'learnt anew', model: 'c/v2', approved: true },
    record: { ...action.record, state: 'done', doneAt: '2026-11-28T11:00:00Z', effect: 'helped' },
  }));
  const { stdout } = titrate(place, 'drift', 'status', 'c', '--json');
  const status = JSON.parse(stdout) as DriftStatus;
  expect(status.looks).toMatchObject([{ id: 'returned/2', verdict: 'act', cause: 'noise-up', rows: 32 }]);
  expect(status.actions).toMatchObject([
    { id: planned.id, state: 'done', effect: 'helped', model: 'c/v2', note: 'learnt anew' },
  ]);
});

test('files need all three options, and a campaign has to be there', () => {
  expect(titrate(place, 'drift', '--window', '20')).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining("'titrate drift status CAMPAIGN'") },
  });
  expect(titrate(place, 'drift', 'status', 'nobody')).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining("there is no campaign 'nobody'") },
  });
});

test('the report has it, and nothing where nobody looked', async () => {
  const page = driftSection({ drift: await log.read('c') } as ReportContext)!.text;
  expect(page).toContain('1 look; 1 saw a change.');
  expect(page).toContain('noise-up: Values &lt;scatter&gt; more.');
  expect(page).toContain('helped');
  expect(driftSection({ drift: { looks: [], actions: [] } } as unknown as ReportContext)).toBeNull();
});
