import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import type { AddressInfo } from 'node:net';

/** Why there can be no certificates here; null where they can be made. */
export const opensslLacks = (): string | null =>
  spawnSync('openssl', ['version']).status === 0 ? null : 'no openssl here';

function openssl(directory: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority in a directory, valid for a day. */
export function makeAuthority(directory: string, name: string) {
  const at = (file: string) => path.join(directory, file);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const files = (of: string): Pair => ({ cert: at(`${of}.pem`), key: at(`${of}.key`) });
  const ca = files(name);
  openssl(directory, 'req', '-x509', ...newKey, '-days', '1', '-subj', `/CN=${name}`,
    '-keyout', ca.key, '-out', ca.cert); // prettier-ignore
  return {
    ca: ca.cert,
    /** A certificate for a host name. */
    issue(host: string): Pair {
      const made = files(`${name}-${host}`);
      writeFileSync(at('extensions'), `subjectAltName=DNS:${host}\n`);
      openssl(
        directory,
        'req',
        ...newKey,
        '-subj',
        `/CN=${host}`,
        '-keyout',
        made.key,
        '-out',
        at('request'),
      );
      openssl(directory, 'x509', '-req', '-in', at('request'), '-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial',
        '-days', '1', '-extfile', at('extensions'), '-out', made.cert); // prettier-ignore
      return made;
    },
  };
}

export interface GuardOptions {
  /** host:port of a gRPC server without TLS. */
  readonly upstream: string;
  readonly server: Pair;
  /** Whose certificates callers must show; nobody's where it is left out. */
  readonly clientCa?: string;
  /** Whether a call may pass, by its headers. */
  readonly admits?: (headers: http2.IncomingHttpHeaders) => boolean;
}

const UNAUTHENTICATED = '16';

/** Speaks TLS before a gRPC server that does not, as Temporal Cloud's entrance does: certificates, then the key of each call. */
export async function startTlsGuard(
  options: GuardOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const { upstream, server, clientCa, admits = () => true } = options;
  const client = http2.connect(`http://${upstream}`);
  const guard = http2.createSecureServer({
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ...(clientCa && { ca: readFileSync(clientCa), requestCert: true, rejectUnauthorized: true }),
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  guard.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  guard.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (!admits(headers)) {
      const refusal = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    const call = client.request({ ...headers, ':scheme': 'http', ':authority': upstream });
    stream.pipe(call);
    stream.once('close', () => call.close());
    call.on('error', () => stream.destroy());
    call.once('response', (answer, flags) => {
      if (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) return stream.respond(answer, { endStream: true });
      let trailers: http2.OutgoingHttpHeaders = {};
      call.once('trailers', (received) => (trailers = received));
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(answer, { waitForTrailers: true });
      call.pipe(stream);
    });
  });
  guard.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => guard.listen(0, '127.0.0.1', resolve));
  return {
    port: (guard.address() as AddressInfo).port,
    async close() {
      for (const session of sessions) session.destroy();
      client.destroy();
      await new Promise((resolve) => guard.close(resolve));
    },
  };
}
