import { spawnSync } from 'node:child_process';

/**
 * Folder with the sources of a Go module, as Go's own command keeps them; they are fetched once.
 * @param module path@version
 * @returns null where there is no Go; with TITRATE_SKIP_NOTHING that is an error
 */
export function goModule(module: string): string | null {
  const { status, stdout, stderr } = spawnSync('go', ['mod', 'download', '-json', module], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (status === 0) return (JSON.parse(stdout) as { Dir: string }).Dir;
  const reason = `${module} cannot be had: ${stderr ? stderr.trim() : 'no go here'}`;
  if (process.env.TITRATE_SKIP_NOTHING) throw new Error(reason);
  process.stderr.write(`${reason}\n`);
  return null;
}
