import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TunnelError } from '../../core/errors.js';
import { type UpgradeAnswer, upgradeHttp } from '../../streams/http-upgrade.js';
import { spdyUpgradeToken, streamProtocolHeader } from '../../streams/protocol-names.js';
import { isImpersonationHeader } from '../auth/impersonate.js';
import { type KubeletTarget, type StreamingRequest, targetHost } from './streaming-request.js';

/** The request to the kubelet. Headers are alternating names and values. */
export interface KubeletAsk {
  readonly method: string;
  readonly headers: readonly string[];
}

/** Client headers that only kube-apiserver uses, or that are written again. */
const dropped = new Set([
  'host',
  'authorization',
  'audit-id',
  'x-forwarded-for',
  'content-length',
  'transfer-encoding',
]);

/** A proxied request: the client's method and headers, with its address appended. */
export function proxiedAsk(request: IncomingMessage, target: KubeletTarget): KubeletAsk {
  const method = request.method ?? 'GET';
  const headers = ['Host', targetHost(target), ...keptHeaders(request)];
  const before = request.headers['x-forwarded-for'];
  const address = request.socket.remoteAddress;
  const forwarded = [before, address].filter((value) => value !== undefined).join(', ');
  if (forwarded !== '') headers.push('X-Forwarded-For', forwarded);
  if (method !== 'GET') headers.push('Content-Length', '0');
  return { method, headers };
}

/** A POST SPDY upgrade that offers `protocols`, the preferred one first. */
export function spdyAsk(target: KubeletTarget, protocols: readonly string[]): KubeletAsk {
  const headers = [
    ...[
      'Host',
      targetHost(target),
      'Connection',
      'Upgrade',
      'Upgrade',
      spdyUpgradeToken,
      'Content-Length',
      '0',
    ],
    ...protocols.flatMap((protocol) => [streamProtocolHeader, protocol]),
  ];
  return { method: 'POST', headers };
}

function keptHeaders(request: IncomingMessage): string[] {
  const lines: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    const key = name.toLowerCase();
    if (!dropped.has(key) && !isImpersonationHeader(key))
      lines.push(name, request.rawHeaders[index + 1] ?? '');
  }
  return lines;
}

/** Dials the kubelet and sends the upgrade request. Rejects with a TunnelError, also when the signal aborts. */
export async function askKubelet(
  request: StreamingRequest,
  ask: KubeletAsk,
  signal: AbortSignal,
): Promise<UpgradeAnswer> {
  const { path } = request.target;
  const audit = request.request === undefined ? [] : ['Audit-Id', request.request];
  let socket: Duplex | undefined;
  try {
    socket = await request.connect(signal);
    // If the socket comes too late, its headers are never sent: upgradeHttp checks the signal first.
    return await upgradeHttp(socket, { ...ask, headers: [...ask.headers, ...audit], path, signal });
  } catch (error) {
    socket?.destroy();
    throw TunnelError.from(error, 'DIAL_FAILED');
  }
}
