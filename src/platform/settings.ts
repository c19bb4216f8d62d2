import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseWith, TitrateError } from '../contracts';

const port = z.coerce.number().int().min(0).max(65535);

/** Where this installation keeps its things and whom it talks to. titrate.yaml, then TITRATE_* variables, then options. */
export const settingsSchema = z.strictObject({
  profile: z.enum(['local']).default('local'),
  home: z.string().default('.titrate').describe('Directory of everything the local profile stores.'),
  workingDirectory: z
    .string()
    .optional()
    .describe('Where relative source paths start. Default: the current directory.'),
  temporal: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(7233),
      uiPort: port.default(8233),
      namespace: z.string().default('default'),
    })
    .prefault({}),
  inference: z.strictObject({ host: z.string().default('127.0.0.1'), port: port.default(8090) }).prefault({}),
  threads: z
    .strictObject({
      chemistry: z.coerce
        .number()
        .int()
        .min(1)
        .max(64)
        .default(Math.max(1, Math.min(8, os.availableParallelism()))),
      learning: z.coerce
        .number()
        .int()
        .min(1)
        .max(64)
        .default(Math.max(1, Math.min(8, os.availableParallelism()))),
    })
    .prefault({}),
  learning: z
    .strictObject({
      backend: z.enum(['auto', 'tensorflow-gpu', 'tensorflow', 'wasm', 'cpu']).default('auto'),
    })
    .prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type Settings = z.infer<typeof settingsSchema> & { workingDirectory: string };
export type SettingsInput = z.input<typeof settingsSchema>;

/** Environment variables and the setting each one is. */
export const SETTING_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  TITRATE_PROFILE: ['profile'],
  TITRATE_HOME: ['home'],
  TITRATE_WORKING_DIRECTORY: ['workingDirectory'],
  TITRATE_TEMPORAL_HOST: ['temporal', 'host'],
  TITRATE_TEMPORAL_PORT: ['temporal', 'port'],
  TITRATE_TEMPORAL_UI_PORT: ['temporal', 'uiPort'],
  TITRATE_TEMPORAL_NAMESPACE: ['temporal', 'namespace'],
  TITRATE_INFERENCE_HOST: ['inference', 'host'],
  TITRATE_INFERENCE_PORT: ['inference', 'port'],
  TITRATE_CHEMISTRY_THREADS: ['threads', 'chemistry'],
  TITRATE_LEARNING_THREADS: ['threads', 'learning'],
  TITRATE_LEARNING_BACKEND: ['learning', 'backend'],
  TITRATE_LOG_LEVEL: ['logLevel'],
};

type Tree = { [key: string]: unknown };

function setAt(tree: Tree, keys: readonly string[], value: unknown): void {
  const last = keys.at(-1)!;
  let at = tree;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Tree;
  at[last] = value;
}

/**
 * Reads the settings: `titrate.yaml` in the working directory (or TITRATE_CONFIG), overlaid by TITRATE_* variables and by `overrides`.
 * @throws TitrateError config-invalid naming file or variable, the key and the nearest known one.
 */
export function loadSettings(
  overrides: SettingsInput = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const file = env.TITRATE_CONFIG ?? 'titrate.yaml';
  let tree: Tree = {};
  let text: string | undefined;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (env.TITRATE_CONFIG || (error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new TitrateError(
        'source-missing',
        { what: 'the settings file cannot be read', where: file, remedy: 'Mend TITRATE_CONFIG' },
        { cause: error },
      );
    }
  }
  if (text !== undefined) {
    try {
      tree = (parse(text) ?? {}) as Tree;
    } catch (error) {
      throw new TitrateError('config-invalid', {
        what: `not YAML: ${(error as Error).message}`,
        where: file,
      });
    }
  }
  for (const [variable, keys] of Object.entries(SETTING_VARIABLES)) {
    if (env[variable] !== undefined && env[variable] !== '') setAt(tree, keys, env[variable]);
  }
  const merge = (into: Tree, from: Tree) => {
    for (const [key, value] of Object.entries(from)) {
      if (value && typeof value === 'object' && !Array.isArray(value))
        merge((into[key] ??= {}) as Tree, value as Tree);
      else if (value !== undefined) into[key] = value;
    }
  };
  merge(tree, overrides as Tree);
  const settings = parseWith(
    settingsSchema,
    tree,
    text === undefined ? 'settings (TITRATE_* variables and options)' : file,
  );
  const workingDirectory = path.resolve(settings.workingDirectory ?? '.');
  return { ...settings, workingDirectory, home: path.resolve(workingDirectory, settings.home) };
}

/** The places under `home`, named once. */
export function homePaths(settings: Pick<Settings, 'home'>) {
  const at = (...parts: string[]) => path.join(settings.home, ...parts);
  return {
    objects: at('objects'),
    warehouse: at('warehouse', 'warehouse.duckdb'),
    temporalDatabase: at('temporal', 'server.sqlite'),
    run: at('run'),
    logs: at('logs'),
    reports: at('reports'),
  };
}
