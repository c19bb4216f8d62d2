import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import { compiledEntry } from '../../src/foundation';
import { createInlineProcessor } from '../../src/processing';
import { frameSource, runPipeline } from '../../scripts/bulk-beam';
import { describeWithPython, pythonOf } from '../support/python';
import { landText, readParts, smilesCsv, temporaryStore } from './support/processing';

const PART_ROWS = 60;
const TEXT = smilesCsv(300, 9);

describeWithPython(
  "the Beam pipeline on Beam's local runner",
  () => {
    let chemistry: Chemistry;
    let store: ReturnType<typeof temporaryStore>;
    beforeAll(() => {
      chemistry = createChemistry({ threads: 1 });
    });
    afterAll(() => chemistry.close());
    beforeEach(() => {
      store = temporaryStore();
    });
    afterEach(() => store.remove());
    const frame = async () =>
      frameSource(store.objects, await landText(store.objects, TEXT), await chemistry.version(), PART_ROWS);

    test('gives exactly the parts of the inline processor, bad rows among them, also when the standardiser dies on the way', async () => {
      const manifest = await frame();
      // The first process ends after it has taken its first request; the ones after it work.
      const died = path.join(store.directory, 'died');
      const script = path.join(store.directory, 'standardiser.sh');
      writeFileSync(
        script,
        `#!/bin/sh\nif [ ! -e '${died}' ]; then touch '${died}'; read -r line; echo 'killed on the way' >&2; exit 9; fi\n` +
          `exec '${process.execPath}' '${compiledEntry('src/processing/standardiser-process')}' "$@"\n`,
      );
      chmodSync(script, 0o755);
      const environment = { TITRATE_STANDARDISER: script };
      const { status, log, parts } = await runPipeline(
        pythonOf('beam')!,
        manifest,
        `file:${store.directory}`,
        [],
        environment,
      );
      expect({ status, log: status === 0 ? '' : log }).toEqual({ status: 0, log: '' });
      expect(existsSync(died)).toBe(true);
      expect(log).toContain('killed on the way');

      const other = temporaryStore();
      const inline = await createInlineProcessor({ ...other, chemistry, partRows: PART_ROWS }).standardise(
        await landText(other.objects, TEXT),
      );
      const expected = await readParts(other.objects, inline.value.parts);
      other.remove();
      expect(expected.parts).toHaveLength(5);
      expect(expected.quarantine).toHaveLength(33);
      expect(parts).toEqual(expected.parts.map((part, i) => ({ part: i, cached: false, ...part })));

      // What the workers recorded is what this process would have: it computes nothing.
      const after = await createInlineProcessor({
        ...store,
        chemistry: {
          version: () => chemistry.version(),
          standardise: () => Promise.reject(new Error('chemistry was asked')),
        },
        partRows: PART_ROWS,
      }).standardise(await landText(store.objects, TEXT));
      expect(after.value).toEqual(inline.value);
    });

    test('fails with the message of the process, when a part cannot be standardised', async () => {
      const manifest = await frame();
      const wrong = { ...manifest, job: { ...manifest.job, rdkit: '1999.01.1' } };
      const { status, log } = await runPipeline(pythonOf('beam')!, wrong, `file:${store.directory}`);
      expect(status).not.toBe(0);
      expect(log).toContain('Build the Dataflow template from the same release');
    });
  },
  'beam',
);
