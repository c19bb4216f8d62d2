import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseWith, TitrateError } from '../../contracts';
import { SCOPES, type Authenticator, type Principal } from './principal';

const perMinute = z.number().int().min(1).optional();

/** One key as it is kept: its hash, never the key. */
export const apiKeySchema = z.strictObject({
  name: z.string().min(1).max(100),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected the SHA-256 of the key, 64 hexadecimal digits'),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['predict', 'read']),
  requestsPerMinute: perMinute,
  moleculesPerMinute: perMinute,
  maxMolecules: perMinute,
});
export type ApiKey = z.infer<typeof apiKeySchema>;

const keysSchema = z.array(apiKeySchema).min(1);

/** What keys begin with, so that one is known where it should not be. */
const PREFIX = 'titrate_';
const KEY_BYTES = 32;

export const hashOfKey = (key: string) => createHash('sha256').update(key, 'utf8').digest('hex');

/** A new key of 256 random bits, and its hash. The key is seen here and never again. */
export function newApiKey(): { key: string; sha256: string } {
  const key = PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  return { key, sha256: hashOfKey(key) };
}

/**
 * The keys of a YAML or JSON file, or of a text that holds them.
 * @throws TitrateError source-missing, config-invalid
 */
export function readApiKeys(from: { readonly file: string } | { readonly text: string }): ApiKey[] {
  const where = 'file' in from ? from.file : 'TITRATE_INFERENCE_KEYS';
  let text: string;
  try {
    text = 'file' in from ? readFileSync(from.file, 'utf8') : from.text;
  } catch (cause) {
    const what = 'the file of API keys cannot be read';
    throw new TitrateError(
      'source-missing',
      { what, where, remedy: 'Correct inference.auth.keysFile' },
      { cause },
    );
  }
  let tree: unknown;
  try {
    tree = parse(text);
  } catch (cause) {
    throw new TitrateError('config-invalid', { what: 'the API keys are not YAML', where }, { cause });
  }
  return parseWith(keysSchema, tree, where);
}

/**
 * Keys are long and random, so a plain hash hides them, and looking a hash up tells nothing by its time.
 * @throws TitrateError config-invalid when two keys share a name or a hash
 */
export function createKeyAuthenticator(keys: readonly ApiKey[]): Authenticator {
  const byHash = new Map<string, Principal>();
  const names = new Set<string>();
  for (const { name, sha256, scopes, ...limits } of keys) {
    if (names.has(name) || byHash.has(sha256)) {
      throw new TitrateError('config-invalid', {
        what: `two API keys share ${names.has(name) ? 'the name' : 'their hash; one is'} '${name}'`,
        remedy: 'Give each key a name of its own',
      });
    }
    names.add(name);
    byHash.set(sha256, { name, scopes: new Set(scopes), limits });
  }
  return { authenticate: (key) => Promise.resolve(byHash.get(hashOfKey(key)) ?? null) };
}
