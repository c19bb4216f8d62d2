import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from './paths';

/** Version of titrate, as package.json says it. */
export const release: string = (
  JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;
