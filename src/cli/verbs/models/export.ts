import type { Command } from 'commander';
import { sha256, writeFileAtomic } from '../../../foundation';
import type { OnnxDescription } from '../../../learning/onnx';
import { verb } from '../../context';
import { storedModel } from '../../models/stored-model';
import { withPorts } from '../../ports';
import { facts } from '../../table';

/** What an export ends with. */
export interface Exported {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly outputs: readonly string[];
  /** What stands in the file's metadata, without the names of single columns. */
  readonly description: Omit<OnnxDescription, 'input'>;
  readonly input: { readonly name: string; readonly columns: number };
}

const exportModel = verb<[string], { output: string }>(async (cli, { output }, name) => {
  await withPorts(cli.settings, async (ports) => {
    const { exportOnnx, FEATURES_INPUT, ONNX_OUTPUTS } = await import('../../../learning/onnx');
    const model = await storedModel(ports, name);
    const weights = await model.get(model.card.weights);
    const { bytes, description } = exportOnnx({ name: model.name, card: model.card, weights });
    await writeFileAtomic(output, bytes);
    const { input, ...known } = description;
    if (known.auxiliaryLeftOut > 0)
      cli.say(`${known.auxiliaryLeftOut} properties learnt beside ${known.property} are not in the file`);
    const result: Exported = {
      file: output,
      bytes: bytes.length,
      sha256: sha256(bytes),
      outputs: ONNX_OUTPUTS,
      description: known,
      input: { name: FEATURES_INPUT, columns: input.columns },
    };
    cli.result(result, () =>
      facts([
        ['file', output],
        ['size', `${(bytes.length / 1e6).toFixed(1)} MB`],
        ['model', `${known.model}: ${known.family}`],
        ['input', `${FEATURES_INPUT}, float32 [rows, ${input.columns}]`],
        ['outputs', `${ONNX_OUTPUTS.join(', ')}, float64 [rows]`],
      ]),
    );
  });
});

export function exportVerb(models: Command): void {
  models
    .command('export <name>')
    .description(
      "a model as a file of ONNX: 'solubility-42/v3', 'solubility-42@production', or a model directory",
    )
    .requiredOption('--output <file>', 'where to write, e.g. model.onnx')
    .action(exportModel);
}
