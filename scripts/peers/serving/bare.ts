/**
 * `node bare.js MODEL_DIRECTORY MOLECULES_FILE SECONDS`: the featurizer and the model of a directory in this process, in batches and
 * without a server: molecules a second, as one JSON number.
 */
import { readFileSync } from 'node:fs';
import { createChemistry, matrixOfRows } from '../../../src/chemistry';
import { moleculeCapsSchema, standardisationNamed } from '../../../src/contracts';
import { createLearning } from '../../../src/learning';
import { openModelDirectory } from '../../../src/tracking';

const BATCH = 32;
/** WebAssembly is compiled anew where it is hot, which takes a while. */
const WARM_SECONDS = 8;
/** Those of the server's warming and saturation: other molecules cost another amount. */
const WARM_FROM = 30_000;
const FIRST = 300;

async function main(): Promise<void> {
  const [directory, file, seconds] = process.argv.slice(2) as [string, string, string];
  const molecules = readFileSync(file, 'utf8').trim().split('\n');
  const { card, get } = await openModelDirectory(directory);
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'auto' });
  const model = await learning.load(card.family, await get(card.weights));
  const caps = moleculeCapsSchema.parse({});
  const standardisation = standardisationNamed(card.runtime.ruleSet);
  const predict = async (smiles: readonly string[]) => {
    const inputs = smiles.map((text) => ({ notation: 'smiles' as const, text }));
    const prepared = await chemistry.prepare(inputs, caps, standardisation, [card.featurizer]);
    const good = prepared.filter((one) => one.ok);
    const ids = good.map(({ molecule }) => molecule.moleculeId);
    const rows = good.map((one) => one.rows[0]!);
    await model.predict(matrixOfRows(card.featurizer, ids, rows));
  };
  /** Molecules a second. */
  const rateOver = async (length: number, first: number): Promise<number> => {
    const started = performance.now();
    let done = 0;
    while (performance.now() - started < 1000 * length) {
      const from = (first + done) % (molecules.length - BATCH);
      await predict(molecules.slice(from, from + BATCH));
      done += BATCH;
    }
    return (1000 * done) / (performance.now() - started);
  };
  await rateOver(WARM_SECONDS, WARM_FROM);
  process.stdout.write(`${JSON.stringify(await rateOver(Number(seconds), FIRST))}\n`);
  model.dispose();
  await Promise.all([chemistry.close(), learning.close()]);
}

main().catch((error: Error) => {
  process.stderr.write(`bare: ${error.message}\n`);
  process.exitCode = 1;
});
