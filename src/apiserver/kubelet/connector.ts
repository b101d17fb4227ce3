import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { Dialer } from '../../wire/client/dialer.js';
import { unverifiedText } from '../../wire/net/go-tls-text.js';
import type { HandshakeFaults } from '../../wire/net/handshake-faults.js';
import { currentTls, type Renewable } from '../../wire/net/tls.js';
import { startClientTls } from './client-tls.js';
import type { KubeletEndpoint } from './endpoint.js';

/** The credential for kubelets. Without `ca` their certificates are not checked, as in kube-apiserver. */
export interface KubeletTls {
  readonly ca?: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface KubeletConnectorOptions {
  readonly dialer: Dialer;
  readonly tls: KubeletTls | Renewable<KubeletTls>;
  readonly clock: Clock;
  /** What is wrong in handshakes with kubelets. Default: nothing. */
  readonly handshakes?: HandshakeFaults | undefined;
}

export interface ConnectOptions {
  /** The user request that this connection serves. */
  readonly request: string;
  readonly signal: AbortSignal;
  /** Skips the check of the kubelet's certificate, for this connection. */
  readonly insecure?: boolean;
  /** Waits without end for the handshake, as kube-apiserver does for streams. Default false: 10 s. */
  readonly patient?: boolean;
  /** A kubelet without TLS is told as Go's `http.Client` does. Default false: in the words of its TLS. */
  readonly asHttpClient?: boolean;
}

/**
 * Opens authenticated TLS connections (HTTP/1.1) to kubelets, only through the dialer. Rejects with a TunnelError with
 * a Go client's text. The socket has an `error` listener from the start.
 */
export interface KubeletConnector {
  connect(endpoint: KubeletEndpoint, options: ConnectOptions): Promise<TLSSocket>;
}

/** Throws CERT_INVALID when the credential cannot be used. */
export function createKubeletConnector(options: KubeletConnectorOptions): KubeletConnector {
  const { dialer, tls, clock, handshakes } = options;
  const contexts = createContexts(tls);
  return {
    async connect(endpoint, { request, signal, insecure, patient = false, asHttpClient = false }) {
      const raw = await dialer.dial(endpoint.host, endpoint.port, { request, signal });
      const odd = handshakes?.next();
      const { secureContext, verifiable } =
        odd === undefined ? contexts() : clientContext({ ...currentTls(tls), ...odd.tls });
      const verify = verifiable && insecure !== true;
      const { host } = endpoint;
      const where = `kubelet ${host}`;
      const own = { signal, clock, where, patient, asHttpClient };
      const socket = await startClientTls(raw, { secureContext, rejectUnauthorized: verify, host, ...own });
      const fault = verify ? handshakes?.judge(socket) : undefined;
      if (fault === undefined) return socket;
      socket.destroy();
      throw new TunnelError('TLS_REJECTED', `${unverifiedText}: ${fault}`, { where });
    },
  };
}

interface ClientContext {
  readonly secureContext: SecureContext;
  /** Whether there is a CA to check kubelets with. */
  readonly verifiable: boolean;
}

/** The context of the current credential, made once after each renewal. Throws CERT_INVALID. */
function createContexts(tls: KubeletConnectorOptions['tls']): () => ClientContext {
  let texts = currentTls(tls);
  let context = clientContext(texts);
  return () => {
    const latest = currentTls(tls);
    if (latest !== texts) context = clientContext(latest);
    texts = latest;
    return context;
  };
}

function clientContext(texts: KubeletTls): ClientContext {
  return { secureContext: contextOf(texts), verifiable: texts.ca !== undefined };
}

function contextOf({ ca, cert, key }: KubeletTls): SecureContext {
  try {
    return createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
  } catch (caught) {
    throw TunnelError.from(caught, 'CERT_INVALID', 'kubelet client TLS');
  }
}
