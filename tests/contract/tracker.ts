import { MEDIA_TYPES, type TrackedArtifact, type TrackedRun } from '../../src/contracts';
import { sha256 } from '../../src/foundation';
import type { ObjectStore } from '../../src/objects';
import type { ExperimentTracker } from '../../src/tracking';

export interface TrackerUnderTest {
  readonly tracker: ExperimentTracker;
  readonly objects: ObjectStore;
  close(): Promise<void>;
}

const run = (changes: Partial<TrackedRun> = {}): TrackedRun => ({
  runId: 'round-1-training',
  name: 'round 1: gaussian-process µ',
  group: 'solubility-42/round/1',
  jobType: 'training',
  tags: ['solubility-42'],
  notes: 'chosen by exploration',
  config: { family: 'gaussian-process', noiseRatios: [0.01, 0.1], unit: null, nested: { seed: 1 } },
  history: [
    { step: 0, values: { 'metrics/rmse': 0.1 + 0.2, labels: 30 } },
    { step: 1, values: { 'metrics/rmse': 1e-17, labels: 60 } },
  ],
  summary: { 'metrics/rmse': 0.25, chosen: true, family: 'gaussian-process' },
  tables: [
    {
      name: 'held-out',
      columns: ['smiles', 'observed', 'predicted'],
      rows: [
        ['CCO', -0.5, -0.25],
        ['C#N', null, 1],
      ],
      plot: { kind: 'scatter', x: 'observed', y: 'predicted', title: 'Held-out' },
    },
    { name: 'plain', columns: ['a'], rows: [[true]] },
  ],
  uses: [],
  ...changes,
});

/** What every adapter of ExperimentTracker must do. `open` gives an empty project. */
export function describeTracker(name: string, open: () => Promise<TrackerUnderTest>): void {
  describe(`experiment tracker: ${name}`, () => {
    let under: TrackerUnderTest;
    const { signal } = new AbortController();
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    const artifact = async (version: string, content: string): Promise<TrackedArtifact> => ({
      collection: 'solubility-42-model',
      version,
      type: 'model',
      description: content,
      metadata: { labels: content.length, metrics: { rmse: 0.5 } },
      runId: 'round-1-training',
      files: [
        { name: 'weights.bin', content: await under.objects.put(Buffer.from(content), MEDIA_TYPES.model) },
        { name: 'empty/file.json', content: await under.objects.put(Buffer.from(''), MEDIA_TYPES.json) },
      ],
    });

    test('a run comes back as it was put, however often it was put', async () => {
      const { tracker } = under;
      const other = run({ runId: 'trial', jobType: 'trial', tables: [], summary: { failed: true } });
      expect(await tracker.run(other.runId, signal)).toBeNull();
      await tracker.putRuns([run(), other], signal);
      await tracker.putRuns([run()], signal);
      const there = (await tracker.run('round-1-training', signal))!;
      expect(there).toMatchObject({ ...run(), tables: run().tables.map(({ plot: _, ...table }) => table) });
      expect(there.history).toEqual(run().history);
      expect(await tracker.run('trial', signal)).toMatchObject(other);
    });

    test('a history grows', async () => {
      const { tracker } = under;
      const short = run({ tables: [], history: [{ step: 0, values: { labels: 30 } }] });
      await tracker.putRuns([short], signal);
      const long = {
        ...short,
        history: [...short.history, { step: 1, values: { labels: 60 } }],
        summary: { labels: 60 },
      };
      await tracker.putRuns([long], signal);
      expect(await tracker.run(short.runId, signal)).toMatchObject(long);
    });

    test('a version holds its files, and stays as it is', async () => {
      const { tracker } = under;
      await tracker.putRuns([run()], signal);
      const one = await artifact('version-1', 'first weights');
      expect(await tracker.artifact(one, signal)).toBeNull();
      await tracker.putArtifact(one, signal);
      await tracker.putArtifact(one, signal);
      const there = (await tracker.artifact(one, signal))!;
      expect(there).toMatchObject({
        collection: one.collection,
        version: 'version-1',
        type: 'model',
        metadata: one.metadata,
      });
      expect([...there.files].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        { name: 'empty/file.json', sha256: sha256(''), bytes: 0 },
        { name: 'weights.bin', sha256: sha256('first weights'), bytes: 13 },
      ]);
      const uses = [{ collection: one.collection, version: one.version }];
      await tracker.putRuns([run({ uses })], signal);
      await tracker.putRuns([run({ uses })], signal);
      expect((await tracker.run('round-1-training', signal))!.uses).toEqual(uses);
    });

    test('an alias goes back as well as forth', async () => {
      const { tracker } = under;
      await tracker.putRuns([run()], signal);
      const [one, two] = [await artifact('version-1', 'one'), await artifact('version-2', 'two')];
      expect(await tracker.aliased(one.collection, 'production', signal)).toBeNull();
      await expect(tracker.moveAlias(one, 'production', signal)).rejects.toMatchObject({ code: 'not-found' });
      await tracker.putArtifact(one, signal);
      await tracker.putArtifact(two, signal);
      for (const version of [one, two, two, one]) {
        await tracker.moveAlias(version, 'production', signal);
        expect(await tracker.aliased(one.collection, 'production', signal)).toBe(version.version);
      }
    });
  });
}
