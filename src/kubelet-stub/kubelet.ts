import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { DoorContext } from './door.js';
import { createGrpcDoor } from './grpc-door.js';
import { createHttpDoor } from './http-door.js';
import type { Runtime } from './runtime/runtime.js';
import { type KubeletTls, openTlsPort } from './tls-port.js';

export interface KubeletOptions {
  readonly nodeName: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0, a free one. */
  readonly port?: number;
  readonly tls: KubeletTls;
  /** Where containers run. It stays the caller's: closing the kubelet does not close it. */
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly emit: EventSink;
  /** Wall time of the lab in epoch milliseconds, as its runtime counts it; the machine's, run by `clock`, when absent. */
  readonly wallTimeMs?: () => number;
  /** How long a peer may take from connecting to a finished TLS handshake; default 10 s. */
  readonly handshakeTimeoutMs?: number;
}

/** A running kubelet. */
export interface Kubelet {
  readonly address: { readonly host: string; readonly port: number };
  /** TCP connections, whatever their state. */
  readonly openConnections: number;
  /** Requests that are being answered: streams, logs, calls. */
  readonly openRequests: number;
  /** Stops listening, ends all requests and connections. */
  close(): Promise<void>;
}

const defaultHandshakeTimeoutMs = 10_000;

/**
 * Starts a kubelet: one TLS port, where ALPN `h2` is gRPC (`konnsim.kubelet.v1`, health, reflection) and everything
 * else the kubelet's HTTP API. Both ask for a client certificate of `tls.clientCa`.
 * Rejects with ADDRESS_IN_USE, ADDRESS_UNAVAILABLE or CERT_INVALID.
 */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { clock, emit } = options;
  const context = contextOf(options);
  const grpc = createGrpcDoor(context);
  const http = createHttpDoor(context);
  const port = await openTlsPort({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    tls: options.tls,
    clock,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs,
    accept: { h2: (socket) => grpc.accept(socket), http1: (socket) => http.accept(socket) },
  });
  const { address } = port;
  emit({ node: context.node, kind: 'role.started', address: `${address.host}:${address.port}` });
  return {
    address,
    get openConnections() {
      return port.openConnections;
    },
    get openRequests() {
      return context.active.size;
    },
    close: closeOnce(async () => {
      grpc.close();
      http.close();
      await port.close();
      emit({ node: context.node, kind: 'role.stopped' });
    }),
  };
}

function contextOf({ nodeName, runtime, clock, emit, wallTimeMs }: KubeletOptions): DoorContext {
  const [startTimeMs, origin] = [Date.now(), clock.now()];
  return {
    node: `kubelet/${nodeName}`,
    runtime,
    clock,
    emit,
    active: new Set(),
    wallTimeMs: wallTimeMs ?? (() => startTimeMs + clock.now() - origin),
  };
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
