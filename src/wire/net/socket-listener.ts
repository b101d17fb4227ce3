import { chmodSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { joinHostPort } from '../../core/address.js';
import { listenError, TunnelError } from '../../core/errors.js';

/** A Unix socket as a file. */
export interface SocketFile {
  readonly path: string;
  /** Its permissions. Default 0600. */
  readonly mode?: number;
  /**
   * What to do with a socket file that exists already: `reclaim` (the default) takes it over when no process serves it,
   * `replace` always does, `refuse` never. A file that is not a socket is never removed.
   */
  readonly existing?: 'reclaim' | 'replace' | 'refuse';
}

export type ListenEndpoint = SocketFile | { readonly host: string; readonly port: number };

export interface ListenOptions {
  /** The name of the listening part, for errors. */
  readonly where: string;
  /** Called with every connection. It must add an `error` listener. */
  readonly take: (socket: Socket) => void;
}

export interface Listening {
  readonly listener: Server;
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
}

/** Connections that wait for accept, as in Go; the system lowers it. With Node's 511 bursts fail (EAGAIN). */
export const listenBacklog = 65_535;
/** How many bytes of a Unix socket's path every system allows. A longer path would be cut, not refused. */
export const maxSocketPathBytes = 103;

/** Binds a socket. Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, FILE_UNWRITABLE, CONFIG_INVALID. */
export async function listenOn(endpoint: ListenEndpoint, { where, take }: ListenOptions): Promise<Listening> {
  if ('path' in endpoint) {
    checkLength(endpoint.path, where);
    await makeRoom(endpoint, where);
  }
  const listener = createServer(take);
  await new Promise<void>((resolve, reject) => {
    // Kept: a listener that fails later must not end the process.
    listener.on('error', (cause) => reject(bindError(endpoint, cause, where)));
    listener.listen({ ...endpoint, backlog: listenBacklog }, resolve);
    // A Unix socket is bound by now, and no connection was accepted yet.
    if ('path' in endpoint && listener.listening) chmodSync(endpoint.path, endpoint.mode ?? 0o600);
  });
  return { listener, address: nameOf(endpoint, listener) };
}

function nameOf(endpoint: ListenEndpoint, listener?: Server): string {
  if ('path' in endpoint) return `unix://${endpoint.path}`;
  const port = listener === undefined ? endpoint.port : (listener.address() as AddressInfo).port;
  return joinHostPort(endpoint.host, port);
}

const unwritable = new Set(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EROFS']);

function bindError(endpoint: ListenEndpoint, cause: NodeJS.ErrnoException, where: string): TunnelError {
  const name = nameOf(endpoint);
  if (cause.code === 'EADDRINUSE') return inUse(name, where, cause);
  const file = 'path' in endpoint && unwritable.has(cause.code ?? '');
  if (!file) return listenError(cause, name, where);
  return new TunnelError('FILE_UNWRITABLE', `cannot listen on ${name}: ${cause.message}`, { where, cause });
}

function inUse(name: string, where: string, cause?: unknown): TunnelError {
  return new TunnelError('ADDRESS_IN_USE', `${name} is already in use`, { where, cause });
}

function checkLength(path: string, where: string): void {
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes <= maxSocketPathBytes) return;
  const text = `the path of a Unix socket is too long: ${sizeBytes} bytes, at most ${maxSocketPathBytes}`;
  throw new TunnelError('CONFIG_INVALID', text, { where, hint: 'Choose a shorter path.' });
}

/** Removes a socket file that no process serves, left from a crash. */
async function makeRoom({ path, existing = 'reclaim' }: SocketFile, where: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  const name = `unix://${path}`;
  if (!found.isSocket()) {
    throw new TunnelError('FILE_UNWRITABLE', `${name} exists and is not a socket`, { where });
  }
  const taken = existing === 'refuse' || (existing === 'reclaim' && (await answers(path)));
  if (taken) throw inUse(name, where);
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw new TunnelError('FILE_UNWRITABLE', `cannot remove the left-over socket ${path}`, { where, cause });
  });
}

/** Only a refused connection proves that no process listens: we may lack the permission to connect. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
