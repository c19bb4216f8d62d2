import type { Readable } from 'node:stream';
import { TitrateError, type SourceSpec } from '../../contracts';
import type { Transport } from '../sources';
import { createBigQueryTransport, type BigQuerySourceOptions } from './bigquery';
import { createDiskTransport } from './disk';
import { createGcsTransport, type GcsSourceOptions } from './gcs';
import { createHttpsTransport, type HttpsOptions } from './https';
import { createStdinTransport } from './stdin';
import type { OpenedBytes, SourceTransport } from './transport';

export interface TransportsOptions {
  /** Where relative paths start. */
  readonly workingDirectory: string;
  /** What '-' reads; without it '-' is refused. */
  readonly stdin?: Readable;
  readonly https?: HttpsOptions;
  readonly gcs?: GcsSourceOptions;
  readonly bigquery?: BigQuerySourceOptions;
}

/** Every way of getting at bytes. Nothing is connected, and no cloud client loaded, before a source of its kind is opened. */
export function createTransports(options: TransportsOptions): SourceTransport[] {
  return [
    ...(options.stdin ? [createStdinTransport(options.stdin)] : []),
    createDiskTransport(options),
    createHttpsTransport(options.https),
    createGcsTransport(options.gcs),
    createBigQueryTransport(options.bigquery),
  ];
}

/**
 * The transport of a source.
 * @throws TitrateError config-invalid for a uri that is none's, or a `query` where there is nothing to query
 */
export function transportFor(transports: readonly Transport[], source: SourceSpec): Transport {
  const { uri } = source;
  if (source.query !== undefined && !/^bq:\/\//i.test(uri)) {
    throw new TitrateError('config-invalid', {
      what: "there is a 'query', and only bq:// sources have one",
      where: uri,
      remedy: "Take 'query' out, or write bq://project as the uri",
    });
  }
  const found = transports.find((transport) => transport.accepts(uri));
  if (found) return found;
  if (uri === '-') {
    throw new TitrateError('config-invalid', {
      what: "standard input ('-') cannot be read here",
      remedy: "Use it with 'titrate data ingest', or name a file; a file that is called '-' is './-'",
    });
  }
  throw new TitrateError('config-invalid', {
    what: `'${uri.slice(0, 300)}' is of an unknown kind; known are paths of files, file://, https://, gs:// and bq://`,
    remedy: 'Use one of these; a file whose name looks like a uri is ./name',
  });
}

/**
 * Opens a source's bytes.
 * @param options resume: go on from there, if the source still is of this version
 * @throws TitrateError config-invalid, source-missing, source-unreadable, unavailable, cancelled
 */
export function openSource(
  transports: readonly Transport[],
  source: SourceSpec,
  options: Parameters<Transport['open']>[1] = {},
): Promise<OpenedBytes> {
  return transportFor(transports, source).open(source, options);
}
