import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { routesOf } from '../../src/control/app.js';
import { Places } from '../../src/control/context.js';
import { type ControlBench, startControlBench } from '../support/control-bench.js';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly example?: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>;
}

interface Media {
  readonly schema: object;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let bench: ControlBench;
let document: Document;

beforeAll(async () => {
  bench = await startControlBench({ servers: 1 });
  document = (await bench.ask('GET', '/openapi.json')).json as Document;
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A schema of the document as a check. */
function schemaOf(schema: object): z.ZodType {
  const whole = { ...schema, $defs: document.components.schemas };
  const text = JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/');
  return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
}

const slow = { id: 'silence', do: { latency: { delay: 1 } } } as const;

/** What must be there before the example of an operation can work. */
const prepare: Readonly<Record<string, () => unknown>> = {
  'post /v1/faults': () => bench.lab.heal(),
  'get /v1/faults/{id}': () => bench.lab.heal() ?? bench.lab.fault(slow),
  'delete /v1/faults/{id}': () => bench.lab.heal() ?? bench.lab.fault(slow),
  'post /v1/requests': () => bench.lab.heal(),
  'get /v1/requests/{id}': () => bench.lab.exec('web-1', ['true']),
};

/** The examples of an operation, sent as the document says. */
async function tryExample(method: string, path: string): Promise<void> {
  const operation = document.paths[path]?.[method];
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(
      operation?.parameters?.find((one) => one.name === name)?.example ?? `no example of ${name}`,
    ),
  );
  const body = operation?.requestBody?.content['application/json']?.example;
  const answer = await bench.ask(method.toUpperCase(), filled, body === undefined ? {} : { body });
  const media = (answer.headers['content-type'] ?? '').split(';')[0] ?? '';
  const described = operation?.responses[String(answer.status)]?.content[media];
  expect(described, `${answer.status} ${media}: ${answer.text}`).toBeDefined();
  if (media === 'application/json') schemaOf(described?.schema ?? {}).parse(answer.json);
}

describe('the OpenAPI document', () => {
  it('has every route of the app, and no other', () => {
    const routes = routesOf({
      lab: bench.lab,
      stopped: AbortSignal.abort(),
      isPrivate: false,
      held: new Places(1, ''),
      working: new Places(1, ''),
    });
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(told.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
    expect(document.openapi).toBe('3.1.0');
  });

  it('refers only to schemas that it has', () => {
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      ([, name]) => name,
    );
    for (const name of new Set(names)) expect(document.components.schemas).toHaveProperty(name ?? '');
  });

  it('gives examples that the server takes, and answers as it says', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        await prepare[`${method} ${path}`]?.();
        await tryExample(method, path);
        // A killed agent of one example is none for the next.
        if (path.includes(':')) await bench.ask('POST', '/v1:reset');
      }
    }
  });
});
