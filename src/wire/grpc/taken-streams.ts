import type { ClientHttp2Stream, Http2Stream, ServerHttp2Stream } from 'node:http2';
import type { TunnelCall, TunnelClientCall } from './tunnel-service.js';

/** Private parts of grpc-js, with a fallback as in `grpc-internals.ts`; a test fails when an update removes them. */
interface ServerCallHolder {
  readonly call?: { readonly stream?: Partial<ServerHttp2Stream>; readonly incomingEncoding?: string };
}

/** Gives us the bytes of a stream instead of grpc-js, which keeps its headers, its end and its status. */
function take(stream: Partial<Http2Stream> | undefined): Http2Stream | undefined {
  if (typeof stream?.write !== 'function' || typeof stream.cork !== 'function') return undefined;
  const taken = stream as Http2Stream;
  taken.removeAllListeners('data');
  taken.on('error', () => undefined);
  return taken;
}

/** A server call's HTTP/2 stream, before its first message. Undefined without the fields, or with compression. */
export function takeServerStream(call: TunnelCall): Http2Stream | undefined {
  const { stream, incomingEncoding } = (call as unknown as ServerCallHolder).call ?? {};
  return incomingEncoding === 'identity' ? take(stream) : undefined;
}

/** The layers of a client call: its interceptors, name resolution, retries, load balancing, and the HTTP/2 stream. */
interface ClientLayer {
  readonly call?: ClientLayer;
  readonly nextCall?: ClientLayer;
  readonly child?: ClientLayer;
  readonly underlyingCalls?: readonly ClientLayer[];
  readonly http2Stream?: Partial<ClientHttp2Stream>;
}

const deepest = 10;

function below(layer: ClientLayer): ClientLayer | undefined {
  const { underlyingCalls } = layer;
  if (underlyingCalls !== undefined) return underlyingCalls.length === 1 ? underlyingCalls[0] : undefined;
  return layer.call ?? layer.nextCall ?? layer.child;
}

/** A client call's HTTP/2 stream. Call this at the server's metadata: it exists, and no message was read. */
export function takeClientStream(call: TunnelClientCall): Http2Stream | undefined {
  let layer: ClientLayer | undefined = call as unknown as ClientLayer;
  for (let depth = 0; layer !== undefined && depth < deepest; depth += 1) {
    if (layer.http2Stream !== undefined) return take(layer.http2Stream);
    layer = below(layer);
  }
  return undefined;
}
