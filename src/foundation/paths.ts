import { existsSync } from 'node:fs';
import path from 'node:path';

/** The checkout (or installed package) this code belongs to: the folder with package.json, seen from src/ or dist/src/. */
export const packageRoot: string = (() => {
  for (let at = __dirname; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, 'package.json'))) return at;
    if (at === path.dirname(at)) throw new Error(`there is no package.json above ${__dirname}`);
  }
})();

/**
 * The compiled file of a source, for worker threads and child processes, which run dist/ even when the caller runs
 * from source under jest.
 * @param source path from the root without extension, e.g. 'src/chemistry/rdkit-thread'
 */
export function compiledEntry(source: string): string {
  return path.join(packageRoot, 'dist', `${source}.js`);
}
