import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  createKeyAuthenticator,
  hashOfKey,
  isLoopback,
  newApiKey,
  type Authenticator,
} from '../serving/access';
import type { Settings } from './settings';

type Home = Pick<Settings, 'home'>;

const fileOf = ({ home }: Home) => path.join(path.resolve(home), 'inference.key');

/** The key of this installation, made where there is none: a file in its home that its owner alone can read. */
function ensureKey(settings: Home): string {
  const file = fileOf(settings);
  const known = readKey(settings);
  if (known !== null) return known;
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, newApiKey().key, { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readKey(settings)!;
}

function readKey(settings: Home): string | null {
  try {
    return readFileSync(fileOf(settings), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Knows the processes of this installation by the key in its home: those that deploy to its inference server ask it how a trial stands
 * and what was counted.
 * @param isOpen whether nobody is asked who he is
 * @returns null on a loopback address where nobody is asked
 */
export function internalAuthenticator(
  settings: Pick<Settings, 'home' | 'inference'>,
  isOpen: boolean,
): Authenticator | null {
  if (isOpen && isLoopback(settings.inference.host)) return null;
  return createKeyAuthenticator([
    { name: 'titrate', sha256: hashOfKey(ensureKey(settings)), scopes: ['read'] },
  ]);
}

/** What a process of this installation sends along: asked anew each time, for the server may have been started later. */
export const internalHeaders = (settings: Home) => (): Readonly<Record<string, string>> => {
  const key = readKey(settings);
  return key === null ? {} : { authorization: `Bearer ${key}` };
};
