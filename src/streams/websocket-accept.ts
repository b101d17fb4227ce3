import { type WebSocket, WebSocketServer } from 'ws';
import type { Upgrade } from './types.js';

/** The largest message, bytes. Whole messages are held in memory; kubectl's have at most 32,769 bytes. */
const maxMessageBytes = 16 * 1024 * 1024;
/** How long a closed WebSocket waits for the peer's close frame, ms. */
const closeTimeout = 5_000;

/**
 * Answers a WebSocket upgrade that was already negotiated. The answer has `protocol` unchanged (`''`: no protocol). ws
 * itself refuses `SPDY/3.1+portforward.k8s.io`, because `/` is not an HTTP token character. ws refuses a handshake with
 * other faults, and `accepted` is not called.
 */
export function acceptWebSocket(upgrade: Upgrade, protocol: string, accepted: (ws: WebSocket) => void): void {
  const { request, socket, head } = upgrade;
  socket.on('error', () => undefined);
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false, closeTimeout };
  const server = new WebSocketServer({ ...options, maxPayload: maxMessageBytes });
  delete request.headers['sec-websocket-protocol'];
  server.on('headers', (lines) => {
    if (protocol !== '') lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  server.handleUpgrade(request, socket, head, (ws) => {
    ws.on('error', () => undefined);
    accepted(ws);
  });
}
