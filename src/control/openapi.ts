import { z } from 'zod';
import { problemSchema } from './contract.js';
import type { Answer, Route } from './route.js';

type Json = Readonly<Record<string, unknown>>;
type Shown = Pick<Route, 'method' | 'path' | 'summary' | 'params' | 'query' | 'body' | 'example' | 'answers'>;

/** The OpenAPI 3.1 document of all routes. Its schemas are those with which they check. */
export function openApiOf(routes: readonly Shown[], version: string): Json {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'konnectivity-sim control API',
      version,
      description: 'A lab over HTTP. Errors are problem details (RFC 9457) with a stable `code`.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}

function operation(
  { method, summary, params, query, body, example, answers, path }: Shown,
  schemas: Schemas,
): Json {
  const inPath = Object.entries(params ?? {}).map(([name, value]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    example: value,
  }));
  const parameters = [...inPath, ...(query === undefined ? [] : queryParameters(query, schemas))];
  const content = { 'application/json': { schema: body && reference(body, schemas, 'input'), example } };
  return {
    operationId: `${method}${path.replaceAll(/[^\w]+(\w?)/g, (_all, first: string) => first.toUpperCase())}`,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: example !== undefined, content } }),
    responses: Object.fromEntries([
      ...byStatus(answers).map(([status, ofStatus]) => [status, response(ofStatus, schemas)]),
      ['default', response([failure], schemas)],
    ]),
  };
}

const failure: Answer = { type: 'application/problem+json', schema: problemSchema, about: 'A failure.' };

function byStatus(answers: readonly Answer[]): readonly (readonly [string, readonly Answer[]])[] {
  const statuses = [...new Set(answers.map(({ status = 200 }) => status))];
  return statuses.map((one) => [String(one), answers.filter(({ status = 200 }) => status === one)]);
}

function response(answers: readonly Answer[], schemas: Schemas): Json {
  const content = answers.map(({ type, schema }) => [
    type ?? (schema === undefined ? 'text/plain' : 'application/json'),
    { schema: schema === undefined ? { type: 'string' } : reference(schema, schemas, 'output') },
  ]);
  return { description: answers[0]?.about, content: Object.fromEntries(content) };
}

type Schemas = Record<string, unknown>;

function queryParameters(query: z.ZodType, schemas: Schemas): readonly Json[] {
  const { properties = {} } = reference(query, schemas, 'output') as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

/** A schema of a route. Those with an `id` become components. */
function reference(schema: z.ZodType, schemas: Schemas, io: 'input' | 'output'): Json {
  const whole = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' });
  const text = JSON.stringify(whole).replaceAll('#/$defs/', '#/components/schemas/');
  const { $defs = {}, properties } = JSON.parse(text) as { $defs?: Schemas; properties: { it: Json } };
  for (const [name, { id: _id, ...shape }] of Object.entries($defs as Record<string, Json>)) {
    schemas[name] = shape;
  }
  return properties.it;
}
