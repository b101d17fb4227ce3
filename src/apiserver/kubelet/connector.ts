import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { Dialer } from '../../wire/dialer.js';
import { currentTls, type Renewable } from '../../wire/tls.js';
import type { KubeletEndpoint } from './endpoint.js';
import { goErrorText } from './go-errors.js';
import { TlsCarrier } from './tls-carrier.js';

/** The credential towards kubelets. Without `ca` their certificates are not checked, as in kube-apiserver. */
export interface KubeletTls {
  readonly ca?: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface KubeletConnectorOptions {
  readonly dialer: Dialer;
  readonly tls: KubeletTls | Renewable<KubeletTls>;
  readonly clock: Clock;
}

export interface ConnectOptions {
  /** The user request that this connection serves. */
  readonly request: string;
  readonly signal: AbortSignal;
  /** Leaves the kubelet's certificate unchecked for this once. */
  readonly insecure?: boolean;
}

/**
 * Opens authenticated TLS connections (HTTP/1.1) to kubelets, through the dialer and nothing else. Rejects with a
 * TunnelError whose message is the text a Go client gives. The socket has an `error` listener from birth.
 */
export interface KubeletConnector {
  connect(endpoint: KubeletEndpoint, options: ConnectOptions): Promise<TLSSocket>;
}

/** Go's `http.Transport` gives a handshake so long. */
const handshakeTimeoutMs = 10_000;

/** Throws CERT_INVALID when the credential cannot be used. */
export function createKubeletConnector(options: KubeletConnectorOptions): KubeletConnector {
  const { dialer, tls, clock } = options;
  const contexts = createContexts(tls);
  return {
    async connect(endpoint, { request, signal, insecure }) {
      const raw = await dialer.dial(endpoint.host, endpoint.port, { request, signal });
      const { secureContext, verifiable } = contexts();
      const verify = verifiable && insecure !== true;
      const socket = startTls(raw, endpoint, { secureContext, rejectUnauthorized: verify });
      await handshake({ raw, socket, signal, clock, host: endpoint.host });
      return socket;
    },
  };
}

interface ClientContext {
  readonly secureContext: SecureContext;
  /** There is a CA to check kubelets by. */
  readonly verifiable: boolean;
}

/** The context of what is current, made once for each renewal. Throws CERT_INVALID. */
function createContexts(tls: KubeletConnectorOptions['tls']): () => ClientContext {
  let texts = currentTls(tls);
  let secureContext = contextOf(texts);
  return () => {
    const latest = currentTls(tls);
    if (latest !== texts) secureContext = contextOf(latest);
    texts = latest;
    return { secureContext, verifiable: texts.ca !== undefined };
  };
}

function contextOf({ ca, cert, key }: KubeletTls): SecureContext {
  try {
    return createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
  } catch (caught) {
    throw TunnelError.from(caught, 'CERT_INVALID', 'kubelet client TLS');
  }
}

function startTls(
  raw: Duplex,
  { host }: KubeletEndpoint,
  tls: { secureContext: SecureContext; rejectUnauthorized: boolean },
): TLSSocket {
  const servername = isIP(host) === 0 ? host : '';
  const carrier = new TlsCarrier(raw);
  const socket = connectTls({ ...tls, socket: carrier, host, servername, ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => undefined);
  socket.once('close', () => carrier.destroy());
  carrier.once('error', (error) => socket.destroy(error));
  return socket;
}

interface Handshake {
  readonly raw: Duplex;
  readonly socket: TLSSocket;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly host: string;
}

function handshake({ raw, socket, signal, clock, host }: Handshake): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (caught: unknown): void => {
      settle();
      socket.destroy();
      const text = goErrorText(caught, host);
      const code = caught instanceof TunnelError ? caught.code : 'TLS_REJECTED';
      reject(new TunnelError(code, text, { where: `kubelet ${host}`, cause: caught }));
    };
    const succeed = (): void => {
      settle();
      resolve();
    };
    const timer = clock.after(handshakeTimeoutMs, () => fail(new Error('net/http: TLS handshake timeout')));
    const cutOff = (): void => fail(raw.errored ?? new Error('EOF'));
    const giveUp = (): void => fail(new TunnelError('DIAL_CANCELLED', 'context canceled'));
    const settle = (): void => {
      timer.cancel();
      socket.off('secureConnect', succeed).off('error', fail).off('close', cutOff);
      signal.removeEventListener('abort', giveUp);
    };
    socket.once('secureConnect', succeed).once('error', fail).once('close', cutOff);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}
