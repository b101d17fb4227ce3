import { TunnelError } from '../core/errors.js';
import { servePortForwardChannels } from './port-forward-channels.js';
import {
  type ConnectPort,
  type PortForwardContext,
  type PortForwardSettings,
  parsePort,
} from './port-forward-context.js';
import { servePortForwardStreams } from './port-forward-spdy.js';
import {
  headerList,
  negotiate,
  negotiateWebSocket,
  portForwardProtocol,
  portForwardWebSocketProtocols,
  spdyUpgradeToken,
  streamProtocolHeader,
  tunnelPrefix,
  upgradeKind,
  webSocketProtocolKind,
} from './protocol-names.js';
import type { Upgrade } from './types.js';
import { acceptUpgrade, guardSocket, refuseUpgrade } from './upgrade-response.js';
import { acceptWebSocket } from './websocket-accept.js';
import { WebSocketDuplex } from './websocket-duplex.js';

/**
 * Serves a port-forward as a kubelet does: `portforward.k8s.io` over SPDY/3.1, the same inside a WebSocket
 * (`SPDY/3.1+portforward.k8s.io`), or the older WebSocket form with two channels for each `port` of the query.
 * Never throws.
 */
export function servePortForward(upgrade: Upgrade, connect: ConnectPort, context: PortForwardContext): void {
  guardSocket(upgrade.socket);
  const settings: PortForwardSettings = {
    ...context,
    connect,
    podUid: context.podUid ?? '',
    creationTimeoutMs: context.creationTimeoutMs ?? 30_000,
    lingerMs: context.lingerMs ?? 1_000,
    idleTimeoutMs: context.idleTimeoutMs ?? 4 * 3_600_000,
  };
  switch (upgradeKind(upgrade.request)) {
    case 'websocket':
      serveWebSocket(upgrade, settings);
      return;
    case 'spdy':
      serveSpdy(upgrade, settings);
      return;
    case undefined: {
      const headers = JSON.stringify(upgrade.request.headers);
      refuse(upgrade, settings, `unable to upgrade: missing upgrade headers in request: ${headers}`);
    }
  }
}

function serveSpdy(upgrade: Upgrade, settings: PortForwardSettings): void {
  const { socket, head } = upgrade;
  const offered = headerList(upgrade.request, streamProtocolHeader);
  if (offered.length === 0) {
    refuse(upgrade, settings, `unable to upgrade: ${streamProtocolHeader} is required`);
    return;
  }
  if (negotiate(offered, [portForwardProtocol]) === undefined) {
    const text =
      'unable to upgrade: unable to negotiate protocol: ' +
      `client supports [${offered.join(' ')}], server accepts [${portForwardProtocol}]`;
    const headers = [['X-Accepted-Stream-Protocol-Versions', portForwardProtocol] as const];
    refuseUpgrade(socket, { status: 403, headers, body: `${text}\n` }, settings.clock);
    settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
    return;
  }
  acceptUpgrade(socket, spdyUpgradeToken, [[streamProtocolHeader, portForwardProtocol]]);
  settings.onProtocol?.('spdy');
  servePortForwardStreams(socket, head, settings);
}

function serveWebSocket(upgrade: Upgrade, settings: PortForwardSettings): void {
  const tunnel = `${tunnelPrefix}${portForwardProtocol}`;
  const protocol = negotiateWebSocket(upgrade.request, [tunnel, ...portForwardWebSocketProtocols]);
  if (protocol === undefined) {
    const offered = headerList(upgrade.request, 'Sec-WebSocket-Protocol').join(' ');
    const text = `unable to upgrade: requested protocol(s) are not supported: [${offered}]`;
    refuseUpgrade(upgrade.socket, { status: 403, body: `${text}\n` }, settings.clock);
    settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
  } else if (protocol === tunnel) {
    acceptWebSocket(upgrade, protocol, (ws) => {
      settings.onProtocol?.('websocket-tunnel');
      servePortForwardStreams(new WebSocketDuplex(ws), Buffer.alloc(0), settings);
    });
  } else {
    serveChannels(upgrade, settings, protocol);
  }
}

function serveChannels(upgrade: Upgrade, settings: PortForwardSettings, protocol: string): void {
  const ports = queryPorts(upgrade.request.url ?? '', maxPorts(protocol));
  if (typeof ports === 'string') {
    // The kubelet itself refuses these before the streaming server, without Go's newline.
    refuseUpgrade(upgrade.socket, { status: 400, body: ports }, settings.clock);
    settings.onFailure?.(new TunnelError('BAD_REQUEST', ports));
    return;
  }
  acceptWebSocket(upgrade, protocol, (ws) => {
    settings.onProtocol?.(webSocketProtocolKind(protocol));
    servePortForwardChannels(ws, { protocol, ports }, settings);
  });
}

/** A channel is one byte, or in the base64 form one ASCII character from '0' on, and each port takes two. */
const maxPorts = (protocol: string): number => (protocol.includes('base64') ? 40 : 128);

/** The ports of the query parameter `port` (repeated, or a comma list). Returns a text for a wrong one. */
function queryPorts(url: string, most: number): number[] | string {
  const given = new URL(url, 'http://kubelet').searchParams.getAll('port');
  if (given.length === 0) return 'query parameter "port" is required';
  const ports: number[] = [];
  for (const text of given.flatMap((value) => value.split(','))) {
    const quoted = JSON.stringify(text);
    if (text === '') return 'query parameter "port" cannot be empty';
    const port = parsePort(text);
    if (port === undefined) return `unable to parse ${quoted} as a port: ${parseUintError(text)}`;
    if (port === 0) return `port ${quoted} must be > 0`;
    ports.push(port);
  }
  if (ports.length > most)
    return `at most ${most} ports can be forwarded over one WebSocket, got ${ports.length}`;
  return ports;
}

function parseUintError(text: string): string {
  const cause = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  return `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${cause}`;
}

function refuse(upgrade: Upgrade, settings: PortForwardSettings, text: string): void {
  refuseUpgrade(upgrade.socket, { status: 400, body: `${text}\n` }, settings.clock);
  settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
}
