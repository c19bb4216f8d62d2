import { TitrateError } from '../../contracts';
import { traceHeaders } from '../../foundation';
import type { NamedPredictions } from '../../serving';

const SERVER_TIMEOUT_MS = 120_000;

/** Asks an inference server. @throws unavailable, not-found. */
export async function askServer(
  server: string,
  model: string,
  smiles: readonly string[],
  signal?: AbortSignal,
): Promise<NamedPredictions> {
  const timeout = AbortSignal.timeout(SERVER_TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(new URL('/predict', server), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...traceHeaders() },
      body: JSON.stringify({ model, smiles }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new TitrateError(
      'unavailable',
      {
        what: 'no inference server answers',
        where: server,
        remedy: "Start one with 'titrate up', or leave --server out",
      },
      { cause: error },
    );
  }
  const body = (await response.json().catch(() => null)) as
    (NamedPredictions & { detail?: string; title?: string }) | null;
  if (response.ok && body) return body;
  throw new TitrateError(response.status === 404 ? 'not-found' : 'unavailable', {
    what: body?.detail ?? body?.title ?? `the server answered ${response.status}`,
    where: server,
  });
}
