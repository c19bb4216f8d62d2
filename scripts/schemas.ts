/**
 * Publishes the contracts as JSON Schema (draft 2020-12) under docs/schemas/, for editors and for programs in other languages.
 * `node dist/scripts/schemas.js` writes them; with --check it only says whether they are up to date (exit code 1 when not).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import {
  batchSheetSchema,
  campaignConfigSchema,
  labResultSchema,
  labResultsMessageSchema,
} from '../src/contracts';
import { packageRoot } from '../src/foundation';
import { settingsSchema } from '../src/platform/settings';

type JsonSchema = Record<string, unknown>;

/** `labResults` checks its rows one by one on arrival, so the message itself says nothing about them; the schema does. */
const labResultsSchema = z.union([
  z.strictObject({ results: z.array(labResultSchema).min(1).max(2000) }),
  labResultsMessageSchema.options[1],
]);

const PUBLISHED: Readonly<Record<string, { readonly title: string; readonly schema: z.ZodType }>> = {
  'campaign-config': {
    title: 'Configuration of a campaign (argument of the workflow activeLearningCampaign)',
    schema: campaignConfigSchema,
  },
  'lab-result': { title: 'One result of a laboratory', schema: labResultSchema },
  'lab-results': {
    title: 'Body of the signal labResults and the update submitResults',
    schema: labResultsSchema,
  },
  'batch-sheet': { title: 'The sheet a laboratory works from', schema: batchSheetSchema },
  settings: { title: 'Settings of an installation (titrate.yaml)', schema: settingsSchema },
};

/** Defaults that depend on the machine have no place in a published file. */
const MACHINE_DEPENDENT = [['threads', 'chemistry'], ['threads', 'learning'], ['threads']];

function withoutMachineDefaults(schema: JsonSchema): void {
  for (const keys of MACHINE_DEPENDENT) {
    const at = keys.reduce<JsonSchema | undefined>(
      (node, key) => (node?.properties as Record<string, JsonSchema> | undefined)?.[key],
      schema,
    );
    if (at) delete at.default;
  }
}

/** The text of every published file, by file name. */
export function renderSchemas(): Map<string, string> {
  return new Map(
    Object.entries(PUBLISHED).map(([name, { title, schema }]) => {
      const body = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
        override: ({ zodSchema, jsonSchema }) => {
          // A number that may also come as text, from an environment variable.
          if (zodSchema._zod.def.type === 'number' && (zodSchema._zod.def as { coerce?: boolean }).coerce)
            jsonSchema.type ??= 'number';
        },
      }) as JsonSchema;
      withoutMachineDefaults(body);
      const { $schema, ...rest } = body;
      return [`${name}.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
}

function main(check: boolean): number {
  const folder = path.join(packageRoot, 'docs', 'schemas');
  const wanted = renderSchemas();
  mkdirSync(folder, { recursive: true });
  const present = new Set(readdirSync(folder).filter((name) => name.endsWith('.json')));
  const stale = [...wanted]
    .filter(([name, text]) => !present.has(name) || readFileSync(path.join(folder, name), 'utf8') !== text)
    .map(([name]) => name);
  const extra = [...present].filter((name) => !wanted.has(name));
  if (check) {
    if (stale.length + extra.length === 0) return 0;
    process.stderr.write(
      `docs/schemas is not up to date (${[...stale, ...extra].join(', ')}). Run: node dist/scripts/schemas.js\n`,
    );
    return 1;
  }
  for (const name of stale) writeFileSync(path.join(folder, name), wanted.get(name)!);
  for (const name of extra) rmSync(path.join(folder, name));
  process.stderr.write(`docs/schemas: ${stale.length} written, ${extra.length} removed\n`);
  return 0;
}

if (require.main === module) process.exitCode = main(process.argv.includes('--check'));
