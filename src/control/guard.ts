import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { TunnelError } from '../core/errors.js';
import { problemResponse } from './problem.js';

export interface GuardOptions {
  /** The address that it listens on. */
  readonly host: string;
  /** More names by which it may be called. */
  readonly names: readonly string[];
  /** Without it, everyone who reaches the port may do everything. */
  readonly token: string | undefined;
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True for an address that only programs of this machine reach. */
export function isLoopback(host: string): boolean {
  return loopback.has(host) || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Paths that need no token: the page, which holds no secret, and what health checks ask. */
const isOpen = (path: string): boolean => !/^\/(v1|metrics)\b/.test(path);

/**
 * Who may ask. A page of another site in the same browser must not: it shows its own Origin, or calls this machine by its
 * own name (DNS rebinding), so both are checked. A program of another machine needs the token.
 */
export function guards(options: GuardOptions): readonly MiddlewareHandler[] {
  return [headers, access(options), bodyType];
}

const policy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers: MiddlewareHandler = async (context, next) => {
  await next();
  context.header('content-security-policy', policy);
  context.header('x-content-type-options', 'nosniff');
  context.header('referrer-policy', 'no-referrer');
  context.header('cross-origin-opener-policy', 'same-origin');
  context.header('cross-origin-resource-policy', 'same-origin');
};

function access({ host, names, token }: GuardOptions): MiddlewareHandler {
  const known = new Set([...loopback, host, host.includes(':') ? `[${host}]` : host, ...names]);
  // Who listens on all addresses is called by any of them. A number cannot be rebound.
  const isNumber = (name: string): boolean => !isLoopback(host) && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  return async ({ req }, next) => {
    const asked = req.header('host') ?? '';
    const name = asked.replace(/:\d+$/, '').toLowerCase();
    if (!known.has(name) && !isNumber(name)) return refused(`this is not ${asked}`);
    const origin = req.header('origin');
    if (origin !== undefined && origin.toLowerCase() !== `http://${asked.toLowerCase()}`) {
      return refused(`the page of ${origin} may not ask`);
    }
    if (token !== undefined && !isOpen(req.path) && !isToken(req.header('authorization'), token)) {
      const hint = 'Send `Authorization: Bearer TOKEN`; `konnsim up` names the file of the token.';
      return problemResponse(new TunnelError('UNAUTHORIZED', 'the token is missing or wrong', { hint }));
    }
    return next();
  };
}

function refused(why: string): Response {
  return problemResponse(new TunnelError('FORBIDDEN', why));
}

/** Takes the same time for each wrong token. */
function isToken(given: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(`Bearer ${token}`));
}

/** A form of another site can send other types without asking first. */
const bodyType: MiddlewareHandler = async ({ req }, next) => {
  const type = req.header('content-type');
  const isJson = type === undefined || /^application\/(json|merge-patch\+json)\s*(;|$)/i.test(type);
  if (isJson || req.method === 'GET' || req.method === 'HEAD') return next();
  const error = new TunnelError('BAD_REQUEST', `body: its type is ${type}, not application/json`);
  return problemResponse(error, 415);
};
