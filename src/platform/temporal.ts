import { Client, Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { SEARCH_ATTRIBUTES, TitrateError } from '../contracts';
import type { Settings } from './settings';

const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;

export const temporalAddress = ({ temporal }: Pick<Settings, 'temporal'>) =>
  `${temporal.host}:${temporal.port}`;

/** @throws TitrateError unavailable, saying how to start a server. */
export async function connectTemporal(settings: Pick<Settings, 'temporal'>): Promise<Connection> {
  const address = temporalAddress(settings);
  try {
    return await Connection.connect({ address, connectTimeout: '5s' });
  } catch (error) {
    throw new TitrateError(
      'unavailable',
      {
        what: 'no Temporal server answers',
        where: address,
        remedy: "Start one with 'titrate up', or set TITRATE_TEMPORAL_HOST and TITRATE_TEMPORAL_PORT",
      },
      { cause: error },
    );
  }
}

export async function openClient(settings: Pick<Settings, 'temporal'>): Promise<Client> {
  return new Client({ connection: await connectTemporal(settings), namespace: settings.temporal.namespace });
}

/** Registers the search attributes that are missing. Any number of workers may do so at once. */
export async function registerSearchAttributes(settings: Pick<Settings, 'temporal'>): Promise<void> {
  const connection = await connectTemporal(settings);
  try {
    const { namespace } = settings.temporal;
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await connection.operatorService
      .addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          missing.map(([name, type]) => [name, encodeSearchAttributeIndexedValueType(TYPES[type])!]),
        ),
      })
      .catch((error: Error & { details?: string }) => {
        // Another worker was first.
        if (!/already exists/i.test(error.details ?? error.message)) throw error;
      });
  } finally {
    await connection.close();
  }
}
