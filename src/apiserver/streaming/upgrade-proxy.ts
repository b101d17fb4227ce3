import type { UpgradeAnswer } from '../../streams/http-upgrade.js';
import {
  headerList,
  streamProtocolHeader,
  upgradeKind,
  webSocketProtocolKind,
} from '../../streams/protocol-names.js';
import { onAbort } from '../../streams/stream-ends.js';
import type { StreamProtocol } from '../../streams/types.js';
import { guardSocket } from '../../streams/upgrade-response.js';
import { echoUpgrade } from './client-response.js';
import { reachKubelet } from './client-upgrade.js';
import { copyBoth } from './copy-both.js';
import { proxiedAsk } from './kubelet-connection.js';
import type { Framing } from './spdy-framing.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';

/** Makes the framing for a stream that can get a message about a cut, by the protocol that the kubelet has chosen. */
export type FramingMaker = (protocol: string) => Framing;

/**
 * The plain upgrade-aware proxy, for SPDY clients and for WebSocket clients up to v4: the client's request goes to the
 * kubelet, its 101 comes back, then bytes are copied. Without a framing they are copied without looking at them, and a
 * later cut is only visible as a closed connection. Resolves at the end; never rejects.
 */
export async function proxyUpgrade(
  request: StreamingRequest,
  makeFraming?: FramingMaker,
): Promise<StreamingOutcome> {
  const { request: message, socket: client, head } = request.upgrade;
  guardSocket(client);
  const protocol = clientProtocol(request);
  const forgetSignal = onAbort(request.signal, () => client.destroy());
  try {
    const kubelet = await reachKubelet(request, proxiedAsk(message, request.target), protocol);
    if (kubelet.kind === 'over') return kubelet.outcome;
    const { answer } = kubelet;
    const framing = makeFraming?.(chosenProtocol(answer));
    echoUpgrade(client, answer);
    for (const bytes of framing?.toClient(answer.head) ?? [answer.head]) client.write(bytes);
    framing?.fromClient(head);
    if (head.length > 0) answer.socket.write(head);
    const { clock, serverSignal } = request;
    const options = { clock, serverSignal, ...(framing && { framing }) };
    const error = await copyBoth(client, answer.socket, options);
    return { protocol, status: 101, ...(error !== undefined && { error }) };
  } finally {
    forgetSignal();
  }
}

function chosenProtocol({ headers }: Extract<UpgradeAnswer, { kind: 'upgraded' }>): string {
  return String(headers[streamProtocolHeader.toLowerCase()] ?? 'channel.k8s.io');
}

function clientProtocol({ upgrade }: StreamingRequest): StreamProtocol {
  if (upgradeKind(upgrade.request) !== 'websocket') return 'spdy';
  return webSocketProtocolKind(headerList(upgrade.request, 'Sec-WebSocket-Protocol')[0] ?? '');
}
