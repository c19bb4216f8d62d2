/**
 * `npm run bench:scoring -- --labelled FILE --target-column C --data F ...`: what it costs to choose a batch from a large pool that lies in an object store, by
 * one process and shared out over several. The activities are the real ones; what Temporal does between them is left out. The pool is made of the
 * molecules of all files, repeated under new ids until there are `--size`, in shards of 512; the model is a Gaussian process on `--labels` labels. Each process
 * computes on one thread beside its own. Every batch has to be the same. `--workers 1,2` are the numbers of processes tried.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createAcquire, type AcquireRequest } from '../activities/gpu/acquire';
import { createScore, type ScoredGroup, type ScoreRequest } from '../activities/gpu/score';
import { jsonArtifacts } from '../activities/shared/artifacts';
import { withPulse } from '../activities/shared/heartbeat';
import type { TrainingPorts } from '../activities/shared/ports';
import { createChemistry, encodeFeatureMatrix } from '../src/chemistry';
import {
  campaignConfigSchema,
  MEDIA_TYPES,
  SHARD_ROWS,
  SHARDS_PER_TASK,
  type ArtifactRef,
  type Cut,
  type FeaturisedShard,
} from '../src/contracts';
import { hashOf, selectFeatureRows, sha256 } from '../src/foundation';
import { createLearning } from '../src/learning';
import { createFileObjectStore, type ObjectStore, type StepCache } from '../src/objects';
import { recordBenchmark, type BenchFigureInput } from '../src/platform/bench';
import { createLocalTraining } from '../src/training';
import { POOL_SPEC, readLabelledPool, type LabelledPool } from './pool-molecules';

const MICROSECONDS = 1e6;
/** Computes every time: what was found before is not to be found. */
const STEPS: StepCache = {
  run: async (_step, _key, compute) => ({ value: await compute(), cached: false, seconds: 0 }),
};
const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => {} };

function readOptions() {
  const { values } = parseArgs({
    options: {
      labelled: { type: 'string' },
      'target-column': { type: 'string', default: 'score' },
      minimise: { type: 'boolean', default: false },
      data: { type: 'string', multiple: true, default: [] },
      size: { type: 'string', default: '1000000' },
      labels: { type: 'string', default: '500' },
      molecules: { type: 'string', default: '10000' },
      batch: { type: 'string', default: '32' },
      strategy: { type: 'string', default: 'log-ei' },
      batching: { type: 'string', default: 'top' },
      workers: { type: 'string', default: '1,2' },
      'shards-per-task': { type: 'string', default: String(SHARDS_PER_TASK) },
      serve: { type: 'string' },
    },
  });
  const whole = (name: 'size' | 'labels' | 'molecules' | 'batch' | 'shards-per-task') => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number > 0) return number;
    throw new Error(`--${name} is '${values[name]}', expected a whole number above 0`);
  };
  return {
    ...values,
    workers: values.workers.split(',').map(Number),
    ...{ size: whole('size'), labels: whole('labels'), molecules: whole('molecules'), batch: whole('batch') },
    shardsPerTask: whole('shards-per-task'),
  };
}
type Options = ReturnType<typeof readOptions>;

function openPorts(home: string) {
  const learning = createLearning({ threads: 1, backend: 'auto' });
  const ports = {
    objects: createFileObjectStore(home),
    steps: STEPS,
    learning,
    training: createLocalTraining(STEPS),
  };
  return { ports: ports as unknown as TrainingPorts, close: () => learning.close() };
}

interface Answer {
  readonly value?: ScoredGroup;
  /** Of the whole process until now. */
  readonly cpu: number;
  readonly megabytes: number;
}

const cpuOf = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS;
};
const answerNow = (): Answer => ({ cpu: cpuOf(), megabytes: process.resourceUsage().maxRSS / 1024 });

/** A process that scores whatever group it is sent. */
function serve(home: string): void {
  const { ports, close } = openPorts(home);
  const { scoreCandidates } = createScore(ports);
  process.on('message', (request: ScoreRequest | 'end') => {
    if (request === 'end') return void close().then(() => process.exit(0));
    void withPulse(PULSE, () => scoreCandidates(request)).then(({ value }) =>
      process.send!({ ...answerNow(), value }),
    );
  });
  process.send!(answerNow());
}

const answerOf = (worker: ChildProcess) =>
  new Promise<Answer>((resolve, reject) => {
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
    worker.once('message', (answer) => {
      worker.removeAllListeners('exit');
      resolve(answer as Answer);
    });
  });

/** Writes the pool's shards and features, and the model. */
async function prepare(objects: ObjectStore, pool: LabelledPool, { size, labels }: Options) {
  const { labelled, targets, molecules } = pool;
  const artifacts = jsonArtifacts(objects);
  const shards: FeaturisedShard[] = [];
  for (let from = 0; from < size; from += SHARD_ROWS) {
    const count = Math.min(SHARD_ROWS, size - from);
    const picked = Array.from({ length: count }, (_, i) => (from + i) % molecules.rows);
    const moleculeIds = picked.map((_, i) => `mol_${sha256(`copy ${from + i}`).slice(0, 32)}`);
    const shard = await artifacts.putRows(moleculeIds.map((moleculeId) => ({ moleculeId, smiles: 'C' })));
    const matrix = { ...selectFeatureRows(molecules, picked), moleculeIds };
    const features = await objects.put(encodeFeatureMatrix(matrix), MEDIA_TYPES.features);
    shards.push({ shard, featurizer: POOL_SPEC, features, rows: count });
  }
  const measured = labelled.moleculeIds.map((_, i) => `mol_${sha256(`label ${i}`).slice(0, 32)}`);
  const known = { ...labelled, moleculeIds: measured };
  // The measured molecules lie outside the pool, in a shard of their own.
  const rows = measured.map((moleculeId, i) => ({
    ...{ moleculeId, smiles: 'C', inchiKey: '', value: targets[i]!, qualifier: '=', replicates: 1 },
  }));
  const extra = await artifacts.putRows(rows.map(({ moleculeId, smiles }) => ({ moleculeId, smiles })));
  const features = await objects.put(encodeFeatureMatrix(known), MEDIA_TYPES.features);
  const all = [...shards, { shard: extra, featurizer: POOL_SPEC, features, rows: labels }];
  const cut = {
    ...{
      cutId: 'bench',
      labels,
      best: { moleculeId: measured[0], smiles: 'C', value: Math.max(...targets) },
    },
    training: await artifacts.putRows(rows),
    excluded: await artifacts.putRows(measured.map((moleculeId) => ({ moleculeId }))),
    pending: await artifacts.putRows([]),
  } as unknown as Cut;
  return {
    ...{ cut, count: shards.length, known },
    pool: await artifacts.putJson(shards.map(({ shard }) => shard)),
    set: { featurizer: POOL_SPEC, shards: await artifacts.putJson(all), digest: hashOf(all) },
  };
}

async function timed<T>(work: () => Promise<T>) {
  const [started, before] = [performance.now(), cpuOf()];
  const value = await work();
  return { value, seconds: (performance.now() - started) / 1000, cpu: cpuOf() - before };
}

const line = (what: string, seconds: number, cpu: number, more = '') =>
  console.log(
    `${what.padEnd(44)} ${seconds.toFixed(1).padStart(7)} s ${cpu.toFixed(1).padStart(7)} CPU s  ${more}`,
  );

async function main(): Promise<void> {
  const options = readOptions();
  if (options.serve) return serve(options.serve);
  if (!options.labelled) throw new Error('--labelled FILE is missing: a table with SMILES first and values');
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-scoring-'));
  const { ports, close } = openPorts(home);
  const workers: ChildProcess[] = [];
  try {
    const chemistry = createChemistry({ threads: os.availableParallelism() });
    const read = await readLabelledPool(chemistry, {
      ...{ labelled: options.labelled, target: options['target-column'], sign: options.minimise ? -1 : 1 },
      ...{ files: options.data, labels: options.labels, most: options.molecules },
    }).finally(() => chemistry.close());
    const { cut, pool, set, count, known } = await prepare(ports.objects, read, options);
    const fitted = await ports.learning.fit({
      settings: { family: 'gaussian-process', noiseRatios: [0.001, 0.01, 0.1, 1] },
      labelled: {
        ...{
          features: known,
          targets: read.targets,
          qualifiers: Array.from(read.targets, () => '=' as const),
        },
        replicates: new Float64Array(options.labels).fill(1),
      },
      seed: 1,
    });
    const weights = await ports.objects.put(await fitted.serialise(), MEDIA_TYPES.model);
    fitted.dispose();
    const { objective, acquisition } = campaignConfigSchema.parse({
      objective: { property: 'p', direction: 'maximize' },
      pool: { dataset: 'pool' },
      acquisition: { strategy: options.strategy, batching: options.batching, batchSize: options.batch },
    });
    const request: AcquireRequest = {
      ...{ cut, pool, objective, acquisition, batchSize: options.batch, seed: 1, dataVersion: 'bench' },
      model: { family: 'gaussian-process', weights, calibrationScale: 1, features: set },
      evidence: { round: 2, roundsLeft: 3, heldOut: { rmse: 0.5, spearman: 0.7, coverage90: 0.9 } },
      runtime: {} as AcquireRequest['runtime'],
    };
    console.log(
      `${options.size} candidates in ${count} shards, ${options.labels} labels, ${options.strategy}, ${options.batching}\n`,
    );
    const { acquireBatch } = createAcquire(ports);
    const choose = (scored?: readonly ArtifactRef[]) =>
      timed(() => withPulse(PULSE, () => acquireBatch({ ...request, ...(scored && { scored }) })));
    const alone = await choose();
    line('one process chooses', alone.seconds, alone.cpu);
    const { picks } = alone.value.value;

    const { planScoring } = createScore(ports);
    const figures: BenchFigureInput[] = [];
    for (const number of options.workers) {
      workers.push(...Array.from({ length: number }, () => fork(__filename, ['--serve', home])));
      const before = await Promise.all(workers.map(answerOf));
      const started = performance.now();
      const plan = await timed(() => withPulse(PULSE, () => planScoring(request)));
      const ranges = Array.from({ length: Math.ceil(count / options.shardsPerTask) }, (_, i) => ({
        from: i * options.shardsPerTask,
        to: Math.min((i + 1) * options.shardsPerTask, count),
      }));
      const scored = new Array<ArtifactRef>(ranges.length);
      const last = [...before];
      let next = 0;
      await Promise.all(
        workers.map(async (worker, w) => {
          while (next < ranges.length) {
            const at = next++;
            worker.send({ ...request, lists: plan.value.lists, range: ranges[at] });
            last[w] = await answerOf(worker);
            scored[at] = last[w].value!.lists;
          }
        }),
      );
      const scoring = (performance.now() - started) / 1000;
      const cpu = last.reduce((sum, answer, w) => sum + answer.cpu - before[w]!.cpu, plan.cpu);
      const peak = Math.max(...last.map(({ megabytes }) => megabytes));
      line(`${number} score ${ranges.length} groups`, scoring, cpu, `peak of one ${peak.toFixed(0)} MB`);
      const chosen = await choose(scored);
      const same = chosen.value.value.picks.sha256 === picks.sha256;
      line(
        'one chooses from what they found',
        chosen.seconds,
        chosen.cpu,
        same ? 'the same batch' : 'ANOTHER BATCH',
      );
      line(`in all, ${number}`, scoring + chosen.seconds, cpu + chosen.cpu);
      figures.push({
        ...{ name: `shared out over ${number}`, value: cpu + chosen.cpu, unit: 'CPU s' },
        peer: { name: 'one process alone', value: alone.cpu },
      });
      if (!same) process.exitCode = 1;
      for (const worker of workers.splice(0)) worker.send('end');
    }
    recordBenchmark('scoring', figures);
  } finally {
    for (const worker of workers) worker.kill();
    await close();
    rmSync(home, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
