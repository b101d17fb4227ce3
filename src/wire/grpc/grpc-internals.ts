import type { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { ChannelCredentials, Server } from '@grpc/grpc-js';
import type { TunnelCall } from './tunnel-service.js';

/** nghttp2's CANCEL. */
const cancelCode = 8;

/** Private parts of grpc-js' server calls, used with a fallback. A test fails when an update removes them. */
interface CallHolder {
  readonly call?: { readonly stream?: ServerHttp2Stream };
}
interface ServerHttp2Stream {
  readonly session?: WindowedSession;
  close?(code: number): void;
}
interface WindowedSession {
  setLocalWindowSize?(bytes: number): void;
  settings?(settings: { initialWindowSize: number }): void;
}

function streamOf(call: TunnelCall): ServerHttp2Stream | undefined {
  return (call as unknown as CallHolder).call?.stream;
}

/** Widens each session's window once, as grpc-js can only for clients. Without the private field: the default. */
export function createWindowWidener(windowBytes: number): (call: TunnelCall) => void {
  const widened = new WeakSet<WindowedSession>();
  return (call) => {
    const session = streamOf(call)?.session;
    if (session === undefined || widened.has(session)) return;
    widened.add(session);
    session.setLocalWindowSize?.(windowBytes);
    session.settings?.({ initialWindowSize: windowBytes });
  };
}

/**
 * Resets the HTTP/2 stream of a server call. Every other end waits until the client has taken all queued bytes. Returns
 * false when the private field is gone.
 *
 * The stream is destroyed only after its reset. When the reset has to wait for a write that is under way, Node 22 ends
 * the whole process because of the trailers of a destroyed stream (`Assertion failed: !this->is_destroyed()`).
 */
export function resetServerCall(call: TunnelCall): boolean {
  const stream = streamOf(call);
  if (stream?.close === undefined) return false;
  stream.close(cancelCode);
  return true;
}

interface SessionHolder {
  readonly http2Servers?: ReadonlyMap<EventEmitter, unknown>;
}

/** Calls `take` for each session of injected connections. Call it after the injector. False: the field is gone. */
export function watchServerSessions(server: Server, take: (session: ServerHttp2Session) => void): boolean {
  const servers = (server as unknown as SessionHolder).http2Servers;
  if (servers === undefined) return false;
  for (const http2Server of servers.keys()) http2Server.on('session', take);
  return servers.size > 0;
}

interface ConnectorMaker {
  _createSecureConnector?(...of: unknown[]): { connectionOptions?: { ALPNProtocols?: string[] } };
}

/** Makes a client's TLS offer these protocols; grpc-js offers only h2. False when the private method is gone. */
export function offerProtocols(credentials: ChannelCredentials, protocols: readonly string[]): boolean {
  const maker = credentials as unknown as ConnectorMaker;
  const make = maker._createSecureConnector?.bind(maker);
  if (make === undefined) return false;
  maker._createSecureConnector = (...of) => {
    const connector = make(...of);
    if (connector.connectionOptions !== undefined) connector.connectionOptions.ALPNProtocols = [...protocols];
    return connector;
  };
  return true;
}
