import type { ErrorCode } from '../../core/errors.js';
import { goText } from '../../core/go-texts.js';

/** A server that does not trust a certificate ends the connection without a word. */
export const closedEarlyText =
  'the connection was closed before HTTP/2 began: do both ends speak TLS and trust each other?';

/**
 * Why a peer could not be reached, as one line. grpc-js adds much around the text of the system or of TLS (`No
 * connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: `).
 * The system's texts are Go's then.
 */
export function transportText(details: string): string {
  const core = details
    .replace(/^No connection established\. Last error: /, '')
    .replace(/\. Resolution note:.*$/s, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, '')
    .replace(/^(?:\w*Error(?: \[\w+\])?: )+/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const library = /error:[0-9A-F]+:SSL routines:[^:]*:([^:]+)/.exec(core);
  if (library?.[1] !== undefined) return `tls: ${library[1]}`;
  return core === 'Failed to connect' || core === 'Protocol error' ? closedEarlyText : goText(core);
}

const distrust = /certificate|handshake|tls|ssl|self.signed|alert|altnames/i;

/** The code for a peer that could not be reached, from its transport text: TLS_REJECTED or SERVER_UNREACHABLE. */
export function unreachableCode(text: string, secure: boolean): ErrorCode {
  return secure && distrust.test(text) ? 'TLS_REJECTED' : 'SERVER_UNREACHABLE';
}
