import { type WebSocket, WebSocketServer } from 'ws';
import type { Upgrade } from './types.js';

/** Whole messages are held in memory; kubectl's have at most 32,769 bytes. */
const maxMessageBytes = 16 * 1024 * 1024;
/** Milliseconds that a closed WebSocket waits for the peer's close frame. */
const closeTimeout = 5_000;

/**
 * Answers a WebSocket upgrade that was already negotiated. `protocol` goes into the answer as it is (`''`: none): ws
 * itself refuses `SPDY/3.1+portforward.k8s.io`, because `/` is no HTTP token character. A handshake that is faulty
 * otherwise is refused by ws and `accepted` is not called.
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
