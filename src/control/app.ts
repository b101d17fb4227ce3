import { Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { ControlContext } from './context.js';
import { eventRoutes } from './event-routes.js';
import { faultRoutes } from './fault-routes.js';
import { type GuardOptions, guards } from './guard.js';
import { healthRoutes } from './health-routes.js';
import { labRoutes } from './lab-routes.js';
import { openApiOf } from './openapi.js';
import { packageVersion } from './package-version.js';
import { partRoutes } from './part-routes.js';
import { problemResponse } from './problem.js';
import { requestRoutes } from './request-routes.js';
import { mount, type Route, route } from './route.js';
import { staticFiles } from './static-files.js';

/** All routes of the API, in the order of the document. */
export function routesOf(context: ControlContext): readonly Route[] {
  const kinds = [labRoutes, partRoutes, faultRoutes, requestRoutes, eventRoutes, healthRoutes];
  const routes = kinds.flatMap((make) => make(context));
  const whole = (): unknown => openApiOf([...routes, document], packageVersion());
  const document: Route = route({
    method: 'get',
    path: '/openapi.json',
    summary: 'This document.',
    answers: [{ schema: z.looseObject({ openapi: z.string() }), about: 'OpenAPI 3.1.' }],
    run: whole,
  });
  return [...routes, document];
}

/** The API and the page, without a socket. */
export function createApp(context: ControlContext, guard: GuardOptions, web: string): Hono {
  // This router takes a colon inside a segment, as in `faults:check`, as it is.
  const app = new Hono({ router: new TrieRouter() });
  for (const one of guards(guard)) app.use('*', one);
  mount(app, routesOf(context));
  app.use('*', staticFiles(web));
  app.notFound(({ req }) =>
    problemResponse(new TunnelError('PATH_NOT_FOUND', `there is no ${req.method} ${req.path}`)),
  );
  app.onError((error) => problemResponse(error));
  return app;
}
