import type { IncomingMessage } from 'node:http';
import type { StreamProtocol } from './types.js';

export const streamProtocolHeader = 'X-Stream-Protocol-Version';
export const spdyUpgradeToken = 'SPDY/3.1';
/** The prefix of a SPDY protocol name when SPDY is sent inside a WebSocket. */
export const tunnelPrefix = 'SPDY/3.1+';
export const portForwardProtocol = 'portforward.k8s.io';

/** The protocols that a kubelet accepts on SPDY, best first. It has no v5 there. */
export const kubeletSpdyProtocols: readonly string[] = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];

/** The protocols that client-go offers on SPDY, best first. */
export const clientSpdyProtocols: readonly string[] = ['v5.channel.k8s.io', ...kubeletSpdyProtocols];

/** WebSocket names for exec and attach. The empty name is for clients that send no name. */
export const remoteCommandWebSocketProtocols: readonly string[] = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
];

/** WebSocket names of the port-forward with two channels for each port. */
export const portForwardWebSocketProtocols: readonly string[] = [
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  '',
];

/** All values of a header, which may be on several lines or in a comma list. */
export function headerList(request: IncomingMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() !== wanted) continue;
    const line = request.rawHeaders[index + 1] ?? '';
    // A header may have more values than a call may have arguments.
    for (const value of line.split(',')) values.push(value.trim());
  }
  return values.filter((value) => value !== '');
}

/** The first protocol in the client's list that the server accepts. */
export function negotiate(offered: readonly string[], accepted: readonly string[]): string | undefined {
  return offered.find((name) => accepted.includes(name));
}

/** As `negotiate`, for WebSocket. Without an offer the result is the unnamed protocol, `''`. */
export function negotiateWebSocket(
  request: IncomingMessage,
  accepted: readonly string[],
): string | undefined {
  const offered = headerList(request, 'Sec-WebSocket-Protocol');
  return negotiate(offered.length === 0 ? [''] : offered, accepted);
}

/** Whether a client asks for an upgrade, whatever it wants. */
export function asksForUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && (headers.connection ?? '').toLowerCase().includes('upgrade');
}

/** As kube-apiserver decides it: an Upgrade to `websocket` and nothing else, and Connection has the word `upgrade`. */
export function isWebSocketRequest({ headers }: IncomingMessage): boolean {
  const connection = (headers.connection ?? '').toLowerCase().split(',');
  return (
    headers.upgrade?.toLowerCase() === 'websocket' && connection.some((word) => word.trim() === 'upgrade')
  );
}

export function upgradeKind(request: IncomingMessage): 'spdy' | 'websocket' | undefined {
  if (!asksForUpgrade(request)) return undefined;
  const upgrade = (request.headers.upgrade ?? '').toLowerCase();
  if (upgrade.includes('websocket')) return 'websocket';
  if (upgrade.includes(spdyUpgradeToken.toLowerCase())) return 'spdy';
  return undefined;
}

export function webSocketProtocolKind(name: string): StreamProtocol {
  if (name.startsWith('v5.')) return 'websocket-v5';
  if (name.startsWith('v4.')) return 'websocket-v4';
  return 'websocket-v1';
}

/** True when the error stream carries a Status as JSON. Older protocols carry plain text. */
export function hasStatusJson(protocol: string): boolean {
  return protocol.startsWith('v4.') || protocol.startsWith('v5.');
}

/** The protocol that an upgrade request asks for first. The answer may choose another. */
export function offeredProtocol(request: IncomingMessage): StreamProtocol {
  if (upgradeKind(request) !== 'websocket') return 'spdy';
  const offered = headerList(request, 'Sec-WebSocket-Protocol');
  if (offered.some((name) => name.startsWith(tunnelPrefix))) return 'websocket-tunnel';
  return webSocketProtocolKind(offered[0] ?? '');
}
