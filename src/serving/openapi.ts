import type { HTTPMethods } from 'fastify';
import { z } from 'zod';
import { problemSchema } from './answers';
import type { Scope } from './access';

/** A body, or an answer. */
export interface Content {
  readonly description: string;
  /** Left out: no JSON. */
  readonly schema?: z.ZodType;
  /** Default application/json. */
  readonly type?: string;
  /** Further media types, whose bytes no schema describes. */
  readonly alsoAs?: readonly string[];
}

/** A route as it is documented; the same description registers it. */
export interface RouteDescription {
  readonly method: Extract<HTTPMethods, 'GET' | 'POST'>;
  /** With `:name` for a parameter. */
  readonly url: string;
  readonly id: string;
  readonly summary: string;
  readonly scope: Scope | 'open';
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Content;
  readonly answers: Readonly<Record<number, Content>>;
}

const PARAMETERS: Readonly<Record<string, string>> = {
  name: 'Name of the model: the campaign',
  version: "'v3' or '3'",
};

/** The OpenAPI 3.1 document of the routes: its schemas are those that requests are checked by. */
export function openApiDocument(routes: readonly RouteDescription[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const url = route.url.replace(/:(\w+)/g, '{$1}');
    paths[url] = { ...paths[url], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'titrate inference server',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Open Inference Protocol v2, and predictions of molecules by SMILES.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, or a token of the OpenID Connect issuer',
        },
        key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
    },
  };
}

function operation({
  url,
  id,
  summary,
  scope,
  query,
  headers = {},
  body,
  answers,
}: RouteDescription): object {
  const parameters = [
    ...[...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: 'path', required: true, description: PARAMETERS[name!] },
      schema: { type: 'string' },
    })),
    ...(query ? queryParameters(query) : []),
    ...Object.entries(headers).map(([name, description]) => ({
      ...{ name, in: 'header', required: false, description },
      schema: { type: 'string' },
    })),
  ];
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    operationId: id,
    summary,
    ...(scope !== 'open' && { security: [{ bearer: [scope] }, { key: [scope] }, {}] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, description: body.description, content: contentOf(body, 'input') },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          { description: answer.description, content: contentOf(answer, 'output') },
        ]),
      ),
      default: { description: 'A problem (RFC 9457): what, where, and what to do', content: problem },
    },
  };
}

function queryParameters(query: z.ZodObject): object[] {
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
    ...(schema.description && { description: schema.description }),
  }));
}

function contentOf(
  { schema, type = 'application/json', alsoAs = [] }: Content,
  io: 'input' | 'output',
): object {
  return {
    [type]: schema ? { schema: jsonSchema(schema, io) } : {},
    ...Object.fromEntries(alsoAs.map((other) => [other, {}])),
  };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  void $schema;
  return rest;
}
