import { headerList, tunnelPrefix, upgradeKind } from '../../streams/protocol-names.js';
import { translateStream } from './stream-translator.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';
import { tunnelUpgrade } from './tunnel-handler.js';
import { proxyUpgrade } from './upgrade-proxy.js';

/** The subresources of a pod that are streams. */
export type StreamingSubresource = 'exec' | 'attach' | 'portforward';

/**
 * Hands an upgrade request to the handler that kube-apiserver would take: WebSocket with v5 in its offer is translated
 * (exec, attach), WebSocket with a `SPDY/3.1+` name is tunnelled (portforward), everything else is proxied unseen.
 * Resolves when it is over; never rejects.
 */
export function handleStreaming(
  subresource: StreamingSubresource,
  request: StreamingRequest,
): Promise<StreamingOutcome> {
  const { request: message } = request.upgrade;
  const offered = upgradeKind(message) === 'websocket' ? headerList(message, 'Sec-WebSocket-Protocol') : [];
  if (subresource === 'portforward') {
    const tunnelled = offered.some((name) => name.startsWith(tunnelPrefix));
    return tunnelled ? tunnelUpgrade(request) : proxyUpgrade(request);
  }
  return offered.includes('v5.channel.k8s.io') ? translateStream(request) : proxyUpgrade(request);
}
