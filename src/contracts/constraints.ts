import { z } from 'zod';
import type { ArtifactRef } from './artifacts';
import { SOURCE_FORMATS, TEXT_ENCODINGS } from './sources';

/** Properties that a window can be set on; RDKit's descriptor of each is in src/chemistry/screening.ts. */
export const PROPERTY_NAMES = [
  'molecularWeight', 'logP', 'tpsa', 'hBondDonors', 'hBondAcceptors', 'rotatableBonds', 'rings', 'aromaticRings', 'fractionCsp3', 'heavyAtoms', 'formalCharge',
] as const; // prettier-ignore
export type PropertyName = (typeof PROPERTY_NAMES)[number];

/** Sets of structural alerts, written out in src/acquisition/constraints/alerts.ts. */
export const ALERT_SETS = ['reactive', 'unstable', 'interfering'] as const;
export type AlertSet = (typeof ALERT_SETS)[number];

/** Wells of the usual plates: rows and columns. */
export const PLATES = {
  6: [2, 3],
  12: [3, 4],
  24: [4, 6],
  48: [6, 8],
  96: [8, 12],
  384: [16, 24],
  1536: [32, 48],
} as const;
export type PlateWells = keyof typeof PLATES;

const window = z
  .strictObject({ from: z.number().optional(), to: z.number().optional() })
  .refine(({ from, to }) => from !== undefined || to !== undefined, {
    message: "expected 'from', 'to' or both",
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    message: "'from' is above 'to'; swap them, or leave one out",
  });
export type PropertyWindow = z.infer<typeof window>;

const properties = z.strictObject(
  Object.fromEntries(PROPERTY_NAMES.map((name) => [name, window.optional()])) as Record<
    PropertyName,
    z.ZodOptional<typeof window>
  >,
);

const patterns = z
  .record(z.string().min(1).max(100), z.string().min(1).max(1000))
  .describe('SMARTS by a name of your own, which batches and reports use.');

const listFile = {
  uri: z.string().min(1).describe("As of the pool's sources. Read anew at the start of every round."),
  moleculeColumn: z
    .string()
    .min(1)
    .optional()
    .describe("Column with SMILES or molecule ids (mol_…). Default: 'smiles', in any case."),
  format: z.enum(SOURCE_FORMATS).optional(),
  encoding: z.enum(TEXT_ENCODINGS).optional(),
  delimiter: z.string().length(1, 'expected one character').optional(),
};
const valueFile = {
  ...listFile,
  decimal: z.enum(['.', ',']).optional().describe("Decimal sign of the values. Default: '.'."),
};

const moleculeList = z
  .strictObject({
    molecules: z
      .array(z.string().min(1).max(4000))
      .max(10_000)
      .optional()
      .describe('SMILES or molecule ids (mol_…).'),
    file: z.strictObject(listFile).optional(),
  })
  .refine(({ molecules, file }) => molecules !== undefined || file !== undefined, {
    message: "expected 'molecules', 'file' or both",
  });

const money = z.number().positive('expected an amount of money above 0');

const cost = z
  .strictObject({
    default: z
      .number()
      .min(0)
      .optional()
      .describe(
        'Of a molecule that no price is given for. Left out: such a molecule is not picked where money is limited.',
      ),
    column: z.string().min(1).optional().describe("Column with the price in the pool's sources."),
    file: z
      .strictObject({ ...valueFile, costColumn: z.string().min(1).default('cost') })
      .optional()
      .describe('A list of molecules and what they cost; of several prices the lowest counts.'),
    perBatch: money.optional().describe('Money that one batch may cost.'),
    total: money
      .optional()
      .describe('Money that all batches together may cost. A batch counts when it is handed out.'),
    currency: z.string().min(1).max(20).optional().describe('For people; never converted.'),
  })
  .refine(({ column, file }) => column === undefined || file === undefined, {
    message: "expected 'column' or 'file', not both",
  })
  .refine((given) => given.default !== undefined || given.column !== undefined || given.file !== undefined, {
    message: "no molecule has a price: give 'default', 'column' or 'file'",
  });

const stock = z
  .strictObject({
    column: z.string().min(1).optional().describe("Column with the amount in stock in the pool's sources."),
    file: z
      .strictObject({
        ...valueFile,
        amountColumn: z
          .string()
          .min(1)
          .optional()
          .describe('Left out: every molecule of the file is in stock.'),
      })
      .optional()
      .describe('A list of molecules and their amounts; several amounts of one molecule are added up.'),
    least: z
      .number()
      .positive()
      .optional()
      .describe('Amount that an experiment takes. Default: anything above 0.'),
  })
  .refine(({ column, file }) => (column === undefined) !== (file === undefined), {
    message: "expected 'column' or 'file'",
  });

/** Rows A to Z, then AA to AF; columns from 1, with or without a zero in front. */
const well = z.string().regex(/^[A-Z]{1,2}0?[1-9]\d?$/, "expected a well such as 'A1', 'H12' or 'AF48'");

const plates = z.strictObject({
  wells: z
    .union(Object.keys(PLATES).map((wells) => z.literal(Number(wells) as PlateWells)))
    .describe('Wells of a plate.'),
  controls: z
    .union([z.number().int().min(0).max(1535), z.array(well).max(1535)])
    .default(0)
    .describe(
      'Control wells of every plate: their names, or how many; then they are the last ones, column by column.',
    ),
  order: z
    .enum(['columns', 'rows'])
    .default('columns')
    .describe('How picks fill a plate: column by column (A1, B1, …) or row by row (A1, A2, …).'),
  fill: z
    .enum(['asked', 'whole'])
    .default('asked')
    .describe(
      "'asked': a batch of the size asked for; wells that stay empty are told. 'whole': only as many picks as fill whole plates, unless fewer were asked for than one takes.",
    ),
});
export type Plates = z.infer<typeof plates>;

/** What every batch has to obey. Nothing here is ever relaxed: a batch that falls short says which rule binds. */
export const constraintsSchema = z.strictObject({
  properties: properties.optional().describe('Windows, both ends included.'),
  substructures: z
    .strictObject({
      any: patterns.optional().describe('A pick has at least one of these.'),
      all: patterns.optional().describe('A pick has all of these.'),
      exclude: patterns.optional().describe('A pick has none of these.'),
      alerts: z.array(z.enum(ALERT_SETS)).max(ALERT_SETS.length).optional(),
    })
    .optional(),
  perScaffold: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Picks of a batch with the same Bemis-Murcko scaffold, at most; rings are needed for one.'),
  perCluster: z
    .strictObject({
      most: z.number().int().min(1),
      similarity: z
        .number()
        .gt(0)
        .max(1)
        .default(0.6)
        .describe('Tanimoto similarity of ECFP4 (1,024 bits) from which two molecules are near.'),
    })
    .optional()
    .describe('Picks of a batch that are near any one of them, itself included, at most.'),
  cost: cost.optional(),
  stock: stock.optional(),
  include: moleculeList
    .optional()
    .describe('Molecules of the pool that are picked first, as soon as a batch has room for them.'),
  exclude: moleculeList.optional().describe('Molecules that are never picked.'),
  plates: plates.optional(),
});
export type Constraints = z.infer<typeof constraintsSchema>;

/** What a list of molecules came to: an NDJSON artifact of ListedMolecule, and what could not be read of it. */
export interface ResolvedList {
  readonly rows: ArtifactRef;
  readonly count: number;
  readonly unreadable: number;
  /** Up to three unreadable rows in words. */
  readonly examples: readonly string[];
}

export interface ListedMolecule {
  readonly moleculeId: string;
  /** null: there is something, and it is no number from 0; absent: there is nothing. */
  readonly value?: number | null;
}

/** Everything that the rules of a batch are made from beside the configuration, as artifacts. */
export interface RuleInputs {
  readonly costs?: readonly ResolvedList[];
  readonly amounts?: readonly ResolvedList[];
  readonly include?: readonly ResolvedList[];
  readonly exclude?: readonly ResolvedList[];
  /** JSON arrays of the artifacts with what was found of each molecule, by groups of shards; null: nothing had to be looked for. */
  readonly screening: readonly ArtifactRef[] | null;
}

/** How a batch stands to its rules; part of what the batch is sealed with. */
export interface RulesReport {
  /** Molecules that could have been picked, and those of them that no rule about single molecules takes out. */
  readonly candidates: number;
  readonly admitted: number;
  /** `alone`: taken out by this rule and by no other. */
  readonly byRule: readonly { readonly rule: string; readonly takenOut: number; readonly alone: number }[];
  /** Picks asked for, places there were for them (whole plates may have fewer), and picks. */
  readonly asked: number;
  readonly places: number;
  readonly picked: number;
  /** Admitted molecules that the rules about whole batches kept from the places left empty. */
  readonly refused: readonly { readonly rule: string; readonly molecules: number }[];
  /** Of a batch with fewer picks than asked for: the rule to loosen first. */
  readonly binding: string | null;
  readonly cost?: {
    readonly batch: number;
    /** Of earlier batches. */
    readonly before: number;
    readonly perBatch?: number;
    readonly total?: number;
    readonly currency?: string;
    /** Picks without a price, where money is not limited. */
    readonly unpriced: number;
  };
  readonly plates?: {
    readonly plates: number;
    readonly wells: number;
    readonly controls: number;
    readonly empty: number;
  };
  /** Molecules that have to be included and had no room in this batch. */
  readonly waiting: number;
  readonly notes: readonly string[];
  /** All of it in plain words. */
  readonly words: string;
}
