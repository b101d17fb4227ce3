import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import { soon } from '../../../support/waits.js';

export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';

/**
 * Opens a WebSocket as kubectl's port-forward does. The ws client takes no subprotocol with a slash, so the name goes
 * as a plain header, and the server's answer is taken off the response before ws looks at it.
 */
export async function openTunnel(
  url: string,
  offer: string = tunnelProtocol,
  options: WebSocket.ClientOptions = {},
): Promise<{ readonly ws: WebSocket; readonly protocol: string | undefined }> {
  const headers = { 'Sec-WebSocket-Protocol': offer };
  const ws = new WebSocket(url, { perMessageDeflate: false, ...options, headers });
  let protocol: string | undefined;
  ws.once('upgrade', (response: IncomingMessage) => {
    protocol = response.headers['sec-websocket-protocol'];
    delete response.headers['sec-websocket-protocol'];
  });
  await soon<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.on('error', reject);
  }, 'open WebSocket');
  return { ws, protocol };
}
