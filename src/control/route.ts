import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import { problemResponse } from './problem.js';

/** What a route gets, checked. */
export interface Call<Q, B> {
  /** The names in the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly body: B;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly context: Context;
}

/** What a route answers, for the OpenAPI document. */
export interface Answer {
  /** Default 200. */
  readonly status?: number;
  readonly type?: string;
  /** Absent for texts. */
  readonly schema?: z.ZodType;
  readonly about: string;
}

/** A route: from this one description it is served, checked and documented. */
export interface RouteSpec<Q = unknown, B = unknown> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/v1/parts/{role}/{name}:kill`. */
  readonly path: string;
  readonly summary: string;
  /** An example of each name in the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** An example of the body. */
  readonly example?: unknown;
  readonly answers: readonly Answer[];
  /** Returns what the first answer has as JSON, or a whole response. Throws a TunnelError. */
  readonly run: (call: Call<Q, B>) => unknown;
}

/** A route of any kind, with its types hidden. */
export type Route = Omit<RouteSpec, 'run'> & { readonly serve: (context: Context) => Promise<Response> };

/** Makes a route. */
export function route<Q = Record<string, never>, B = undefined>(spec: RouteSpec<Q, B>): Route {
  const { run, ...rest } = spec;
  return {
    ...rest,
    serve: async (context) => {
      const body = (
        spec.body === undefined ? undefined : check(spec.body, await jsonOf(context), 'body')
      ) as B;
      const query = (spec.query === undefined ? {} : check(spec.query, context.req.query(), 'query')) as Q;
      const params = paramsOf(spec, context);
      const answer = await run({ params, query, body, signal: context.req.raw.signal, context });
      return answer instanceof Response ? answer : json(answer, spec.answers[0]?.status);
    },
  };
}

/** A JSON answer. */
export function json(value: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

const maxBodyBytes = 64 * 1024;

class BodyTooLarge extends Error {}

function failure(caught: unknown): Response {
  if (!(caught instanceof BodyTooLarge)) return problemResponse(caught);
  const error = new TunnelError('BAD_REQUEST', `body: it has more than ${maxBodyBytes} bytes`);
  return problemResponse(error, 413);
}

/** Adds routes to an app. A verb after a colon is part of its segment, which hono knows only as a pattern. */
export function mount(app: Hono, routes: readonly Route[]): void {
  for (const { method, path, serve } of routes) {
    const pattern = path.replace(/\{(\w+)\}(:\w+)/g, ':$1{[^:/]+$2}').replace(/\/\{(\w+)\}/g, '/:$1');
    app.on(method.toUpperCase(), pattern, (context) => serve(context).catch(failure));
  }
}

function paramsOf({ params = {}, path }: Pick<RouteSpec, 'params' | 'path'>, { req }: Context) {
  const verb = /\}(:\w+)$/.exec(path)?.[1] ?? '';
  const last = /\{(\w+)\}[^{]*$/.exec(path)?.[1];
  const names = Object.keys(params).map((name) => {
    const value = req.param(name) ?? '';
    return [name, name === last ? value.slice(0, value.length - verb.length) : value] as const;
  });
  return Object.fromEntries(names);
}

async function jsonOf({ req }: Context): Promise<unknown> {
  const text = await bodyOf(req.raw);
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TunnelError('BAD_REQUEST', `body: it is no JSON: ${TunnelError.from(cause).message}`, {
      cause,
    });
  }
}

/** Reads no more than it may, also when the length was not told. */
async function bodyOf({ body }: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [what, ...(issue?.path ?? []).map(String)].join('.');
  throw new TunnelError('BAD_REQUEST', `${path}: ${issue?.message ?? 'it is wrong'}`, {
    hint: '`/openapi.json` says what it takes.',
  });
}
