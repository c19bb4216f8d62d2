import { createFeaturizationActivities } from '../../activities/featurization';
import { createTrainingTasks, type AcquiredBatch, type AcquireRequest } from '../../activities/gpu';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import { withPulse } from '../../activities/shared/heartbeat';
import type { FeaturizationPorts, TrainingPorts } from '../../activities/shared/ports';
import { createChemistry, moleculeId, type Chemistry } from '../../src/chemistry';
import {
  campaignConfigSchema,
  constraintLists,
  MEDIA_TYPES,
  type CampaignConfig,
  type Cut,
  type Pick,
  type ResolvedList,
  type RuleInputs,
} from '../../src/contracts';
import { createPointerLog, createStepCache } from '../../src/objects';
import { createLocalTraining } from '../../src/training';
import { newHome } from '../datasets/support';
import { withChanges } from '../rollout/support/real-models';

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => {} };

/** Phenols, pyridines, acids and one aldehyde. */
const SMILES = [
  'Oc1ccccc1',
  'Oc1ccccc1C',
  'Oc1ccc(F)cc1',
  'c1ccncc1',
  'Cc1ccncc1',
  'CC(=O)O',
  'CCCC(=O)O',
  'O=Cc1ccccc1',
];
const ids = SMILES.map(moleculeId);
const idOf = (smiles: string) => ids[SMILES.indexOf(smiles)]!;

/** A pool of two shards in a real store, and files as they are landed. */
async function world(files: Record<string, string> = {}) {
  const { objects, datasets } = newHome();
  const steps = createStepCache(objects);
  const asked: number[] = [];
  const watched: Chemistry = withChanges(chemistry, {
    screen: (smiles, spec) => {
      asked.push(smiles.length);
      return chemistry.screen(smiles, spec);
    },
  });
  const ports = { objects, steps, pointers: createPointerLog(objects) };
  const featurization = createFeaturizationActivities({
    ...{ ...ports, chemistry: watched },
    // Nothing here is standardised in bulk.
    processor: {} as FeaturizationPorts['processor'],
  });
  const { acquireBatch } = createTrainingTasks({
    ...{ ...ports, training: createLocalTraining(steps) },
    // There is no model yet.
    learning: {} as TrainingPorts['learning'],
  });
  const { putRows, putJson, getRows } = jsonArtifacts(objects);
  const molecules = SMILES.map((smiles, i) => ({ moleculeId: ids[i]!, smiles, inchiKey: '' }));
  const pool = await putJson([await putRows(molecules.slice(0, 5)), await putRows(molecules.slice(5))]);
  const none = await putRows([]);

  const inputsOf = async (config: CampaignConfig): Promise<RuleInputs> => {
    const constraints = config.acquisition.constraints!;
    const { caps, standardisation } = config.pool;
    await featurization.checkConstraints({ constraints });
    const lists = constraintLists(constraints, config.pool.sources);
    if (typeof lists === 'string') throw new Error(lists);
    const inputs: Partial<Record<keyof RuleInputs, ResolvedList[]>> = {};
    for (const { role, where, from, strict } of lists) {
      const landed = async (uri: string) => ({
        landed: {
          source: 'source' in from ? from.source : { uri },
          raw: await objects.put(Buffer.from(files[uri]!), MEDIA_TYPES.raw),
        },
      });
      const given = 'source' in from ? await landed(from.source.uri) : from;
      const list = await featurization.resolveList({ from: given, where, strict, caps, standardisation });
      (inputs[role] ??= []).push(list);
    }
    const range = { shards: pool, from: 0, to: 64, constraints };
    const { properties, substructures, perScaffold, perCluster } = constraints;
    const screening = properties || substructures || perScaffold || perCluster;
    return { ...inputs, screening: screening ? [await featurization.screenShards(range)] : null };
  };

  const configOf = (constraints: object) =>
    campaignConfigSchema.parse({
      objective: { property: 'logS', direction: 'maximize' },
      pool: { sources: [{ uri: 'pool.csv' }] },
      acquisition: { batchSize: 4, constraints },
    });

  return {
    asked,
    pool,
    check: (constraints: object) =>
      withPulse(PULSE, async () => {
        const config = configOf(constraints);
        const inputs = await inputsOf(config);
        return featurization.checkRules({ constraints: config.acquisition.constraints!, inputs, pool });
      }),
    acquire: (constraints: object, { spent = 0, used = [] as string[] } = {}) =>
      withPulse(PULSE, async () => {
        const config = configOf(constraints);
        const excluded = await putRows(used.map((id) => ({ moleculeId: id })));
        const cut = {
          cutId: 'c',
          excluded,
          pending: none,
          training: none,
          labels: 0,
          best: null,
        } as unknown as Cut;
        const request: AcquireRequest = {
          ...{ cut, dataVersion: 'd', pool, objective: config.objective, acquisition: config.acquisition },
          ...{ batchSize: 4, seed: 1, model: null, runtime: {} as AcquireRequest['runtime'] },
          rules: { inputs: await inputsOf(config), spent },
        };
        const { value } = (await acquireBatch(request)) as { value: AcquiredBatch };
        return { ...value, picks: await getRows<Pick>(value.picks) };
      }),
    close: () => datasets.close(),
  };
}

type World = Awaited<ReturnType<typeof world>>;
const inWorld = (files: Record<string, string>, work: (w: World) => Promise<void>) => async () => {
  const opened = await world(files);
  try {
    await work(opened);
  } finally {
    await opened.close();
  }
};

test(
  'a batch by chance obeys lists, prices, stock and patterns, and tells plates and what binds',
  inWorld(
    {
      // Written in other ways than the pool writes them, one by its id.
      'prices.csv': `smiles,price\nc1ccc(cc1)O,30\nc1(O)ccccc1C,40\n${idOf('c1ccncc1')},5\nCc1ccncc1,n/a\nnonsense,3\n`,
      'stock.csv': `structure,mg\nOc1ccccc1,0\nOc1ccccc1,2.5\nc1ccncc1,10\nCc1ccncc1,10\nCC(O)=O,10\n`,
    },
    async ({ acquire }) => {
      const { picks, rules } = await acquire({
        substructures: { exclude: { 'carboxylic acid': '[CX3](=[OX1])[OX2H]' }, alerts: ['reactive'] },
        cost: {
          file: { uri: 'prices.csv', costColumn: 'price' },
          default: 50,
          perBatch: 36,
          currency: 'EUR',
        },
        stock: { file: { uri: 'stock.csv', moleculeColumn: 'structure', amountColumn: 'mg' }, least: 2 },
        include: { molecules: ['c1cccnc1'] },
        plates: { wells: 6, controls: ['A1'], order: 'rows' },
      });
      expect(picks.map(({ moleculeId: id, cost, plate, well }) => ({ id, cost, plate, well }))).toEqual([
        { id: idOf('c1ccncc1'), cost: 5, plate: 1, well: 'A02' },
        { id: idOf('Oc1ccccc1'), cost: 30, plate: 1, well: 'A03' },
      ]);
      expect(rules).toMatchObject({
        candidates: 8,
        admitted: 2,
        asked: 4,
        picked: 2,
        cost: { batch: 35, before: 0, perBatch: 36, unpriced: 0 },
        plates: { plates: 1, controls: 1, empty: 3 },
      });
      expect(rules!.byRule).toEqual([
        { rule: 'has no: carboxylic acid', takenOut: 2, alone: 0 },
        { rule: 'alert, reactive: aldehyde', takenOut: 1, alone: 0 },
        { rule: 'in stock, at least 2', takenOut: 4, alone: 0 },
        { rule: 'price known', takenOut: 1, alone: 1 },
        { rule: 'price within what a batch may cost (36)', takenOut: 5, alone: 0 },
      ]);
      expect(rules!.notes).toEqual([
        expect.stringMatching(/^1 of 5 rows with prices could not be read \(line 6: /),
        '1 molecules have a price that is no number: none of them has one',
      ]);
    },
  ),
);

test(
  'other bounds are judged by what was found before; another pattern is looked for',
  inWorld({}, async ({ acquire, asked }) => {
    const mass = (to: number) => ({ properties: { molecularWeight: { to } } });
    const light = await acquire(mass(95));
    expect(light.picks.map(({ smiles }) => smiles).sort()).toEqual(
      ['CC(=O)O', 'CCCC(=O)O', 'Cc1ccncc1', 'Oc1ccccc1', 'c1ccncc1']
        .sort()
        .filter((s) => light.picks.some((p) => p.smiles === s)),
    );
    expect(light.rules).toMatchObject({ admitted: 5, picked: 4, binding: null });
    await acquire(mass(80));
    expect(asked).toEqual([5, 3]);
    await acquire({ substructures: { any: { nitrogen: '[#7]' } } });
    expect(asked).toEqual([5, 3, 5, 3]);
  }),
);

test(
  'nothing left to pick: used up and spent are told, impossible rules are an error',
  inWorld({}, async ({ acquire, check }) => {
    const nitrogen = { substructures: { any: { nitrogen: '[#7]' } } };
    const used = [idOf('c1ccncc1'), idOf('Cc1ccncc1')];
    expect(await acquire(nitrogen, { used })).toMatchObject({ size: 0, nothing: 'pool-exhausted' });
    const money = { cost: { default: 10, total: 25 } };
    expect(await acquire(money, { spent: 20 })).toMatchObject({ size: 0, nothing: 'budget' });
    expect(await check(nitrogen)).toEqual({ words: '2 of 8 molecules keep the rules of a batch' });
    const gold = { substructures: { all: { gold: '[Au]' } } };
    for (const work of [check, acquire]) {
      await expect(work(gold)).rejects.toMatchObject({
        code: 'batch-infeasible',
        message: expect.stringMatching(/taken out by: has: gold \(8\).*Loosen 'has: gold' first/) as string,
      });
    }
  }),
);

test(
  'what is wrong is named with its place',
  inWorld({ 'taboo.smi': 'CCO ethanol\nC(C bad\n' }, async ({ check }) => {
    await expect(
      check({ substructures: { exclude: { odd: 'C((' }, all: { fine: 'C' } } }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(
        /^acquisition\.constraints\.substructures\.exclude\.odd: 'C\(\(' is no SMARTS: .*syntax error/,
      ) as string,
    });
    await expect(check({ exclude: { file: { uri: 'taboo.smi' } } })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(
        /^acquisition\.constraints\.exclude\.file \(taboo\.smi\): 1 of 2 entries are no molecules: line 2: /,
      ) as string,
    });
    await expect(check({ include: { molecules: ['CCO', 'CCCCO'] } })).rejects.toThrow(/are not in the pool/);
    await expect(check({ plates: { wells: 6, controls: 6 } })).rejects.toThrow(/leave no well of 6/);
  }),
);

test('a column of sources needs sources', () => {
  const parsed = campaignConfigSchema.parse({
    objective: { property: 'logS', direction: 'maximize' },
    pool: { dataset: 'esol' },
    acquisition: { constraints: { cost: { column: 'price' } } },
  });
  expect(constraintLists(parsed.acquisition.constraints!, parsed.pool.sources)).toBe(
    "acquisition.constraints.cost.column: 'price' is a column of the pool's sources, and the pool is a dataset. Give acquisition.constraints.cost.file instead",
  );
});
