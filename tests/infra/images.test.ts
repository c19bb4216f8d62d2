import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { IMAGES } from '../../src/platform/topology';
import { describeWithPython, pythonOf } from '../support/python';

const DOCKERFILES = [
  ...Object.values(IMAGES).map(({ dockerfile }) => dockerfile),
  'infra/compose/stand-ins/Dockerfile',
];

test.each(DOCKERFILES)('%s: every base has a version, and what copies it is named', (file) => {
  const text = readFileSync(path.join(packageRoot, file), 'utf8');
  const values = new Map([...text.matchAll(/^ARG (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]));
  const stages = [...text.matchAll(/^FROM (\S+?)(?: AS (\S+))?$/gm)].map(([, base, stage]) => ({
    base: base!.replace(/^\$\{(\w+)\}$/, (_, name: string) => values.get(name) ?? ''),
    stage,
  }));
  expect(stages.length).toBeGreaterThan(0);
  for (const { base } of stages) {
    // Google publishes no versions of its launcher's base; the build is given a digest.
    if (base.startsWith('gcr.io/dataflow-templates-base/')) continue;
    expect({
      base,
      pinned: /:\d+\.\d+\.\d+|:3\.11\.\d+/.test(base) || /python3\.11_sdk:\d/.test(base),
    }).toEqual({
      base,
      pinned: true,
    });
  }
  for (const [, from] of text.matchAll(/^COPY --from=(\S+)/gm))
    expect(stages.map(({ stage }) => stage)).toContain(from);
});

describeWithPython(
  'hadolint',
  () => {
    const lint = (...files: string[]) => {
      const program = path.join(path.dirname(pythonOf('infrastructure')!), 'hadolint');
      return spawnSync(program, files, { cwd: packageRoot, encoding: 'utf8' });
    };

    test('has no complaint about any Dockerfile', () => {
      const { status, stdout, stderr } = lint(...DOCKERFILES);
      expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
    });

    test('complains where there is something to complain about', () => {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-hadolint-'));
      const file = path.join(directory, 'Dockerfile');
      writeFileSync(file, 'FROM node\nRUN cd /tmp && apt-get install curl\n');
      expect(lint(file)).toMatchObject({ status: 1, stdout: expect.stringMatching(/DL3006[\s\S]*DL3008/) });
      rmSync(directory, { recursive: true, force: true });
    });
  },
  'infrastructure',
);
