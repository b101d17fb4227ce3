import type { IncomingMessage } from 'node:http';
import type { StreamProtocol } from './types.js';

export const streamProtocolHeader = 'X-Stream-Protocol-Version';
export const spdyUpgradeToken = 'SPDY/3.1';
/** Stands before a SPDY protocol name where the SPDY bytes travel inside a WebSocket. */
export const tunnelPrefix = 'SPDY/3.1+';
export const portForwardProtocol = 'portforward.k8s.io';

/** What a kubelet takes on SPDY, best first. It has no v5 there. */
export const kubeletSpdyProtocols: readonly string[] = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];

/** What client-go offers on SPDY, most wanted first. */
export const clientSpdyProtocols: readonly string[] = ['v5.channel.k8s.io', ...kubeletSpdyProtocols];

/** WebSocket names for exec and attach; the empty one stands for a client that names none. */
export const remoteCommandWebSocketProtocols: readonly string[] = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
];

/** WebSocket names of the port-forward that has two channels for each port. */
export const portForwardWebSocketProtocols: readonly string[] = [
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  '',
];

/** All values of a header that may come on several lines or as a comma list. */
export function headerList(request: IncomingMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() !== wanted) continue;
    const line = request.rawHeaders[index + 1] ?? '';
    values.push(...line.split(',').map((value) => value.trim()));
  }
  return values.filter((value) => value !== '');
}

/** The client's first choice that the server has too. */
export function negotiate(offered: readonly string[], accepted: readonly string[]): string | undefined {
  return offered.find((name) => accepted.includes(name));
}

/** As `negotiate`, for WebSocket: no offer at all means the unnamed protocol, `''`. */
export function negotiateWebSocket(
  request: IncomingMessage,
  accepted: readonly string[],
): string | undefined {
  const offered = headerList(request, 'Sec-WebSocket-Protocol');
  return negotiate(offered.length === 0 ? [''] : offered, accepted);
}

/** Which upgrade a request asks for. */
export function upgradeKind(request: IncomingMessage): 'spdy' | 'websocket' | undefined {
  const connection = (request.headers.connection ?? '').toLowerCase();
  const upgrade = (request.headers.upgrade ?? '').toLowerCase();
  if (!connection.includes('upgrade')) return undefined;
  if (upgrade.includes('websocket')) return 'websocket';
  if (upgrade.includes(spdyUpgradeToken.toLowerCase())) return 'spdy';
  return undefined;
}

/** The wire name for events. */
export function webSocketProtocolKind(name: string): StreamProtocol {
  if (name.startsWith('v5.')) return 'websocket-v5';
  if (name.startsWith('v4.')) return 'websocket-v4';
  return 'websocket-v1';
}

/** Whether the error stream carries a Status JSON; the older protocols carry plain text. */
export function hasStatusJson(protocol: string): boolean {
  return protocol.startsWith('v4.') || protocol.startsWith('v5.');
}

/** The wire that an upgrade request asks for first; the answer may settle on another. */
export function offeredProtocol(request: IncomingMessage): StreamProtocol {
  if (upgradeKind(request) !== 'websocket') return 'spdy';
  const offered = headerList(request, 'Sec-WebSocket-Protocol');
  if (offered.some((name) => name.startsWith(tunnelPrefix))) return 'websocket-tunnel';
  return webSocketProtocolKind(offered[0] ?? '');
}
