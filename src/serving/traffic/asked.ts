import type { FastifyRequest } from 'fastify';
import { modelVersionId, type ModelVersion, versionParts } from '../../contracts';
import { JSON_LENGTH_HEADER } from '../binary-tensors';

export const PREDICT = '/predict';
export const PREDICT_BATCH = '/predict/batch';
export const INFER = '/v2/models/:name/infer';
export const INFER_VERSION = '/v2/models/:name/versions/:version/infer';

/** Whose model a request asks for, and which version: null when it leaves that to the server, `other` for an alias. */
export interface Asked {
  readonly campaignId: string | null;
  readonly version: string | null;
}

/**
 * Names that mean nothing are the handler's to refuse.
 * @param live the versions that answer now, one a campaign
 */
export function askedOf(
  { routeOptions, params, body, query }: FastifyRequest,
  live: () => readonly ModelVersion[],
): Asked {
  const { name, version } = params as { name: string; version?: string };
  if (routeOptions.url === INFER) return { campaignId: name, version: null };
  if (routeOptions.url === INFER_VERSION) {
    const number = Number(version!.replace(/^v/, ''));
    return { campaignId: name, version: modelVersionId(name, number) };
  }
  const { model } = ((routeOptions.url === PREDICT_BATCH ? query : body) ?? {}) as { model?: unknown };
  if (model === undefined) {
    const serving = live();
    return {
      campaignId: serving.length === 1 ? versionParts(serving[0]!.id).campaignId : null,
      version: null,
    };
  }
  if (typeof model !== 'string') return { campaignId: null, version: null };
  if (model.includes('@')) return { campaignId: model.split('@')[0]!, version: 'other' };
  const [campaignId, number] = model.split('/v');
  return { campaignId: campaignId!, version: number === undefined ? null : model };
}

/** How many molecules a request that is read whole says it holds; 0 where it says it wrongly, which the handler refuses. */
export function moleculesIn({ body, headers }: FastifyRequest): number {
  const { smiles, inputs } = (jsonOf(body, headers[JSON_LENGTH_HEADER]) ?? {}) as {
    smiles?: unknown;
    inputs?: unknown;
  };
  if (Array.isArray(smiles)) return smiles.length;
  if (!Array.isArray(inputs)) return 0;
  const tensor = (inputs as { name?: unknown; shape?: unknown }[]).find((input) => input?.name === 'smiles');
  if (!Array.isArray(tensor?.shape)) return 0;
  const count = tensor.shape.reduce((product: number, side) => product * Number(side), 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function jsonOf(body: unknown, jsonLength: string | string[] | undefined): unknown {
  if (!Buffer.isBuffer(body)) return body;
  try {
    return JSON.parse(body.toString('utf8', 0, Number(jsonLength)));
  } catch {
    return null;
  }
}
