import type { Server, TLSSocket } from 'node:tls';
import { peerOf } from './peer-certificate.js';

export interface Refusal {
  /** `host:port` of the peer. Empty when it is gone already. */
  readonly peer: string;
  /** The reason: OpenSSL's text, or the code of its certificate check. */
  readonly error: string;
}

/** Calls `refused` for each failed handshake: without a certificate, with one of another CA, or without TLS. */
export function watchRefusals(server: Server, refused: ((refusal: Refusal) => void) | undefined): void {
  if (refused === undefined) return;
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    // Node destroys a socket whose certificate it refuses. The reason is only here.
    const why = socket.authorizationError as Error | string | null;
    const code = typeof why === 'string' ? why : why?.message;
    refused({
      peer: peerOf(socket),
      error: code === undefined ? opensslText(error) : `client certificate: ${code}`,
    });
  });
}

/** `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…` → `wrong version number`. */
function opensslText(error: Error): string {
  const { reason } = error as { reason?: string };
  return reason ?? error.message.split('\n', 1)[0] ?? '';
}
