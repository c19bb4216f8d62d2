import type { FastifyInstance } from 'fastify';
import { moleculeRoutes } from './molecule-routes';
import { openApiDocument } from './openapi';
import { protocolRoutes } from './protocol-routes';
import { addRoutes, type Route, type RouteParts } from './route';

/** Every route of the server, and `/openapi.json`, which describes them. @returns the routes */
export function addServerRoutes(app: FastifyInstance, parts: RouteParts): readonly Route[] {
  const routes: Route[] = [...protocolRoutes(parts), ...moleculeRoutes(parts)];
  const own: Route = {
    ...{ method: 'GET', url: '/openapi.json', id: 'openapi', scope: 'open' },
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1' } },
    handler: async () => document,
  };
  const document = openApiDocument([...routes, own], parts.release);
  addRoutes(app, [...routes, own], parts.admission);
  return [...routes, own];
}
