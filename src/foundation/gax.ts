import { createRequire } from 'node:module';

interface PlainGax {
  readonly grpc: { readonly credentials: { createInsecure(): never } };
  readonly googleAuthLibrary: { readonly PassThroughClient: new () => unknown };
  readonly GoogleAuth: new (options: { authClient: unknown }) => never;
}

/** What a generated client takes to reach another server; the last two are of its own libraries' types. */
export interface GaxConnection {
  readonly apiEndpoint?: string;
  readonly port?: number;
  readonly sslCreds?: never;
  readonly auth?: never;
}

/**
 * Options that make a client of Google's generated libraries talk to another server.
 * @param library the client's package, e.g. '@google-cloud/dataflow'
 * @param endpoint `host:port` by TLS; `http://host:port` without, and without credentials (a local server)
 */
export function gaxConnection(library: string, endpoint: string | undefined): GaxConnection {
  if (endpoint === undefined) return {};
  const plain = endpoint.startsWith('http://');
  const url = new URL(/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`);
  const port = url.port === '' ? (plain ? 80 : 443) : Number(url.port);
  if (!plain) return { apiEndpoint: url.hostname, port };
  // Of the very gRPC and authentication libraries that the client uses; nobody is asked for credentials.
  const gax = createRequire(require.resolve(library))('google-gax') as PlainGax;
  const authClient = new gax.googleAuthLibrary.PassThroughClient();
  return {
    apiEndpoint: url.hostname,
    port,
    sslCreds: gax.grpc.credentials.createInsecure(),
    auth: new gax.GoogleAuth({ authClient }),
  };
}
