import { createRequire } from 'node:module';
import path from 'node:path';
import { TitrateError } from '../../contracts';
import { packageRoot } from '../../foundation';

export interface TemporalCli {
  readonly path: string;
  /** e.g. 'temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)' */
  readonly version: string;
  /** Where it was found: 'TEMPORAL_CLI', 'PATH', '.titrate/tools', 'the SDK download'. */
  readonly from: string;
}

/**
 * The Temporal CLI on this machine, found by the same rules as `npm run setup` (scripts/temporal-cli.cjs).
 * @throws TitrateError dependency-missing.
 */
export function findTemporalCli(): TemporalCli {
  // Plain Node code outside the compiled tree, because set-up needs it before anything is compiled.
  const load = createRequire(path.join(packageRoot, 'package.json'));
  const finder = load('./scripts/temporal-cli.cjs') as { findTemporalCli(): TemporalCli | null };
  let found: TemporalCli | null;
  try {
    found = finder.findTemporalCli();
  } catch (error) {
    throw new TitrateError('dependency-missing', { what: (error as Error).message });
  }
  if (!found) {
    throw new TitrateError('dependency-missing', {
      what: 'the Temporal CLI, which is also its development server, was not found',
      remedy: "Run 'npm run setup', which fetches it, or set TEMPORAL_CLI to its path",
    });
  }
  return found;
}
