import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson } from '../../src/contracts';
import { hashOf } from '../../src/foundation';
import { createEngine } from '../../src/datasets';
import { allOf, by, newHome, rowsOfSource, sourceOf, told, type Home, type RowOf } from './support';

const engine = createEngine();
let home: Home;
beforeEach(() => {
  home = newHome(engine);
});
afterAll(() => engine.close());

const pool = { dataset: 'pool', onto: 'head' as const, ...by };
const full: RowOf = {
  n: 3,
  compoundId: 'it\'s ü, "quoted"',
  value: 0.1 + 0.2,
  unit: 'pIC50',
  qualifier: '<',
  reportedValue: 5e-324,
  reportedUnit: 'nM',
  conversion: 'nM -> pIC50: 9 - log10(x)',
  replicate: 2,
  assay: 'kinase\u2028A',
  batch: 'NUL \u0000 inside',
  measuredAt: '2026-11-24',
};

describe('a commit', () => {
  test('keeps rows as they were, in canonical order, and hashes just them, the schema, the rules and the parent', async () => {
    const source = await sourceOf(home.objects, [full, { n: 1 }, { n: 2, value: -0, line: 2 ** 40 }]);
    const { version, changed, duplicates } = await home.datasets.commit({ ...pool, sources: [source] });
    const rows = await allOf(home.datasets.rows(version));
    const expected = (await rowsOfSource(home.objects, source)).sort((a, b) =>
      a.moleculeId < b.moleculeId ? -1 : 1,
    );
    expect(rows).toEqual(expected);
    const digest = createHash('sha256');
    for (const row of expected) digest.update(`${canonicalJson(row)}\n`);
    const identity = {
      schema: 'titrate.dataset/2',
      ruleSet: 'standard-2',
      parent: null,
      rowsSha256: digest.digest('hex'),
    };
    expect(version).toMatchObject({ ...identity, id: `data_${hashOf(identity).slice(0, 32)}`, molecules: 3 });
    expect(version).toMatchObject({ acceptedRows: 3, duplicateRows: 0, measuredRows: 2, dataset: 'pool' });
    expect({ changed, duplicates }).toEqual({ changed: true, duplicates: 0 });
    expect(await home.datasets.version(version.id)).toEqual(version);
    expect(await home.datasets.resolve('pool')).toEqual(version);
  });

  test('versions that differ in their quarantine alone are two, so that nothing in it is lost', async () => {
    const bad = { line: 9, raw: 'x', reason: 'molecule-unparsable' as const, message: 'no' };
    const good = await sourceOf(home.objects, [{ n: 1 }]);
    const hopeless = await sourceOf(home.objects, [], { uri: 'hopeless.csv', quarantine: [bad] });
    const only = { ...pool, onto: 'nothing' as const };
    const alone = await home.datasets.commit({ ...only, sources: [good] });
    const both = await home.datasets.commit({ ...only, sources: [good, hopeless] });
    expect(both).toMatchObject({
      changed: true,
      version: { quarantinedRows: 1, rowsSha256: alone.version.rowsSha256 },
    });
    expect(both.version.id).not.toBe(alone.version.id);
    expect(await allOf(home.datasets.quarantine(both.version))).toMatchObject([{ line: 9 }]);
    expect((await home.datasets.commit({ ...only, sources: [hopeless, good] })).version.id).toBe(
      both.version.id,
    );
  });

  test('a row that is no Unicode does not stop the others', async () => {
    const source = await sourceOf(home.objects, [
      { n: 1, compoundId: 'half \ud83d pair' },
      { n: 2, assay: 'a\u2028b' },
    ]);
    const { version } = await home.datasets.commit({ ...pool, sources: [source] });
    const rows = await allOf(home.datasets.rows(version));
    expect(rows.map((row) => row.compoundId ?? row.assay).sort()).toEqual(['a\u2028b', 'half \ufffd pair']);
  });

  test('the same rows have the same id in any order, in any store, in any split into sources and parts', async () => {
    const rows = [1, 2, 3, 1, 2].map((n, i): RowOf => ({
      n,
      line: i + 2,
      value: i / 3,
      compoundId: `c${i}`,
    }));
    const raw = 'the same bytes';
    const { version } = await home.datasets.commit({
      ...pool,
      sources: [await sourceOf(home.objects, rows, { raw })],
    });
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(rows, { minLength: rows.length }),
        fc.nat(rows.length),
        fc.integer({ min: 1, max: 4 }),
        async (shuffled, cut, partRows) => {
          const other = newHome(engine);
          const halves = [shuffled.slice(0, cut), shuffled.slice(cut)].filter((half) => half.length);
          const sources = await Promise.all(
            halves.map((half, i) => sourceOf(other.objects, half, { raw, partRows, uri: `${i}.csv` })),
          );
          const again = await other.datasets.commit({ ...pool, dataset: 'other', sources });
          expect(again.version).toMatchObject({ id: version.id, rows: version.rows, shards: version.shards });
        },
      ),
      { numRuns: 6 },
    );
  });

  test('stands on the head: its rows stay, those of a source of the same name go', async () => {
    const { objects, datasets } = home;
    const a = await sourceOf(objects, [{ n: 1, value: 1 }, { n: 2 }], { uri: 'a.csv' });
    const b = await sourceOf(objects, [{ n: 2, value: 5 }, { n: 3 }], { uri: 'b.csv' });
    const first = await datasets.commit({ ...pool, sources: [a] });
    const second = await datasets.commit({ ...pool, sources: [b] });
    expect(second.version.parent).toBe(first.version.id);
    expect(told(await allOf(datasets.rows(second.version)))).toEqual(['1=1', '2', '2=5', '3']);
    expect(second).toMatchObject({
      changed: true,
      duplicates: 1,
      version: { duplicateRows: 1, acceptedRows: 4 },
    });

    const mended = await sourceOf(objects, [{ n: 1, value: 1.5 }], { uri: 'a.csv' });
    const third = await datasets.commit({ ...pool, sources: [mended] });
    expect(told(await allOf(datasets.rows(third.version)))).toEqual(['1=1.5', '2=5', '3']);
    expect(third.version.sources.map(({ name, sha256 }) => [name, sha256])).toEqual([
      ['b.csv', b.raw.sha256],
      ['a.csv', mended.raw.sha256],
    ]);
    // Earlier versions hold what they held.
    expect(told(await allOf(datasets.rows(first.version)))).toEqual(['1=1', '2']);

    const renamed = await sourceOf(objects, [{ n: 9 }], { uri: 'c.csv' });
    const fourth = await datasets.commit({ ...pool, sources: [renamed], replaces: ['b.csv'] });
    expect(told(await allOf(datasets.rows(fourth.version)))).toEqual(['1=1.5', '9']);
    // A repeat finds b.csv replaced already; a name there never was is a slip.
    expect(await datasets.commit({ ...pool, sources: [renamed], replaces: ['b.csv'] })).toMatchObject({ changed: false, duplicates: 0, version: { id: fourth.version.id } }); // prettier-ignore
    await expect(datasets.commit({ ...pool, sources: [renamed], replaces: ['B.csv'] })).rejects.toMatchObject(
      {
        code: 'not-found',
        message: expect.stringContaining("'B.csv'"),
      },
    );

    const alone = await datasets.commit({ ...pool, onto: 'nothing', sources: [a] });
    expect(alone.version).toMatchObject({ id: first.version.id, parent: null });
    expect((await datasets.resolve('pool')).id).toBe(first.version.id);
  });

  test('the same again changes nothing, under whatever path, and says so', async () => {
    const { objects, datasets } = home;
    const rows: RowOf[] = [{ n: 1, value: 1 }, { n: 1, value: 2 }, { n: 2 }];
    const a = await sourceOf(objects, rows, { raw: 'bytes', uri: 'a.csv' });
    const first = await datasets.commit({ ...pool, sources: [a, a] });
    expect(first).toMatchObject({
      changed: true,
      duplicates: 4,
      version: { acceptedRows: 3, duplicateRows: 1 },
    });
    for (const uri of ['a.csv', 'copy/of/a.csv']) {
      const again = await sourceOf(objects, rows, { raw: 'bytes', uri, partRows: 2 });
      const repeated = await datasets.commit({ ...pool, author: 'bob', sources: [again] });
      expect(repeated).toMatchObject({ changed: false, version: first.version });
      expect(repeated.duplicates).toBe(uri === 'a.csv' ? 1 : 3);
    }
    expect(await datasets.history('pool')).toHaveLength(1);
    // The same rows again after a roll-back move the head once more.
    const b = await sourceOf(objects, [{ n: 7 }], { uri: 'b.csv' });
    const second = await datasets.commit({ ...pool, sources: [b] });
    await datasets.rollback('pool', first.version.id, { ...by, operationId: 'back' });
    expect(await datasets.commit({ ...pool, sources: [b] })).toEqual(second);
    expect((await datasets.resolve('pool')).id).toBe(second.version.id);
  });

  test('two sources read from the same bytes by other columns are told apart', async () => {
    const { objects, datasets } = home;
    const wide = 'smiles,ic50,logd';
    const ic50 = await sourceOf(objects, [{ n: 1, value: 10, unit: 'nM' }], { raw: wide, name: 'ic50', quarantine: [{ line: 3, raw: 'x', reason: 'value-not-a-number', message: 'no number' }] }); // prettier-ignore
    const logd = await sourceOf(objects, [{ n: 1, value: 2, unit: 'log' }], { raw: wide, name: 'logd', quarantine: [{ line: 4, raw: 'y', reason: 'unit-unknown', message: 'no unit' }] }); // prettier-ignore
    await datasets.commit({ ...pool, sources: [ic50, logd] });
    const mended = await sourceOf(objects, [{ n: 1, value: 3, unit: 'log' }], { raw: 'new', name: 'logd' });
    const { version } = await datasets.commit({ ...pool, sources: [mended] });
    expect(told(await allOf(datasets.rows(version)))).toEqual(['1=10', '1=3']);
    expect(await allOf(datasets.quarantine(version))).toMatchObject([{ line: 3, source: 'ic50' }]);
  });

  test('sources whose rows are all in quarantine are on record beside those that brought some', async () => {
    const { objects, datasets } = home;
    const good = await sourceOf(objects, [{ n: 1 }], { uri: 'good.csv' });
    const bad = await sourceOf(objects, [], {
      uri: 'bad.csv',
      quarantine: [
        { line: 2, raw: 'C!', reason: 'molecule-unparsable', message: "cannot read 'C!'" },
        { line: 3, raw: '', reason: 'molecule-empty', message: 'nothing there' },
      ],
    });
    await datasets.commit({ ...pool, sources: [good] });
    await expect(datasets.commit({ ...pool, sources: [bad] })).rejects.toMatchObject({
      code: 'pool-empty',
      message: expect.stringMatching(
        /^bad\.csv: no row was accepted; 2 rows were quarantined, for instance bad\.csv, line 2: cannot read 'C!'/,
      ),
    });
    // Equal rows, but a file nobody had heard of: its quarantine is not dropped in silence.
    const { version, changed } = await datasets.commit({ ...pool, sources: [good, bad] });
    expect({ changed, quarantined: version.quarantinedRows }).toEqual({ changed: true, quarantined: 2 });
    const read = (filter?: object) => allOf(datasets.quarantine(version, filter));
    expect(await read()).toMatchObject([{ line: 2, raw: 'C!', source: 'bad.csv' }, { line: 3 }]);
    expect(await read({ reason: 'molecule-empty' })).toMatchObject([{ line: 3 }]);
    expect(await read({ source: 'good.csv' })).toEqual([]);
    await expect(read({ reason: 'molecule-emty' })).rejects.toMatchObject({ message: expect.stringContaining("Did you mean 'molecule-empty'?") }); // prettier-ignore
    // A file that heals takes its rows out of quarantine.
    const healed = await sourceOf(objects, [{ n: 4 }, { n: 5 }], { uri: 'bad.csv' });
    const after = await datasets.commit({ ...pool, sources: [healed] });
    expect(after.version).toMatchObject({ quarantinedRows: 0, acceptedRows: 3 });
    expect(await allOf(datasets.quarantine(after.version))).toEqual([]);
  });

  test('a molecule is one thing under one rule set', async () => {
    const { objects, datasets } = home;
    await datasets.commit({ ...pool, sources: [await sourceOf(objects, [{ n: 1 }])] });
    const stripped = await sourceOf(objects, [{ n: 2 }], { uri: 'b.csv', standardisation: { ruleSet: 'standard-2', isotopes: 'strip' } }); // prettier-ignore
    await expect(datasets.commit({ ...pool, sources: [stripped] })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/standard-2, the sources by standard-2\+isotopes-stripped/),
    });
    const { version } = await datasets.commit({ ...pool, onto: 'nothing', sources: [stripped] });
    expect(version.ruleSet).toBe('standard-2+isotopes-stripped');
  });

  test('two datasets of the same rows keep their own names of the sources', async () => {
    const { objects, datasets } = home;
    const rows: RowOf[] = [{ n: 1 }, { n: 2 }];
    const one = await datasets.commit({
      ...pool,
      sources: [await sourceOf(objects, rows, { raw: 'x', uri: 'a.csv' })],
    });
    const b = { ...pool, dataset: 'b', author: 'bob' };
    const two = await datasets.commit({
      ...b,
      sources: [await sourceOf(objects, rows, { raw: 'x', uri: 'b.csv' })],
    });
    expect(two.version).toMatchObject({
      id: one.version.id,
      dataset: 'b',
      author: 'bob',
      sources: [{ name: 'b.csv' }],
    });
    const next = await datasets.commit({
      ...b,
      sources: [await sourceOf(objects, [{ n: 3 }], { uri: 'b.csv' })],
    });
    expect(told(await allOf(datasets.rows(next.version)))).toEqual(['3']);
    expect((await datasets.list('b')).map(({ version }) => version.id)).toEqual([
      two.version.id,
      next.version.id,
    ]);
    expect((await datasets.list('pool')).map(({ version }) => version.sources[0]!.name)).toEqual(['a.csv']);
    expect(await datasets.names()).toEqual(['b', 'pool']);
  });

  test('wrong requests are refused before anything is written', async () => {
    const { objects, datasets } = home;
    const source = await sourceOf(objects, [{ n: 1 }]);
    for (const dataset of ['', 'a/b', 'a@b', `data_${'0'.repeat(32)}`, '.hidden', 'x'.repeat(101)])
      await expect(datasets.commit({ ...pool, dataset, sources: [source] })).rejects.toMatchObject({
        code: 'usage',
      });
    await expect(datasets.commit({ ...pool, sources: [] })).rejects.toMatchObject({ code: 'usage' });
    await expect(
      datasets.commit({ ...pool, onto: 'nothing', replaces: ['x'], sources: [source] }),
    ).rejects.toMatchObject({ code: 'usage' });
    await expect(
      datasets.commit({ ...pool, sources: [{ ...source, accepted: 2 }] }),
    ).rejects.toMatchObject({ code: 'artifact-corrupt', message: expect.stringContaining('2 rows were accepted, their parts hold 1') }); // prettier-ignore
    expect(await datasets.names()).toEqual([]);
  });

  test('raw bytes become permanent with the commit', async () => {
    const { objects, datasets } = home;
    const source = await sourceOf(objects, [{ n: 1 }]);
    const permanent = async () => {
      for await (const object of objects.listObjects()) if (object.sha256 === source.raw.sha256) return true;
      return false;
    };
    expect(await permanent()).toBe(false);
    await datasets.commit({ ...pool, sources: [source] });
    expect(await permanent()).toBe(true);
  });
});
