import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest } from './status.js';

/** The user: the subject of the client certificate, or the owner of the token. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** For example the pod that a token is bound to. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface RequestTarget {
  /** Path without query, as sent. */
  readonly path: string;
  /** Decoded parts of the path; empty parts (double or trailing slashes) are left out. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** One request and its user. HTTP/2 requests have the form of Node's HTTP/1.1 ones. */
export interface RequestContext extends RequestTarget {
  readonly request: IncomingMessage;
  readonly method: string;
  readonly user: User;
  /** All events of this request have this ID. */
  readonly id: string;
  /** Aborts when the client has left or the server closes. */
  readonly signal: AbortSignal;
}

/** A request with a response; an upgrade does not have one. */
export interface Exchange extends RequestContext {
  readonly response: ServerResponse;
}

/** Parses a request target (`/api/v1/pods?watch=true`). Throws 400 for one that cannot be decoded. */
export function parseTarget(url: string): RequestTarget {
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  const query = new URLSearchParams(end === -1 ? '' : url.slice(end + 1));
  try {
    const segments = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    return { path, segments, query };
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(path.slice(0, 200))}`);
  }
}
