import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createChemistry, type Chemistry } from '../chemistry';
import { asTitrateError, parseWith, STEPS, TitrateError } from '../contracts';
import { createStepCache, type ObjectStore, type StepCache } from '../objects';
import { createMetrics, type Metrics } from '../observability';
import { observeChemistry, observeObjectStore, observeStepCache } from '../observability/instruments';
import { Lanes } from './concurrency';
import { readFrame } from './frames';
import { ndjsonLines } from './ndjson-lines';
import { openObjectStore } from './open-store';
import { createRecordReader } from './record-reader';
import { BATCHES_IN_FLIGHT, standardisePart } from './standardise-part';
import {
  inputsOf,
  standardiserRequestSchema,
  type StandardiserAnswer,
  type StandardiserRequest,
} from './standardiser-protocol';

/**
 * `node dist/src/processing/standardiser-process.js --store <uri> [--threads n] [--gcs-endpoint url]`
 *
 * Standardises parts of sources for a pipeline in another language: a request a line on standard input, an answer a line on
 * standard output (standardiser-protocol.ts), several at a time, until the input ends. Outputs are stored and recorded exactly
 * as by the inline processor. With TITRATE_METRICS_PUSH=cloud-monitoring, which the image of Dataflow's workers sets, it writes what it has
 * counted to Cloud Monitoring at its end; TITRATE_METRICS_ENDPOINT names another server.
 */

interface Ports {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  readonly chemistry: Chemistry;
  readonly lanes: Lanes;
}

async function standardise(
  { objects, steps, chemistry, lanes }: Ports,
  { id, job, part }: StandardiserRequest,
): Promise<StandardiserAnswer> {
  const found = { stepVersion: STEPS.standardisePart.version, rdkit: await chemistry.version() };
  if (job.stepVersion !== found.stepVersion || job.rdkit !== found.rdkit) {
    throw new TitrateError('config-invalid', {
      what:
        `the job was made for version ${job.stepVersion} of ${STEPS.standardisePart.name} on RDKit ${job.rdkit}, ` +
        `and this image has version ${found.stepVersion} on RDKit ${found.rdkit}`,
      where: 'standardiser process',
      remedy: 'Build the Dataflow template from the same release as the worker that launches it',
    });
  }
  const inputs = inputsOf(job);
  const reader = createRecordReader(readFrame(objects, part));
  try {
    const context = { inputs, objects, steps, chemistry, lanes };
    const outcome = await standardisePart(context, part.part, reader, () => undefined);
    return { id, ok: true, part: part.part, cached: outcome.cached, output: outcome.value };
  } finally {
    reader.close();
  }
}

async function answer(ports: Ports, line: string): Promise<StandardiserAnswer> {
  let id: string | number | null = null;
  try {
    const parsed = JSON.parse(line) as { id?: unknown };
    if (typeof parsed?.id === 'string' || typeof parsed?.id === 'number') id = parsed.id;
    return await standardise(ports, parseWith(standardiserRequestSchema, parsed, 'request', 'usage'));
  } catch (error) {
    const { code, retryable, message } =
      error instanceof SyntaxError
        ? new TitrateError('usage', { what: `the request is not JSON: ${error.message}` })
        : asTitrateError(error);
    return { id, ok: false, code, retryable, message };
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string' },
      threads: { type: 'string', default: '1' },
      'gcs-endpoint': { type: 'string' },
    },
  });
  if (values.store === undefined) throw new TitrateError('usage', { what: 'give --store' });
  const metrics = createMetrics();
  const store = await openObjectStore(values.store, {
    endpoint: values['gcs-endpoint'],
    cacheDirectory: path.join(os.tmpdir(), `titrate-standardiser-${process.pid}`),
  });
  const objects = observeObjectStore(store, metrics);
  const chemistry = observeChemistry(createChemistry({ threads: Number(values.threads) }), metrics);
  const steps = observeStepCache(createStepCache(objects), metrics);
  const ports = { objects, steps, chemistry, lanes: new Lanes(BATCHES_IN_FLIGHT) };

  // Nobody is left to read the answers: what was stored stays stored, and the parts are asked for again.
  process.stdout.on('error', () => process.exit(1));
  const underWay = new Set<Promise<void>>();
  for await (const line of ndjsonLines(process.stdin)) {
    if (line.trim() === '') continue;
    const work = answer(ports, line).then((reply) => {
      process.stdout.write(`${JSON.stringify(reply)}\n`);
      underWay.delete(work);
    });
    underWay.add(work);
  }
  await Promise.all(underWay);
  await chemistry.close();
  if (process.env.TITRATE_METRICS_PUSH === 'cloud-monitoring') await push(metrics);
}

/** Metrics that cannot be written are told of and lost: the parts are stored. */
async function push({ registry }: Metrics): Promise<void> {
  const { pushMetrics } = await import('../observability/cloud-monitoring');
  await pushMetrics(registry, {
    ...{ job: 'standardiser', location: 'global', task: randomUUID() },
    endpoint: process.env.TITRATE_METRICS_ENDPOINT,
    startedAt: Date.now() - Math.round(process.uptime() * 1000),
  }).catch((error: unknown) => {
    process.stderr.write(`the metrics of this process are lost: ${asTitrateError(error).message}\n`);
  });
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${asTitrateError(error).message}\n`);
    process.exitCode = 2;
  });
}
