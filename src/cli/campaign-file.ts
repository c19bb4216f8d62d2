import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import {
  campaignConfigSchema,
  CAMPAIGN_ID_PATTERN,
  parseWith,
  TitrateError,
  type CampaignConfig,
} from '../contracts';

/**
 * Reads a campaign file, JSON or YAML, and checks all of it.
 * @throws TitrateError source-missing (the file), config-invalid naming every problem and, for an unknown key, the nearest one.
 */
export function readCampaignFile(file: string): CampaignConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new TitrateError(
      'source-missing',
      { what: 'the campaign file cannot be read', where: path.resolve(file) },
      { cause: error },
    );
  }
  let value: unknown;
  try {
    // JSON is read by its own parser for its own error messages; YAML would take most of it too.
    value = /\.json$/i.test(file) ? JSON.parse(text) : parse(text, { prettyErrors: true });
  } catch (error) {
    const what = `not ${/\.json$/i.test(file) ? 'JSON' : 'YAML'}: ${(error as Error).message.split('\n')[0]}`;
    throw new TitrateError('config-invalid', { what, where: file }, { cause: error });
  }
  return parseWith(campaignConfigSchema, value, file);
}

/** @throws TitrateError source-missing naming every source that is not a readable file, before anything is started. */
export function requireSources(config: CampaignConfig, workingDirectory: string): void {
  const missing = (config.pool.sources ?? [])
    .filter(({ uri }) => !/^[a-z][a-z0-9+.-]+:\/\//i.test(uri))
    .map(({ uri }) => path.resolve(workingDirectory, uri))
    .filter((file) => !statSync(file, { throwIfNoEntry: false })?.isFile());
  if (missing.length === 0) return;
  throw new TitrateError('source-missing', {
    what: `no such file: ${missing.join(', ')}`,
    where: 'pool.sources',
    remedy: `Relative paths start at ${workingDirectory}, the directory the stack runs in`,
  });
}

/** `solubility-20261124T143000Z`: the title or file name made into an id, and the time in UTC. */
export function proposeCampaignId(name: string, now: Date): string {
  const slug =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'campaign';
  return `${slug}-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

/** @throws TitrateError usage when `id` cannot be a campaign's id. */
export function requireCampaignId(id: string): string {
  if (CAMPAIGN_ID_PATTERN.test(id)) return id;
  throw new TitrateError('usage', {
    what: `'${id}' cannot be a campaign id`,
    where: '--id',
    remedy: 'Use up to 100 letters, digits, dots, dashes and underscores, the first a letter or digit',
  });
}
