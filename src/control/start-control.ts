import { setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { joinHostPort } from '../core/address.js';
import { listenError, TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import { createApp } from './app.js';
import { Places } from './context.js';
import { isLoopback } from './guard.js';
import { builtPage } from './static-files.js';

/** Options of `startControl`. All may be left out. */
export interface ControlOptions {
  /** The address to listen on. Default 127.0.0.1; any other than the loopback needs a `token`. */
  readonly host?: string;
  /** The port. Default 0: a free one. */
  readonly port?: number;
  /** What callers must send as `Authorization: Bearer`. Default: none, and everyone on this machine may ask. */
  readonly token?: string;
  /** More names by which it may be called, beside `localhost` and `host`: that of a container. Default: none. */
  readonly names?: readonly string[];
  /** The folder of the page. Default: the one of this package. */
  readonly web?: string;
}

/** The control API and the page of a lab. */
export interface Control extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:7575`. */
  readonly url: string;
  /** The real port. */
  readonly port: number;
  /** Ends all answers and closes the port. The lab goes on. Further calls return the same promise. Never rejects. */
  close(): Promise<void>;
}

const maxConnections = 256;
const maxHeld = 64;
const maxWorking = 32;
/** How long a request may take to arrive, and a connection may wait for its next one, ms. */
const arrivalMs = 30_000;
const idleMs = 15_000;

/**
 * Serves a lab over HTTP: `docs/control.md`. Close it before the lab. Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, or
 * CONFIG_INVALID when other machines could reach it without a token.
 */
export async function startControl(lab: Lab, options: ControlOptions = {}): Promise<Control> {
  const { host = '127.0.0.1', port = 0, token, names = [], web = builtPage } = options;
  checkAccess(host, token);
  const stopping = new AbortController();
  // Each stream and wait has one.
  setMaxListeners(0, stopping.signal);
  const context = {
    lab,
    stopped: stopping.signal,
    isPrivate: token !== undefined,
    held: new Places(maxHeld, 'streams and waits'),
    working: new Places(maxWorking, 'requests under way'),
  };
  const app = createApp(context, { host, names, token }, web);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(
    { requestTimeout: arrivalMs, keepAliveTimeout: idleMs },
    (incoming, outgoing) => {
      outgoing.on('error', () => undefined);
      void listener(incoming, outgoing);
    },
  );
  server.maxConnections = maxConnections;
  server.on('clientError', (_error, socket) => socket.destroy());
  const realPort = await listen(server, host, port);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= end(server, stopping);
    return closed;
  };
  return {
    url: `http://${joinHostPort(host, realPort)}`,
    port: realPort,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkAccess(host: string, token: string | undefined): void {
  if (token !== undefined && token.length < 16) {
    throw new TunnelError('CONFIG_INVALID', 'token: it must have 16 characters or more', {
      where: 'control',
    });
  }
  if (token !== undefined || isLoopback(host)) return;
  throw new TunnelError(
    'CONFIG_INVALID',
    `control: ${host} is reached by other machines, so a token is needed`,
    {
      where: 'control',
      hint: 'Give `token`, or listen on 127.0.0.1.',
    },
  );
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // Kept: a listener that fails later must not end the process.
    server.on('error', (cause) => {
      const address = joinHostPort(host, port);
      reject(listenError(cause, address, `control ${address}`));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Streams get their last event; who does not read it is cut. */
function end(server: Server, stopping: AbortController): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    stopping.abort(new TunnelError('LAB_STOPPED', 'the control API was closed', { where: 'control' }));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 200).unref();
  });
}
