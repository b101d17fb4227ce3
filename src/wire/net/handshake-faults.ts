import type { SecureVersion, TLSSocket } from 'node:tls';
import { goTlsText, unverifiedText } from './go-tls-text.js';

/** What is different in one TLS handshake from what its end was started with. */
export interface OddHandshake {
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly minVersion?: SecureVersion;
    readonly maxVersion?: SecureVersion;
  };
  /** The protocols of ALPN; none when it is empty. Default: as usual. */
  readonly alpn?: readonly string[];
}

/** The faults of one end of TLS connections. It asks at each handshake, so that open connections go on. */
export interface HandshakeFaults {
  /** Undefined when the next handshake is as usual. */
  next(): OddHandshake | undefined;
  /** Why this end refuses the certificate of a peer, though it is in order; in Go's words. Undefined when it does not. */
  judge(socket: TLSSocket): string | undefined;
}

/** For one end of TLS: without protocols it does not speak of them. */
export function alpnOptions(protocols: readonly string[]): { readonly ALPNProtocols?: string[] } {
  return protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] };
}

const failedText = 'transport: authentication handshake failed';
/** Of grpc-go from 1.67 on. */
const missingAlpnText = 'credentials: cannot check peer: missing selected ALPN property';

/** What grpc-go checks of a server after the handshake. Throws its text. */
export function checkServer(socket: TLSSocket, handshakes: HandshakeFaults | undefined): void {
  const fault = handshakes?.judge(socket);
  if (fault !== undefined) throw new Error(`${failedText}: ${unverifiedText}: ${fault}`);
  // Node says null, false or the empty text.
  if (!socket.alpnProtocol) throw new Error(`${failedText}: ${missingAlpnText}`);
}

/** A failed handshake in grpc-go's words; other errors stay. */
export function handshakeError(error: Error, host: string): Error {
  const text = goTlsText(error, host);
  return text === undefined ? error : new Error(`${failedText}: ${text}`, { cause: error });
}
