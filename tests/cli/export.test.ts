import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Exported } from '../../src/cli/verbs/models/export';
import { packageRoot } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';
import { titrate, workplace } from './support';

const [header, ...measured] = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
  .split(/\r?\n/)
  .filter(Boolean) as [string, ...string[]];
const every = (first: number) => [header, ...measured.filter((_, i) => i % 24 === first)].join('\n');
const directory = workplace({ 'train.csv': every(0), 'other.csv': every(5) });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function json<T>({ code, stdout, stderr }: ReturnType<typeof titrate>): T {
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}

interface Row {
  readonly standardSmiles?: string;
  readonly value: number;
  readonly standardDeviation: number;
  readonly aleatoric: number;
  readonly epistemic: number;
}

/** The Python of the section "ONNX" of the document for users. */
const [, documented] = /```python\n([\s\S]*?)```/.exec(
  readFileSync(path.join(packageRoot, 'docs/trained-models.md'), 'utf8'),
)!;

describeWithPython('titrate models export', () => {
  test('with the Python of the documentation the file says of new molecules what titrate predict writes', () => {
    const trained = titrate(
      directory,
      ...['train', '--data', 'train.csv', '--smiles-column', 'smiles', '--target-column', 'logS'],
      ...['--family', 'gaussian-process', '--output', 'model', '--seed', '7', '--json'],
    );
    json(trained);
    const result = json<Exported>(
      titrate(directory, 'models', 'export', './model', '--output', 'model.onnx', '--json'),
    );
    const file = path.join(directory, 'model.onnx');
    expect(result).toMatchObject({
      ...{ file: 'model.onnx', bytes: readFileSync(file).length },
      ...{ input: { name: 'features' }, description: { model: 'model', family: 'gaussian-process' } },
    });

    json(
      titrate(directory, 'predict', '--model', './model', 'other.csv', '--output', 'other.ndjson', '--json'),
    );
    const rows = readFileSync(path.join(directory, 'other.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
      .filter(({ standardSmiles }) => standardSmiles !== undefined);
    expect(rows.length).toBeGreaterThan(30);
    const answer = runPython<Record<keyof Omit<Row, 'standardSmiles'>, number[]>>(
      `
import sys
asked = __import__('json').load(sys.stdin)
${documented!.replace('"model.onnx"', "asked['file']")}
print(json.dumps({name: values.tolist() for name, values in predict(asked['smiles']).items()}))`,
      { file, smiles: rows.map(({ standardSmiles }) => standardSmiles) },
    );
    for (const name of ['value', 'standardDeviation', 'aleatoric', 'epistemic'] as const)
      rows.forEach((row, i) => expect(Math.abs(answer[name][i]! - row[name])).toBeLessThan(1e-8));
  });
});

test('what is missing is told: a place to write to, a model', () => {
  expect(titrate(directory, 'models', 'export', './model').code).toBe(2);
  const nowhere = titrate(directory, 'models', 'export', './nowhere', '--output', 'model.onnx');
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/nowhere: there is no such/)]);
});
