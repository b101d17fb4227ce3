import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import type { Door } from './all-doors.js';
import { soon } from './waits.js';

/** What a client shows: a certificate or none, and a session of an earlier connection. */
export interface Shown {
  readonly cert?: string;
  readonly key?: string;
  readonly session?: Buffer | undefined;
  readonly version?: SecureVersion;
}

/** How a visit ended: known by its certificate; answered as a stranger; or turned away without a byte. */
export type Welcome = 'known' | 'stranger' | 'no byte';

export interface Visit {
  readonly welcome: Welcome;
  readonly resumed: boolean;
  /** For the next visit. */
  readonly session: Buffer | undefined;
}

/** A raw connection to a door. */
export function dialDoor({ to }: Door): Socket {
  const socket = 'path' in to ? connectTcp(to.path) : connectTcp(to);
  return socket.on('error', () => undefined);
}

/** A connection to a door, with TLS where the door has it. */
export function openDoor(door: Door, { version, ...shown }: Shown = {}): Socket {
  if (door.tls === undefined || 'path' in door.to) return dialDoor(door);
  const versions = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const ALPNProtocols = [door.protocol === 'h2' ? 'h2' : 'http/1.1'];
  const options = { ...door.to, ...shown, ...versions, ca: door.tls.client.ca, ALPNProtocols };
  const socket = connect({ ...options, servername: 'localhost', checkServerIdentity: () => undefined });
  return socket.on('error', () => undefined);
}

/** Unlike `once`, it does not care whether an error comes first. */
export function closeOf(socket: Socket): Promise<void> {
  return soon((resolve) => void socket.once('close', () => resolve()), 'end of the connection');
}

/** Connects with TLS, asks for what only a client with a certificate gets, and waits until the connection is over. */
export async function visitDoor(door: Door, shown: Shown): Promise<Visit> {
  const socket = openDoor(door, shown) as TLSSocket;
  let session: Buffer | undefined;
  const state = { resumed: false };
  socket.once('secureConnect', () => {
    state.resumed = socket.isSessionReused();
  });
  socket.on('session', (given: Buffer) => {
    session = given;
  });
  const welcome = await (door.protocol === 'h2' ? askHttp2(door, socket) : askHttp1(door, socket));
  const { resumed } = state;
  socket.destroy();
  if (!socket.closed) await closeOf(socket);
  return { welcome, resumed, session };
}

/** CONNECT ports answer GET with 405: to those who are let in. */
async function askHttp1({ secret }: Door, socket: Socket): Promise<Welcome> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const head = `GET ${secret} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  socket.once('secureConnect', () => void socket.write(head));
  await closeOf(socket);
  if (text === '') return 'no byte';
  return text.startsWith('HTTP/1.1 401 ') ? 'stranger' : 'known';
}

/** Where HTTP/2 is granted, gRPC's status 16 and HTTP's 401 tell strangers apart. */
function askHttp2(door: Door, socket: Socket): Promise<Welcome> {
  return soon((resolve) => {
    let answered = false;
    const over = (): void => resolve(answered ? 'known' : 'no byte');
    socket.once('close', over);
    // HTTP/2 leaves a socket open that failed in TLS.
    socket.once('error', over);
    socket.once('secureConnect', () => {
      const session = connectHttp2('https://localhost', { createConnection: () => socket });
      session.on('error', () => undefined);
      session.once('remoteSettings', () => {
        answered = true;
        if (door.tls?.demanding === true) resolve('known');
      });
      askSession(door, session, resolve);
    });
  }, `answer of ${door.name}`);
}

function askSession(
  { secret }: Door,
  session: ClientHttp2Session,
  resolve: (welcome: Welcome) => void,
): void {
  const grpc = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const isGrpc = secret.startsWith('/konnsim') || secret.startsWith('/Proxy');
  const stream = session.request({ ':path': secret, ...(isGrpc ? grpc : {}) });
  stream.on('error', () => undefined);
  const judge = (headers: Record<string, unknown>): void => {
    const status = Number(headers['grpc-status'] ?? (isGrpc ? Number.NaN : headers[':status']));
    if (!Number.isNaN(status)) resolve(status === 16 || status === 401 ? 'stranger' : 'known');
  };
  stream.on('response', judge);
  stream.on('trailers', judge);
  stream.resume();
  stream.end(isGrpc ? Buffer.alloc(5) : undefined);
}
