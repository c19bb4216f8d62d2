import { CAMPAIGN_ID_PATTERN, TitrateError } from '../contracts';

const ALIAS_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** A model version by number, or whatever an alias points at. */
export type ModelName =
  | { readonly kind: 'version'; readonly campaignId: string; readonly number: number }
  | { readonly kind: 'alias'; readonly campaignId: string; readonly alias: string };

/** Version number of `v3` or `3`; null when the text is neither. */
export function parseVersionNumber(text: string): number | null {
  const match = /^v?([1-9]\d{0,8})$/.exec(text);
  return match ? Number(match[1]) : null;
}

/**
 * Reads `campaign/v3`, `campaign/3` or `campaign@alias`.
 * @throws TitrateError usage when the text is none of these.
 */
export function parseModelName(name: string): ModelName {
  const at = name.lastIndexOf('@');
  if (at > 0) {
    const [campaignId, alias] = [name.slice(0, at), name.slice(at + 1)];
    if (CAMPAIGN_ID_PATTERN.test(campaignId) && ALIAS_PATTERN.test(alias))
      return { kind: 'alias', campaignId, alias };
  }
  const slash = name.lastIndexOf('/');
  const number = slash > 0 ? parseVersionNumber(name.slice(slash + 1)) : null;
  if (number !== null && CAMPAIGN_ID_PATTERN.test(name.slice(0, slash))) {
    return { kind: 'version', campaignId: name.slice(0, slash), number };
  }
  throw new TitrateError('usage', {
    what: `'${name}' is not the name of a model version`,
    remedy:
      "Write CAMPAIGN/vNUMBER or CAMPAIGN@ALIAS, such as 'solubility-42/v3' or 'solubility-42@production'",
  });
}

/**
 * Full name of a version of one campaign: `v3` and `3` are versions of it, `@candidate` an alias of it; what names a campaign
 * already stays as it is.
 */
export function modelNameIn(campaignId: string, text: string): string {
  if (parseVersionNumber(text) !== null) return `${campaignId}/${text}`;
  return text.startsWith('@') ? campaignId + text : text;
}

/** @throws TitrateError usage: campaign ids and aliases become parts of record keys. */
export function checkCampaignId(campaignId: string): void {
  if (CAMPAIGN_ID_PATTERN.test(campaignId)) return;
  throw new TitrateError('usage', {
    what: `'${campaignId}' cannot be a campaign id`,
    remedy: 'Use letters, digits, dots, dashes and underscores, 100 at most, a letter or digit first',
  });
}

/** @throws TitrateError usage. */
export function checkAlias(alias: string): void {
  if (ALIAS_PATTERN.test(alias)) return;
  throw new TitrateError('usage', {
    what: `'${alias}' cannot be an alias`,
    remedy: 'Use letters, digits, dots, dashes and underscores, 100 at most, a letter or digit first',
  });
}
