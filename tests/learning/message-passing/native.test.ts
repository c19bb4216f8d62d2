import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compiledEntry, packageRoot } from '../../../src/foundation';
import { passOn } from '../../support/message-passing-pass';

/** Where a native TensorFlow is: the checkout's own, or the one that TITRATE_TFJS_NODE_BUILD made for the tests. */
const modules = [
  path.join(packageRoot, 'node_modules'),
  path.join(packageRoot, '.titrate/native/node_modules'),
].find((folder) => existsSync(path.join(folder, '@tensorflow/tfjs-node/lib')));
const runs = modules !== undefined && Number(process.versions.node.split('.')[0]) < 24;
const required = process.env.TITRATE_SKIP_NOTHING && process.env.TITRATE_TFJS_NODE_BUILD;
const describeWithNative = runs || required ? describe : describe.skip;

describeWithNative('message passing on native TensorFlow', () => {
  test('gives the outputs and gradients that it gives on WASM, to 1e-5', async () => {
    const output = execFileSync(
      process.execPath,
      [compiledEntry('tests/support/message-passing-pass'), 'tensorflow'],
      { encoding: 'utf8', env: { ...process.env, NODE_PATH: modules } },
    );
    const native = JSON.parse(output.trim().split('\n').at(-1)!) as number[][];
    const wasm = await passOn('wasm');
    expect(native.map(({ length }) => length)).toEqual(wasm.map(({ length }) => length));
    native.forEach((values, i) => {
      const size = Math.max(1, ...wasm[i]!.map(Math.abs));
      values.forEach((value, j) => expect(Math.abs(value - wasm[i]![j]!)).toBeLessThan(1e-5 * size));
    });
  });
});
