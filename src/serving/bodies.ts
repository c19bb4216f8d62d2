import type { FastifyInstance } from 'fastify';
import { TitrateError } from '../contracts';
import { JSON_LENGTH_HEADER } from './binary-tensors';
import { NDJSON } from './molecule-routes';
import { HttpProblem } from './problems';

/** A body that is read whole must be there within this time, milliseconds. */
const BODY_MS = 30_000;

/**
 * Which bodies are understood: JSON; lines of JSON, unread, for the route that streams them; and, where a request says how much of
 * it is JSON, tensors as bytes behind it.
 */
export function acceptBodies(app: FastifyInstance): void {
  // By itself the framework would take plain text as well.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.headers[JSON_LENGTH_HEADER] !== undefined) return done(null, body);
    // The protocol's own clients say nothing of their JSON.
    if (request.headers['content-type'] === undefined) return readJson(body as Buffer, done);
    const error = new TitrateError('usage', {
      what: `the media type is ${request.headers['content-type'] ?? 'not given'}`,
      where: 'content-type',
      remedy: `Send JSON, with 'content-type: application/json'; to /predict/batch NDJSON, with '${NDJSON}'`,
    });
    return done(new HttpProblem(415, error));
  });

  app.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      const what = `the body is compressed (${encoding})`;
      const error = new TitrateError('usage', {
        what,
        where: 'content-encoding',
        remedy: 'Send it as it is',
      });
      return done(new HttpProblem(415, error));
    }
    if (request.headers['content-type']?.startsWith(NDJSON)) return done(null, payload);
    const timer = setTimeout(() => request.raw.destroy(), BODY_MS);
    payload.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    return done(null, payload);
  });
}

function readJson(body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    const what = `the body is not JSON: ${(cause as Error).message}`;
    return done(new HttpProblem(400, new TitrateError('usage', { what, where: 'request body' })));
  }
  done(null, value);
}
