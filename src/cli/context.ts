import type { Command } from 'commander';
import { TitrateError } from '../contracts';
import { runningStack } from '../platform/local-stack';
import { homePaths, loadSettings, type Settings, type SettingsInput } from '../platform/settings';

/** Options that every verb takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly home?: string;
  /** host:port of the Temporal server. */
  readonly temporal?: string;
  readonly namespace?: string;
}

/** What a verb works with: the settings, and the two places it may write to. */
export interface Cli {
  readonly settings: Settings;
  readonly json: boolean;
  readonly debug: boolean;
  /** A message for the person, on standard error. */
  say(line: string): void;
  /** The result, on standard output: one JSON value with --json, else what `render` makes of it. Call it once. */
  result<T>(value: T, render: (value: T) => string): void;
}

/** Splits `host:port`. @throws TitrateError usage. */
export function parseAddress(text: string, option: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) {
    throw new TitrateError('usage', {
      what: `'${text}' is no address`,
      where: option,
      remedy: 'Write it as host:port, e.g. 127.0.0.1:7233',
    });
  }
  return { host: match[1]!, port };
}

/**
 * Settings of one call: defaults, titrate.yaml, TITRATE_* variables, options, in that order; a stack that runs on the same home
 * tells its own addresses, unless an option or a variable names others.
 */
export function settingsOf(options: GlobalOptions, overrides: SettingsInput = {}): Settings {
  const temporal = {
    ...overrides.temporal,
    ...(options.temporal ? parseAddress(options.temporal, '--temporal') : {}),
    ...(options.namespace ? { namespace: options.namespace } : {}),
  };
  const settings = loadSettings({ ...overrides, ...(options.home ? { home: options.home } : {}), temporal });
  const running = runningStack(homePaths(settings).run);
  if (!running) return settings;
  const chosen = (...variables: string[]) => variables.some((variable) => process.env[variable]);
  const followTemporal = !options.temporal && !chosen('TITRATE_TEMPORAL_HOST', 'TITRATE_TEMPORAL_PORT');
  const followInference = !chosen('TITRATE_INFERENCE_HOST', 'TITRATE_INFERENCE_PORT');
  return {
    ...settings,
    temporal: followTemporal
      ? {
          ...settings.temporal,
          ...running.temporal,
          ...(options.namespace ? { namespace: options.namespace } : {}),
        }
      : settings.temporal,
    inference: followInference ? { ...settings.inference, ...running.inference } : settings.inference,
    workingDirectory: process.env.TITRATE_WORKING_DIRECTORY
      ? settings.workingDirectory
      : running.workingDirectory,
  };
}

export function createCli(options: GlobalOptions, settings = settingsOf(options)): Cli {
  return {
    settings,
    json: options.json ?? false,
    debug: options.debug ?? false,
    say: (line) => void process.stderr.write(`${line}\n`),
    result(value, render) {
      const text = options.json ? JSON.stringify(value) : render(value).replace(/\n+$/, '');
      if (text !== '') process.stdout.write(`${text}\n`);
    },
  };
}

/**
 * Wraps a verb's body for commander, which hands over the arguments, then the verb's own options, then the command.
 * The body returns the exit code when it is not 0.
 */
export function verb<A extends unknown[], O>(
  body: (cli: Cli, options: O & GlobalOptions, ...args: A) => Promise<number | void>,
) {
  return async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command;
    const args = all.slice(0, -2) as A;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    process.exitCode = (await body(createCli(options), options, ...args)) ?? 0;
  };
}
