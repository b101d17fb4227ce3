import type { UpgradeAnswer } from '../../streams/http-upgrade.js';
import { headerList, streamProtocolHeader, tunnelPrefix } from '../../streams/protocol-names.js';
import { onAbort } from '../../streams/stream-ends.js';
import { guardSocket, refuseUpgrade } from '../../streams/upgrade-response.js';
import { acceptWebSocket } from '../../streams/websocket-accept.js';
import { WebSocketDuplex } from '../../streams/websocket-duplex.js';
import { reachKubelet } from './client-upgrade.js';
import { copyBoth } from './copy-both.js';
import { spdyAsk } from './kubelet-connection.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';

const protocol = 'websocket-tunnel';
const noProtocols = 'unable to upgrade: no tunneling spdy protocols provided';

/**
 * The tunnelling handler, for port-forward over WebSocket (`SPDY/3.1+portforward.k8s.io`). First it sends a POST SPDY
 * upgrade to the kubelet. After its 101 it accepts the WebSocket, with the prefix and the kubelet's version as its
 * protocol. Then the bytes of the messages are the bytes of the SPDY connection. A refusal is passed on. Resolves at
 * the end; never rejects.
 */
export async function tunnelUpgrade(request: StreamingRequest): Promise<StreamingOutcome> {
  const { upgrade, clock, target } = request;
  guardSocket(upgrade.socket);
  const protocols = tunnelledProtocols(request);
  if (protocols.length === 0) {
    refuseUpgrade(upgrade.socket, { status: 400, body: `${noProtocols}\n` }, clock);
    return { protocol, status: 400, error: noProtocols };
  }
  const forgetSignal = onAbort(request.signal, () => upgrade.socket.destroy());
  try {
    const kubelet = await reachKubelet(request, spdyAsk(target, protocols), protocol);
    if (kubelet.kind === 'over') return kubelet.outcome;
    const error = await joinTunnel(request, kubelet.answer);
    return { protocol, status: 101, ...(error !== undefined && { error }) };
  } finally {
    forgetSignal();
  }
}

function tunnelledProtocols({ upgrade }: StreamingRequest): string[] {
  return headerList(upgrade.request, 'Sec-WebSocket-Protocol')
    .filter((name) => name.startsWith(tunnelPrefix))
    .map((name) => name.slice(tunnelPrefix.length));
}

function joinTunnel(
  { upgrade, clock, faithful }: StreamingRequest,
  answer: Extract<UpgradeAnswer, { kind: 'upgraded' }>,
): Promise<string | undefined> {
  const kubelet = answer.socket;
  const chosen = String(answer.headers[streamProtocolHeader.toLowerCase()] ?? '');
  return new Promise((resolve) => {
    // When ws refuses the handshake it closes only the client's socket, so the kubelet's is closed here.
    const refused = (): void => {
      kubelet.destroy();
      resolve('the WebSocket handshake failed');
    };
    upgrade.socket.once('close', refused);
    if (upgrade.socket.destroyed) refused();
    acceptWebSocket(upgrade, `${tunnelPrefix}${chosen}`, (ws) => {
      upgrade.socket.off('close', refused);
      const client = new WebSocketDuplex(ws);
      if (answer.head.length > 0) client.write(answer.head);
      resolve(copyBoth(client, kubelet, { clock, lateEnd: faithful?.has('forward-end-waits') === true }));
    });
  });
}
