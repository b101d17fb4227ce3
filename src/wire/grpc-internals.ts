import type { TunnelCall } from './tunnel-service.js';

/** nghttp2's CANCEL. */
const cancelCode = 8;

/**
 * What grpc-js keeps private of a server call and has no public way to: all of it is used with a fallback, and a test
 * tells when an update takes it away.
 */
interface CallHolder {
  readonly call?: { readonly stream?: ServerHttp2Stream };
}
interface ServerHttp2Stream {
  readonly session?: WindowedSession;
  close?(code: number): void;
  destroy?(): void;
}
interface WindowedSession {
  setLocalWindowSize?(bytes: number): void;
  settings?(settings: { initialWindowSize: number }): void;
}

function streamOf(call: TunnelCall): ServerHttp2Stream | undefined {
  return (call as unknown as CallHolder).call?.stream;
}

/**
 * Widens the receive windows of server sessions, once each: grpc-js has the option for clients only. Without the private
 * field everything works, with the windows of the protocol's default.
 */
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
 * Resets the HTTP/2 stream of a server call: the only end that does not wait until the client has taken what is queued.
 * Returns false when the private field is gone.
 */
export function resetServerCall(call: TunnelCall): boolean {
  const stream = streamOf(call);
  if (stream?.close === undefined || stream.destroy === undefined) return false;
  stream.close(cancelCode);
  stream.destroy();
  return true;
}
