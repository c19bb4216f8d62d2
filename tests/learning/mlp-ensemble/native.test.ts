import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compiledEntry, packageRoot } from '../../../src/foundation';

/** Where a native TensorFlow is: the checkout's own, or the one that TITRATE_TFJS_NODE_BUILD made for the tests. */
const modules = [
  path.join(packageRoot, 'node_modules'),
  path.join(packageRoot, '.titrate/native/node_modules'),
].find((folder) => existsSync(path.join(folder, '@tensorflow/tfjs-node/lib')));
const why =
  Number(process.versions.node.split('.')[0]) >= 24
    ? 'it does not run on Node 24 and up'
    : modules
      ? null
      : 'there is none';
const required = process.env.TITRATE_SKIP_NOTHING && process.env.TITRATE_TFJS_NODE_BUILD;
const describeWithNative = why === null || required ? describe : describe.skip;
if (describeWithNative === describe.skip)
  process.stderr.write(`skipped: ensembles on native TensorFlow: ${why}\n`);

describeWithNative('ensembles on native TensorFlow', () => {
  test('learn, load to the same predictions, and are the same bits on one thread and on two', () => {
    const output = execFileSync(process.execPath, [compiledEntry('tests/support/native-ensemble')], {
      encoding: 'utf8',
      env: { ...process.env, NODE_PATH: modules },
    });
    const { backend, errors, hashes, operations } = JSON.parse(output.trim().split('\n').at(-1)!) as {
      backend: string;
      errors: { model: number; mean: number };
      hashes: string[];
      operations: { adamw: number; tensors: number } & Record<'summed' | 'rectified' | 'gathered', number[]>;
    };
    expect(backend).toBe('tensorflow');
    expect(errors.model).toBeLessThan(0.6 * errors.mean);
    const [bytes, predicted, reloaded, ...onTwoThreads] = hashes;
    expect(reloaded).toBe(predicted);
    expect(onTwoThreads).toEqual([bytes, predicted, reloaded]);
    expect(operations.adamw).toBeLessThan(1e-5);
    expect(operations).toMatchObject({ tensors: 0, summed: [6, 8, 3, 4], rectified: [1, -2, 0, 4] });
    expect(operations.gathered).toEqual([6, 8, 0, 0, 3, 4, 0, 0]);
  });
});
