import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compiledEntry } from '../../src/foundation';

/** A directory of its own, as the current directory of the commands that a test runs. */
export function workplace(files: Record<string, string> = {}): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  return directory;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a process of its own. Nothing listens where it looks for Temporal. */
export const titrate = (cwd: string, ...args: string[]): Ran => titrateWith({}, cwd, ...args);

/** The same with variables of one's own. */
export function titrateWith(variables: NodeJS.ProcessEnv, cwd: string, ...args: string[]): Ran {
  const env = {
    PATH: process.env.PATH,
    HOME: os.homedir(),
    NO_COLOR: '1',
    TITRATE_TEMPORAL_PORT: '1',
    TITRATE_HOME: path.join(cwd, 'home'),
    ...variables,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiledEntry('src/cli/main'), ...args], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
