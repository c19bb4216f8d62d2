import os from 'node:os';
import type { Command } from 'commander';
import type { Authorship } from '../contracts';

export interface AuthorOptions {
  readonly by?: string;
  readonly reason?: string;
}

export function addAuthorOptions(command: Command): Command {
  return command
    .option('--by <name>', 'who does it (default: the user of this computer)')
    .option('--reason <text>', 'why: kept with the change for ever');
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container's user may have no name.
    return process.env.USER ?? 'unknown';
  }
}

export const authorship = (options: AuthorOptions, otherwise: string): Authorship => ({
  author: options.by ?? userName(),
  reason: options.reason ?? otherwise,
});
