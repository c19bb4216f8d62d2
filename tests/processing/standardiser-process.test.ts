import { createChemistry, type Chemistry } from '../../src/chemistry';
import { STEPS } from '../../src/contracts';
import { createInlineProcessor } from '../../src/processing';
import { writeFrame } from '../../src/processing/frames';
import { createRecordReader } from '../../src/processing/record-reader';
import { partJobOf, type StandardiserRequest } from '../../src/processing/standardiser-protocol';
import { detectReading, readSource } from '../../src/sources';
import { startMonitoringServer } from '../observability/support/monitoring-server';
import { landText, readParts, smilesCsv, temporaryStore } from './support/processing';
import { runStandardiser } from './support/standardiser';

const PART_ROWS = 20;

describe('the standardiser process', () => {
  const store = temporaryStore();
  const inlineStore = temporaryStore();
  let chemistry: Chemistry;
  let requests: StandardiserRequest[];

  beforeAll(async () => {
    chemistry = createChemistry({ threads: 1 });
    const { landed, ...rules } = await landText(store.objects, smilesCsv(50));
    const open = () => store.objects.openRead(landed.raw);
    const reading = await detectReading(open, landed.source);
    const localPath = () => store.objects.localPath(landed.raw);
    const reader = createRecordReader(readSource({ raw: open, localPath, source: landed.source, reading }));
    const rdkit = await chemistry.version();
    const { raw, source } = landed;
    const inputs = { sourceSha256: raw.sha256, source, reading, ...rules, rdkit, partRows: PART_ROWS };
    const job = partJobOf(inputs, STEPS.standardisePart.version);
    requests = [];
    for (let part = 0; !(await reader.atEnd()); part++) {
      const frame = await writeFrame(store.objects, reader, PART_ROWS);
      requests.push({ id: `part-${part}`, job, part: { part, ...frame } });
    }
  });
  afterAll(async () => {
    await chemistry.close();
    store.remove();
    inlineStore.remove();
  });
  const run = (lines: readonly unknown[]) =>
    runStandardiser(
      `file:${store.directory}`,
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))),
    );

  test('answers each request once, and hurts nobody over a bad one', async () => {
    const wrongFrame = {
      ...requests[0]!.part,
      frame: { ...requests[0]!.part.frame, sha256: 'f'.repeat(64) },
    };
    const { answers, status } = await run([
      'no json',
      { ...requests[0]!, id: 'version', job: { ...requests[0]!.job, stepVersion: 999 } },
      { ...requests[0]!, id: 'rdkit', job: { ...requests[0]!.job, rdkit: '1999.01.1' } },
      { ...requests[0]!, id: 'no-frame', part: wrongFrame },
      { ...requests[0]!, id: 'unknown', more: 1 },
      requests[2],
    ]);
    expect(status).toBe(0);
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    expect([...byId.keys()].sort()).toEqual(
      [null, 'no-frame', 'part-2', 'rdkit', 'unknown', 'version'].sort(),
    );
    expect(byId.get(null)).toMatchObject({ ok: false, code: 'usage' });
    expect(byId.get('version')).toMatchObject({ ok: false, code: 'config-invalid', retryable: false });
    expect(byId.get('rdkit')).toMatchObject({ message: expect.stringContaining('1999.01.1') });
    expect(byId.get('no-frame')).toMatchObject({ code: 'artifact-missing', retryable: true });
    expect(byId.get('unknown')).toMatchObject({ code: 'usage' });
    expect(byId.get('part-2')).toMatchObject({
      ok: true,
      cached: false,
      output: { accepted: 8, quarantined: 2 },
    });
  });

  test('records what the inline processor records, under the same keys', async () => {
    const { answers } = await run(requests);
    expect(answers.map(({ id, ok }) => [id, ok]).sort()).toEqual(requests.map(({ id }) => [id, true]));
    expect(answers.find(({ id }) => id === 'part-2')).toMatchObject({ cached: true });

    const inline = async ({ objects, steps }: typeof store) => {
      const request = await landText(objects, smilesCsv(50));
      return createInlineProcessor({ objects, steps, chemistry, partRows: PART_ROWS }).standardise(request);
    };
    const alone = await inline(inlineStore);
    const { parts } = await readParts(inlineStore.objects, alone.value.parts);
    expect(answers.map((answer) => answer.ok && answer.output)).toEqual(expect.arrayContaining([...parts]));
    expect((await store.objects.listRecords('steps/standardise-part/')).sort()).toEqual(
      (await inlineStore.objects.listRecords('steps/standardise-part/')).sort(),
    );
    const records = await Promise.all(
      [store, inlineStore].map(async ({ objects }) => {
        const keys = await objects.listRecords('steps/standardise-part/');
        return Promise.all(keys.map(async (key) => (await objects.readRecord(key))!.toString()));
      }),
    );
    expect(records[0]).toEqual(records[1]);
  });

  test('writes what it has counted to Cloud Monitoring at its end, where it is asked to; a refusal costs a line', async () => {
    const monitoring = await startMonitoringServer('a-project');
    try {
      const ask = () =>
        runStandardiser(`file:${store.directory}`, [JSON.stringify(requests[0])], [], {
          TITRATE_METRICS_PUSH: 'cloud-monitoring',
          TITRATE_METRICS_ENDPOINT: monitoring.endpoint,
          GOOGLE_CLOUD_PROJECT: 'a-project',
        });
      const first = await ask();
      expect([first.status, first.log]).toEqual([0, '']);
      const { resource, metric } = monitoring.requests[0]!.timeSeries.find(({ metric: { type } }) =>
        type.endsWith('/cache_lookups_total'),
      )!;
      expect(resource.labels).toMatchObject({ job: 'standardiser', project_id: 'a-project' });
      expect(metric.labels).toMatchObject({ cache: 'steps', step: 'standardise-part' });
      monitoring.faults.push({ code: 'PERMISSION_DENIED', message: 'no' });
      const second = await ask();
      expect(second.status).toBe(0);
      expect(second.answers).toHaveLength(1);
      expect(second.log).toMatch(/^the metrics of this process are lost: .*PERMISSION_DENIED/);
    } finally {
      monitoring.stop();
    }
  });

  test('says what is wrong with its arguments, and nothing on standard output', async () => {
    const { answers, log, status } = await runStandardiser('ftp://somewhere', []);
    expect(answers).toEqual([]);
    expect(log).toContain("'ftp://somewhere' names no object store");
    expect(status).toBe(2);
  });
});
