import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { goErrorText } from './go-errors.js';
import { TlsCarrier } from './tls-carrier.js';

export interface ClientTls {
  readonly secureContext: SecureContext;
  /** Whether the certificate must come from a trusted CA and be valid for `host`. */
  readonly rejectUnauthorized: boolean;
  /** The name or address in the certificate. */
  readonly host: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Waits without end for the handshake. Default false: 10 s. */
  readonly patient?: boolean;
  /** A server without TLS is told as Go's `http.Client` does. Default false: in the words of its TLS. */
  readonly asHttpClient?: boolean;
  /** Called for each write that the connection below TLS has taken. */
  readonly written?: () => void;
  /** For the error's `where`. */
  readonly where: string;
}

const plainHttpText = 'http: server gave HTTP response to HTTPS client';
/** The handshake time limit of Go's `http.Transport`. */
const handshakeTimeoutMs = 10_000;

/** Rejects with a Go client's text and destroys the connection. The socket has an `error` listener from the start. */
export async function startClientTls(raw: Duplex, tls: ClientTls): Promise<TLSSocket> {
  const { secureContext, rejectUnauthorized, host } = tls;
  const servername = isIP(host) === 0 ? host : '';
  const carrier = new TlsCarrier(raw, tls.written);
  const socket = connectTls({
    secureContext,
    rejectUnauthorized,
    socket: carrier,
    host,
    servername,
    ALPNProtocols: ['http/1.1'],
  });
  socket.on('error', () => undefined);
  socket.once('close', () => carrier.destroy());
  carrier.once('error', (error) => socket.destroy(error));
  await handshake(raw, socket, tls).catch((error: unknown) => {
    if (tls.asHttpClient !== true || !carrier.speaksHttp) throw error;
    throw new TunnelError('TLS_REJECTED', plainHttpText, { where: tls.where, cause: error });
  });
  return socket;
}

function handshake(raw: Duplex, socket: TLSSocket, tls: ClientTls): Promise<void> {
  const { signal, clock, host, where, patient = false } = tls;
  return new Promise((resolve, reject) => {
    const fail = (caught: unknown): void => {
      settle();
      socket.destroy();
      const text = goErrorText(caught, host);
      const code = caught instanceof TunnelError ? caught.code : 'TLS_REJECTED';
      reject(new TunnelError(code, text, { where, cause: caught }));
    };
    const succeed = (): void => {
      settle();
      resolve();
    };
    const late = (): void => fail(new Error('net/http: TLS handshake timeout'));
    const timer = patient ? undefined : clock.after(handshakeTimeoutMs, late);
    const cutOff = (): void => fail(raw.errored ?? new Error('EOF'));
    const giveUp = (): void => fail(new TunnelError('DIAL_CANCELLED', 'context canceled'));
    const settle = (): void => {
      timer?.cancel();
      socket.off('secureConnect', succeed).off('error', fail).off('close', cutOff);
      signal.removeEventListener('abort', giveUp);
    };
    socket.once('secureConnect', succeed).once('error', fail).once('close', cutOff);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}
