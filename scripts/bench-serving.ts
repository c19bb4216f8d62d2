/**
 * `npm run bench:serving -- --models FOLDER --molecules FILE --python FILE`: the inference server on one core, the load on another, and
 * on the same cores the same service in FastAPI with RDKit and ONNX Runtime. Single molecules, nothing cached, for a model on
 * descriptors and one on fingerprints: the floor, saturation, latency at half of it, what share of the bare featurizer and model that is,
 * and with the faster model a surge to ten times saturation. Models that FOLDER lacks are trained first, from `--data FILE
 * --target-column NAME`. See docs/serving.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { recordBenchmark } from '../src/platform/bench';
import { bareRate, startPeer, startTitrate, stop, valuesOf } from './peers/serving/contestants';
import {
  measureSpeed,
  measureSurge,
  type Setting,
  type Speed,
  type SurgeReport,
} from './peers/serving/measure';
import { benchModels } from './peers/serving/models';
import { tableOf, type ModelFigures } from './peers/serving/table';

const { values } = parseArgs({
  options: {
    /** Holds, or will hold, the models and their ONNX files. */
    models: { type: 'string' },
    /** Measured values to train them on. */
    data: { type: 'string' },
    'target-column': { type: 'string' },
    /** SMILES, one a line, each another molecule; 50,000 or more, so that none comes twice. */
    molecules: { type: 'string' },
    /** Python with the packages of scripts/peers/serving/requirements.txt. Left out: no peer. */
    python: { type: 'string' },
    /** Of each measurement but the surge. */
    seconds: { type: 'string', default: '15' },
    'warm-seconds': { type: 'string', default: '12' },
    'surge-seconds': { type: 'string', default: '60' },
    /** Cores of the servers and of the load. */
    core: { type: 'string', default: '0' },
    'load-core': { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});

/** Molecules that both services are asked for, to see that they do the same. */
const COMPARED = 200;
/** Fingerprints cost least, so their surge is the greatest. */
const SURGED = 'fingerprints';

const say = (line: string) => process.stderr.write(`${line}\n`);

/** Largest and median difference of two services' values where both have one. */
function agreement(ours: readonly (number | null)[], theirs: readonly (number | null)[]) {
  const apart = ours
    .flatMap((value, i) => (value === null || theirs[i] == null ? [] : [Math.abs(value - theirs[i])]))
    .sort((a, b) => a - b);
  return { compared: apart.length, median: apart[apart.length >> 1] ?? NaN, most: apart.at(-1) ?? NaN };
}

async function main(): Promise<void> {
  const { models: folder, molecules, python, data, 'target-column': targetColumn } = values;
  if (!folder || !molecules) throw new Error('--models FOLDER and --molecules FILE are needed');
  const training = data && targetColumn ? { file: data, targetColumn } : null;
  const models = await benchModels(folder, training);
  const cores = { server: values.core, load: values['load-core'] };
  const setting: Setting = {
    ...{ cores, molecules },
    seconds: Number(values.seconds),
    warmSeconds: Number(values['warm-seconds']),
  };
  const compared = readFileSync(molecules, 'utf8').split('\n', COMPARED);

  const figures: ModelFigures[] = [];
  let surge: SurgeReport | null = null;
  for (const model of models) {
    say(`${model.name}: bare featurizer and model`);
    const bare = bareRate(model, molecules, setting.seconds, cores);
    say(`${model.name}: titrate`);
    const ours = await startTitrate(model, cores);
    const titrate = await measureSpeed(ours, setting);
    const oursSay = await valuesOf(ours, compared);
    if (model.name === SURGED) {
      say(`${model.name}: surge`);
      surge = await measureSurge(ours, setting, titrate, Number(values['surge-seconds']));
    }
    await stop(ours);
    let peer: (Speed & { readonly agreement: ReturnType<typeof agreement> }) | null = null;
    if (python) {
      say(`${model.name}: FastAPI`);
      const theirs = await startPeer(python, model, cores);
      const speed = await measureSpeed(theirs, setting);
      peer = { ...speed, agreement: agreement(oursSay, await valuesOf(theirs, compared)) };
      await stop(theirs);
    }
    figures.push({ model: model.name, bare, titrate, peer });
  }
  const [{ model: cpu = '' } = {}] = os.cpus();
  const report = { machine: { cpu, node: process.version, ...cores }, models: figures, surge };
  const json = `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 2)}\n`;
  process.stdout.write(`${tableOf(figures, surge)}\n${json}`);
  recordBenchmark(
    'serving',
    figures.flatMap(({ model, bare, titrate, peer }) => [
      {
        ...{
          name: `${model}: saturation`,
          value: titrate.saturation,
          unit: 'a second',
          better: 'higher' as const,
        },
        peer: { name: 'the bare featurizer and model', value: bare },
      },
      {
        ...{ name: `${model}: CPU of a request`, value: titrate.cpuMsPerRequest, unit: 'ms' },
        peer: peer && { name: 'FastAPI', value: peer.cpuMsPerRequest },
      },
    ]),
  );
  if (values.output) writeFileSync(values.output, json);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
