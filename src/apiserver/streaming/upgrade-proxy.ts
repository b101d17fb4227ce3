import { headerList, upgradeKind, webSocketProtocolKind } from '../../streams/protocol-names.js';
import { onAbort } from '../../streams/stream-ends.js';
import type { StreamProtocol } from '../../streams/types.js';
import { guardSocket } from '../../streams/upgrade-response.js';
import { echoUpgrade } from './client-response.js';
import { reachKubelet } from './client-upgrade.js';
import { copyBoth } from './copy-both.js';
import { proxiedAsk } from './kubelet-connection.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';

/**
 * The plain upgrade-aware proxy, for SPDY clients and for WebSocket clients up to v4: the client's request goes to the
 * kubelet, its 101 comes back, then bytes are copied unseen. A kubelet that is cut off afterwards can only be shown by
 * closing. Resolves when it is over; never rejects.
 */
export async function proxyUpgrade(request: StreamingRequest): Promise<StreamingOutcome> {
  const { request: message, socket: client, head } = request.upgrade;
  guardSocket(client);
  const protocol = clientProtocol(request);
  const forgetSignal = onAbort(request.signal, () => client.destroy());
  try {
    const kubelet = await reachKubelet(request, proxiedAsk(message, request.target), protocol);
    if (kubelet.kind === 'over') return kubelet.outcome;
    const { answer } = kubelet;
    echoUpgrade(client, answer);
    if (head.length > 0) answer.socket.write(head);
    const error = await copyBoth(client, answer.socket, request.clock);
    return { protocol, status: 101, ...(error !== undefined && { error }) };
  } finally {
    forgetSignal();
  }
}

function clientProtocol({ upgrade }: StreamingRequest): StreamProtocol {
  if (upgradeKind(upgrade.request) !== 'websocket') return 'spdy';
  return webSocketProtocolKind(headerList(upgrade.request, 'Sec-WebSocket-Protocol')[0] ?? '');
}
