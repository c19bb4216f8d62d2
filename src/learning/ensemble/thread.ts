/** Entry of a member thread: owns one TensorFlow.js backend, trains members and keeps loaded ones for prediction. */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { asTitrateError, TitrateError } from '../../contracts';
import { selectBackend } from '../backends/select';
import { networkKind } from './kinds';
import type { Encoding, EnsembleSettings } from './network-kind';
import type { JobKind, JobMessage, Jobs, ReplyMessage, ThreadData } from './protocol';
import { trainMember } from './train-member';

interface HeldModel {
  readonly settings: EnsembleSettings;
  readonly encoding: Encoding;
  /** Parameters by member. */
  readonly members: Map<number, tf.Tensor[]>;
}

const held = new Map<string, HeldModel>();
const { backend: wanted, startCell } = workerData as ThreadData;
const backend = selectBackend(wanted, startCell);
// Whoever asks first gets the reason; until then it is nobody's unhandled rejection.
backend.catch(() => undefined);

/** Seconds this thread has computed: its processor time where Node tells it (22 and later), else the wall clock. */
function computeClock(): number {
  const usage = (process as { threadCpuUsage?: () => { user: number; system: number } }).threadCpuUsage?.();
  return usage ? (usage.user + usage.system) / 1e6 : performance.now() / 1e3;
}

type Handler<K extends JobKind> = (
  request: Jobs[K]['request'],
  cancelled: () => boolean,
) => Promise<Jobs[K]['answer']> | Jobs[K]['answer'];

const handlers: { [K in JobKind]: Handler<K> } = {
  async report() {
    return { report: await backend, tensors: tf.memory().numTensors };
  },

  async train(request, cancelled) {
    const report = await backend;
    const start = computeClock();
    const trained = trainMember(request, cancelled);
    return { ...trained, report, seconds: computeClock() - start };
  },

  async hold({ model, settings, encoding, members }) {
    await backend;
    const entry = held.get(model) ?? { settings, encoding, members: new Map<number, tf.Tensor[]>() };
    held.set(model, entry);
    for (const { member, parameters, shapes } of members) {
      if (entry.members.has(member)) continue;
      entry.members.set(
        member,
        parameters.map((values, i) => tf.tensor(values, shapes[i])),
      );
    }
    return null;
  },

  predict({ model, members, features }, cancelled) {
    const entry = held.get(model);
    if (!entry || !members.every((member) => entry.members.has(member))) return null;
    if (cancelled()) throw new TitrateError('cancelled', { what: 'The prediction was cancelled' });
    const { settings, encoding } = entry;
    const encoded = networkKind(settings.family).encode(settings, features, encoding);
    const everyRow = Int32Array.from({ length: features.rows }, (_, row) => row);
    const outputs: Float32Array[] = [];
    tf.tidy(() => {
      const batch = encoded.batch(everyRow);
      for (const member of members)
        outputs.push(
          Float32Array.from(tf.tidy(() => batch.forward(entry.members.get(member)!).outputs).dataSync()),
        );
    });
    // Not given back by the tidy: it would look for tensors in every number.
    return outputs;
  },

  release({ model }) {
    for (const parameters of held.get(model)?.members.values() ?? []) tf.dispose(parameters);
    held.delete(model);
    return null;
  },
};

async function answer<K extends JobKind>({
  id,
  kind,
  request,
  cancel,
}: JobMessage<K>): Promise<ReplyMessage> {
  try {
    return { id, answer: await handlers[kind](request, () => Atomics.load(cancel, 0) === 1) };
  } catch (error) {
    const { code, parts } = asTitrateError(error);
    return { id, error: { code, parts } };
  }
}

const port = parentPort!;
port.on('message', (message: JobMessage) => {
  void answer(message).then((reply) => port.postMessage(reply));
});
