import { headerList, tunnelPrefix, upgradeKind } from '../../streams/protocol-names.js';
import { remoteCommandStreamTypes } from '../../streams/remote-command-spdy.js';
import { SpdyCommandFraming } from './spdy-framing.js';
import { commandStreamsOf, translateStream } from './stream-translator.js';
import type { StreamingOutcome, StreamingRequest } from './streaming-request.js';
import { tunnelUpgrade } from './tunnel-handler.js';
import { type FramingMaker, proxyUpgrade } from './upgrade-proxy.js';

export type StreamingSubresource = 'exec' | 'attach' | 'portforward';

/**
 * Passes an upgrade request to the handler that kube-apiserver would use: WebSocket with v5 in its offer is translated
 * (exec, attach), WebSocket with a `SPDY/3.1+` name is tunnelled (portforward), everything else is proxied; a SPDY exec
 * or attach with a message for a cut. Resolves at the end; never rejects.
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
  if (offered.includes('v5.channel.k8s.io')) return translateStream(request);
  return proxyUpgrade(request, framingFor(request));
}

/** No framing for WebSockets before v5: their clients notice a cut by the missing close frame. */
function framingFor({ upgrade, target, faithful }: StreamingRequest): FramingMaker | undefined {
  if (faithful?.has('exec-cut-is-success') === true || upgradeKind(upgrade.request) === 'websocket')
    return undefined;
  const wanted = commandStreamsOf(target.path);
  return (protocol) =>
    new SpdyCommandFraming({ protocol, streams: remoteCommandStreamTypes(wanted, protocol).length });
}
