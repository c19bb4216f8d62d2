import type { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { SEARCH_ATTRIBUTES, TitrateError, type SearchAttributeName } from '../contracts';

/** Status codes of gRPC. */
export const GRPC = {
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

const CALL_MS = 15_000;
const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;
const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];
/** temporal.api.enums.v1.IndexedValueType, by number. */
const INDEXED = ['Unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

/** A server that does not do this over this connection, as Temporal Cloud does with what changes a namespace. */
export const isRefusal = (error: unknown): boolean =>
  [GRPC.permissionDenied, GRPC.unimplemented, GRPC.unauthenticated].includes((error as { code: never }).code);

const call = <T>(connection: Connection, body: () => Promise<T>) =>
  connection.withDeadline(Date.now() + CALL_MS, body);

/**
 * Types of a namespace's own search attributes, by name. Where the operator's service is refused, the namespace's own description is
 * read: it maps fields such as `Keyword01` to names.
 */
export async function listSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<Map<string, string>> {
  try {
    const { customAttributes } = await call(connection, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return new Map(
      Object.entries(customAttributes ?? {}).map(([name, type]) => [name, INDEXED[type] ?? String(type)]),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { config } = await call(connection, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return new Map(
      Object.entries(config?.customSearchAttributeAliases ?? {}).map(([field, name]) => [
        name,
        field.replace(/\d+$/, ''),
      ]),
    );
  }
}

/**
 * Registers those that are missing. Any number of workers may do so at once.
 * @returns which ones, as `name (type)`; with `dryRun` nothing is written
 * @throws TitrateError contradiction when one is there with another type; forbidden when the server lets nobody add them
 */
export async function addSearchAttributes(
  connection: Connection,
  namespace: string,
  {
    dryRun = false,
    known,
    where = `namespace ${namespace}`,
  }: { dryRun?: boolean; known: Map<string, string>; where?: string },
): Promise<string[]> {
  const other = NAMES.filter((name) => known.has(name) && known.get(name) !== SEARCH_ATTRIBUTES[name]);
  if (other.length) {
    const [first] = other;
    throw new TitrateError('contradiction', {
      what: other
        .map(
          (name) => `search attribute ${name} is ${known.get(name)}, and must be ${SEARCH_ATTRIBUTES[name]}`,
        )
        .join('; '),
      where,
      remedy: `Its type cannot be changed. If nobody uses it: temporal operator search-attribute remove --namespace ${namespace} --name ${first}; else give titrate a namespace of its own (TITRATE_TEMPORAL_NAMESPACE)`,
    });
  }
  const missing = NAMES.filter((name) => !known.has(name));
  const words = missing.map((name) => `${name} (${SEARCH_ATTRIBUTES[name]})`);
  if (missing.length === 0 || dryRun) return words;
  try {
    await call(connection, () =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          missing.map((name) => [
            name,
            encodeSearchAttributeIndexedValueType(TYPES[SEARCH_ATTRIBUTES[name]])!,
          ]),
        ),
      }),
    );
  } catch (error) {
    if (isRefusal(error)) {
      const options = missing
        .map((name) => `--search-attribute "${name}=${SEARCH_ATTRIBUTES[name]}"`)
        .join(' ');
      throw new TitrateError(
        'forbidden',
        {
          what: `search attributes are missing, and the server lets nobody add them over this connection: ${words.join(', ')}`,
          where,
          remedy: `On Temporal Cloud: tcld namespace search-attributes add --namespace ${namespace} ${options}`,
        },
        { cause: error },
      );
    }
    // Another one was first.
    const { details, message } = error as Error & { details?: string };
    if (!/already exists/i.test(details ?? message)) throw error;
  }
  return words;
}
