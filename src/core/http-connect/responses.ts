import { agentLostText, backendDialTimeoutText, dialIdInUseText, noAgentText } from '../dial-texts.js';

/** The answer to a dial that succeeded. The bytes of the connection follow it. */
export const establishedResponse = 'HTTP/1.1 200 Connection Established\r\n\r\n';
/** The answer of v0.30 before it asks an agent, without its `Date`. */
export const earlyResponse = 'HTTP/1.1 200 OK\r\n\r\n';

/** What v0.30 writes after a failed dial: nothing for its own failures, or the agent's error, as HTTP/0.0. */
export function failureInTunnel(error: string): string {
  return Object.hasOwn(ownResponses, error) ? '' : `HTTP/0.0 503 Service Unavailable\r\n\r\n${error}`;
}

/** The body of the 405 that other methods get. */
export const methodRefusal = 'this proxy only supports CONNECT passthrough\n';
const plain = 'Content-Type: text/plain; charset=utf-8';

/** The answers for failures of the server itself. All other texts come from the agent. */
const ownResponses: Readonly<Record<string, string>> = {
  [noAgentText]: `HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\ncurrently no tunnels available: ${noAgentText}`,
  [agentLostText]: `HTTP/1.1 502 Bad Gateway\r\n${plain}\r\n\r\nBackend context error: context canceled\r\n`,
  [backendDialTimeoutText]: `HTTP/1.1 504 Gateway Timeout\r\n${plain}\r\n\r\nBackend dial timeout: ${backendDialTimeoutText}\r\n`,
  [dialIdInUseText]: `HTTP/1.1 502 Bad Gateway\r\n${plain}\r\n\r\nFailed to tunnel dial request: ${dialIdInUseText}\r\n`,
};

/** Byte for byte Konnectivity's whole answer to a dial that failed with `error`. The connection then ends (R25). */
export function failureResponse(error: string): string {
  const own = Object.hasOwn(ownResponses, error) ? ownResponses[error] : undefined;
  return own ?? `HTTP/1.1 ${statusOf(error)}\r\nConnection: close\r\n${plain}\r\n\r\n${error}`;
}

/** Read from the text of the agent's error, as Konnectivity does: first timeouts, then resources, else 502. */
function statusOf(error: string): string {
  const words = error.toLowerCase();
  if (words.includes('timeout') || words.includes('deadline exceeded')) return '504 Gateway Timeout';
  if (words.includes('too many open files')) return '503 Service Unavailable';
  return '502 Bad Gateway';
}
