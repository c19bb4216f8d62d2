import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../src/foundation';
import { selectBackend } from '../../src/learning/backends/select';
import type { BackendName } from '../../src/learning/backends';
import { encodeGraphs, learnEncoding } from '../../src/learning/message-passing/encoding';
import { moleculeBatch } from '../../src/learning/message-passing/network';
import { initialParameters, parameterShapes } from '../../src/learning/message-passing/shape';
import { graphMatrix, randomGraph } from './random-graphs';

/** Outputs, then gradients by every parameter, of one fixed batch and network on a backend. */
export async function passOn(backend: BackendName): Promise<number[][]> {
  await selectBackend(backend);
  const random = createRandom(21);
  const features = graphMatrix(Array.from({ length: 12 }, (_, i) => randomGraph(1 + i, random)));
  const encoded = encodeGraphs(features, learnEncoding(features));
  const shape = { messageSize: 10, depth: 3, hidden: [6], descriptors: 0 };
  const layer = { outputs: 2, startsAtZero: () => false };
  const shapes = parameterShapes(shape, layer.outputs);
  const rows = Array.from({ length: features.rows }, (_, row) => row);
  return tf.tidy(() => {
    const parameters = initialParameters(shape, layer, createRandom(1)).map((values, i) =>
      tf.tensor(values, shapes[i]),
    );
    const { outputs, backward } = moleculeBatch(encoded, rows, shape.depth).forward(parameters);
    return [outputs, ...backward(tf.ones([rows.length, 2]))].map((tensor) => [...tensor.dataSync()]);
  });
}

/** `node dist/tests/support/message-passing-pass.js BACKEND`, with NODE_PATH to a native TensorFlow: prints the pass as JSON. */
if (require.main === module)
  void passOn(process.argv[2] as BackendName).then((pass) =>
    process.stdout.write(`${JSON.stringify(pass)}\n`),
  );
