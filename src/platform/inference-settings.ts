import { z } from 'zod';

const text = z.string().min(1).optional();
const count = (most: number) => z.coerce.number().int().min(1).max(most);

/** The part `inference` of the settings. */
export const inferenceSettingsSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.coerce.number().int().min(0).max(65535).default(8090),
    auth: z
      .strictObject({
        mode: z
          .enum(['off', 'keys', 'oidc'])
          .optional()
          .describe(
            "Who may ask for predictions: everybody, who has an API key, who has a token of an OpenID Connect issuer. Default: what is given below; else 'off' on a loopback address, and no start on any other.",
          ),
        keysFile: text.describe(
          'YAML or JSON: a list of { name, sha256, scopes }. The environment gives them as TITRATE_INFERENCE_KEYS.',
        ),
        issuer: text.describe('Issuer of OpenID Connect, as it stands in its tokens.'),
        audience: text.describe('Audience that tokens must be for.'),
        scopeClaim: z
          .string()
          .default('scope')
          .describe('Claim of a token with its scopes: predict, read, admin.'),
        metrics: z
          .enum(['open', 'read'])
          .default('open')
          .describe("Whether /metrics needs the scope 'read'."),
      })
      .prefault({}),
    limits: z
      .strictObject({
        moleculesPerRequest: count(100_000).default(1000),
        moleculesInFlight: count(1_000_000)
          .default(10_000)
          .describe('In work or waiting, over all requests; more are answered 429.'),
        waitSeconds: z.coerce
          .number()
          .positive()
          .max(600)
          .default(1)
          .describe('The queue is kept as short as makes what was let in answered in this time.'),
        timeoutSeconds: z.coerce
          .number()
          .positive()
          .max(600)
          .default(30)
          .describe('Longest time of an answer.'),
        requestsPerMinute: count(10_000_000)
          .optional()
          .describe('Of one caller, unless its key says otherwise.'),
        moleculesPerMinute: count(100_000_000).optional(),
      })
      .prefault({}),
    batchMolecules: count(4096).default(32).describe('Molecules that are worked on together.'),
    cacheMegabytes: z.coerce
      .number()
      .min(0)
      .max(65_536)
      .default(64)
      .describe('Of standard forms, features and neighbours that are kept.'),
    log: z
      .strictObject({
        share: z.coerce
          .number()
          .min(0)
          .max(1)
          .default(0.1)
          .describe('Share of the predictions that is kept for drift to be judged by; 0 keeps none.'),
        directory: text.describe("Default: 'predictions' under home."),
        smiles: z.boolean().default(false).describe('Whether a record has the molecule itself.'),
        moleculeIds: z.boolean().default(true).describe('Whether a record has the hash of its molecule.'),
        minutes: z.coerce.number().positive().max(1440).default(5).describe('Time of one file.'),
        records: count(100_000).default(500).describe('Records of one version in one file at most.'),
        days: count(3650).default(90).describe('Older files are deleted.'),
        megabytes: z.coerce
          .number()
          .positive()
          .default(500)
          .describe('Beyond this size the oldest are deleted.'),
      })
      .prefault({}),
  })
  .prefault({});
