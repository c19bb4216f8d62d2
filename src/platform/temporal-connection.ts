import { readFileSync } from 'node:fs';
import type { TLSConfig } from '@temporalio/client';
import { TitrateError } from '../contracts';
import type { Settings } from './settings';

/** The key itself, where no file has it. */
const API_KEY_VARIABLE = 'TITRATE_TEMPORAL_API_KEY';

/** What the client's Connection and the worker's NativeConnection are both opened with. */
export interface TemporalConnectionOptions {
  readonly address: string;
  readonly tls?: TLSConfig;
  readonly apiKey?: string;
  readonly metadata?: Record<string, string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const temporalAddress = ({ temporal }: Pick<Settings, 'temporal'>) =>
  `${temporal.host}:${temporal.port}`;

/** Whether the server is spoken to by TLS. */
export function speaksTls({ temporal }: Pick<Settings, 'temporal'>, env: Environment = process.env): boolean {
  const { mode, caFile, certFile, keyFile, serverName } = temporal.tls;
  if (mode) return mode === 'on';
  return Boolean(caFile || certFile || keyFile || serverName || temporal.apiKeyFile || env[API_KEY_VARIABLE]);
}

/**
 * How the Temporal server of the settings is reached. Files are read anew at each call.
 * @throws TitrateError config-invalid when a file cannot be read or is empty, when certificate and key do not go together, and when an
 * API key would be sent without TLS
 */
export function temporalConnection(
  settings: Pick<Settings, 'temporal'>,
  env: Environment = process.env,
): TemporalConnectionOptions {
  const { namespace, tls, apiKeyFile } = settings.temporal;
  const address = temporalAddress(settings);
  const apiKey = apiKeyFile
    ? read('temporal.apiKeyFile', apiKeyFile).toString('utf8').trim()
    : env[API_KEY_VARIABLE]?.trim();
  if (!speaksTls(settings, env)) {
    if (apiKey)
      throw invalid(
        'temporal.tls.mode',
        "is 'off', and an API key would be sent for everybody to read",
        'Leave it out',
      );
    return { address };
  }
  if (Boolean(tls.certFile) !== Boolean(tls.keyFile))
    throw invalid(
      tls.certFile ? 'temporal.tls.keyFile' : 'temporal.tls.certFile',
      'is missing: a certificate and its key go together',
      'Set both, or neither',
    );
  return {
    address,
    tls: {
      ...(tls.serverName && { serverNameOverride: tls.serverName }),
      ...(tls.caFile && { serverRootCACertificate: read('temporal.tls.caFile', tls.caFile) }),
      ...(tls.certFile &&
        tls.keyFile && {
          clientCertPair: {
            crt: read('temporal.tls.certFile', tls.certFile),
            key: read('temporal.tls.keyFile', tls.keyFile),
          },
        }),
    },
    // An address that several namespaces share tells them apart by the header.
    ...(apiKey && { apiKey, metadata: { 'temporal-namespace': namespace } }),
  };
}

function read(setting: string, file: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw invalid(setting, `${file} cannot be read: ${(error as Error).message}`, 'Mend the path', error);
  }
  if (content.toString('utf8').trim() === '') throw invalid(setting, `${file} is empty`, 'Write it anew');
  return content;
}

const invalid = (where: string, what: string, remedy: string, cause?: unknown) =>
  new TitrateError('config-invalid', { what, where, remedy }, { cause });
