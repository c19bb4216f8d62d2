import { Option, type Command } from 'commander';
import {
  moleculeCapsSchema,
  parseWith,
  RULE_SETS,
  SOURCE_FORMATS,
  sourceSchema,
  standardisationSchema,
  TEXT_ENCODINGS,
  TitrateError,
  type MoleculeCaps,
  type SourceSpec,
  type Standardisation,
} from '../../../contracts';

export interface SourceOptions {
  readonly name?: string;
  readonly format?: string;
  readonly query?: string;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly smilesColumn?: string;
  readonly idColumn?: string;
  readonly valueColumn?: string;
  readonly decimal?: string;
  readonly qualifierColumn?: string;
  readonly unit?: string;
  readonly unitColumn?: string;
  readonly convertTo?: string;
  readonly replicateColumn?: string;
  readonly assay?: string;
  readonly assayColumn?: string;
  readonly batchColumn?: string;
  readonly dateColumn?: string;
  readonly maxHeavyAtoms?: string;
  readonly maxCharacters?: string;
  readonly ruleSet?: string;
  readonly isotopes?: string;
}

/** The options that say how sources are read: those of SourceSpec, of the molecule caps and of the standardisation. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the source within the dataset (default: as given); one source only')
    .addOption(
      new Option('--format <format>', 'default: from the name and the content').choices(SOURCE_FORMATS),
    )
    .option('--query <sql>', 'of a source bq://project')
    .addOption(new Option('--encoding <encoding>', 'default: detected').choices(TEXT_ENCODINGS))
    .option('--delimiter <character>', "of a CSV file, '\\t' for a tab (default: detected)")
    .option('--smiles-column <name>', "default: 'smiles', in any case")
    .option('--id-column <name>', "the lab's own compound id")
    .option('--value-column <name>', 'measured values')
    .addOption(
      new Option('--decimal <sign>', "decimal sign of the values (default: '.')").choices(['.', ',']),
    )
    .option('--qualifier-column <name>', "'=', '<' or '>'")
    .option('--unit <unit>', 'unit of the values (of rows whose unit column is empty), e.g. nM')
    .option('--unit-column <name>', 'the unit of each value')
    .option('--convert-to <unit>', 'unit the values are kept in, e.g. pIC50; the conversion is recorded')
    .option('--replicate-column <name>', 'number of the replicate')
    .option('--assay <name>', 'the assay all values come from')
    .option('--assay-column <name>', 'the assay of each value')
    .option('--batch-column <name>', 'batch (lot) of the sample')
    .option('--date-column <name>', 'day or moment of the measurement, ISO 8601')
    .option('--max-heavy-atoms <number>', 'larger molecules go to quarantine (default: 300)')
    .option('--max-characters <number>', 'longer SMILES go to quarantine (default: 1000)')
    .addOption(new Option('--rule-set <name>', 'how structures are standardised').choices(RULE_SETS))
    .addOption(new Option('--isotopes <choice>', 'default: keep').choices(['keep', 'strip']));
}

/** @throws TitrateError usage when --name is given for several sources; config-invalid naming the option that makes no sense. */
export function sourceSpecs(uris: readonly string[], options: SourceOptions): SourceSpec[] {
  if (options.name !== undefined && uris.length > 1) {
    throw new TitrateError('usage', {
      what: `one name for ${uris.length} sources`,
      where: '--name',
      remedy: 'Leave it out, or ingest the sources one by one',
    });
  }
  return uris.map((uri) =>
    parseWith(
      sourceSchema,
      {
        uri,
        name: options.name,
        format: options.format,
        query: options.query,
        encoding: options.encoding,
        delimiter: options.delimiter === '\\t' ? '\t' : options.delimiter,
        smilesColumn: options.smilesColumn,
        compoundIdColumn: options.idColumn,
        valueColumn: options.valueColumn,
        decimal: options.decimal,
        qualifierColumn: options.qualifierColumn,
        unit: options.unit,
        unitColumn: options.unitColumn,
        convertTo: options.convertTo,
        replicateColumn: options.replicateColumn,
        assay: options.assay,
        assayColumn: options.assayColumn,
        batchColumn: options.batchColumn,
        measuredAtColumn: options.dateColumn,
      },
      `source ${uri}`,
    ),
  );
}

export function chemistryOptions(options: SourceOptions): {
  caps: MoleculeCaps;
  standardisation: Standardisation;
} {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  return {
    caps: parseWith(
      moleculeCapsSchema,
      { maxHeavyAtoms: number(options.maxHeavyAtoms), maxCharacters: number(options.maxCharacters) },
      '--max-heavy-atoms, --max-characters',
    ),
    standardisation: parseWith(
      standardisationSchema,
      { ruleSet: options.ruleSet, isotopes: options.isotopes },
      '--rule-set, --isotopes',
    ),
  };
}
