import type { Duplex } from 'node:stream';
import { joinHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import type { StreamProtocol, Upgrade } from '../../streams/types.js';

/** Where on a kubelet a request goes. */
export interface KubeletTarget {
  /** Path and query as the kubelet wants them, such as `/exec/NS/POD/C?command=ls&output=1`. */
  readonly path: string;
  /** As dialled; stands in Host and in error texts. */
  readonly host: string;
  readonly port: number;
}

/** One upgrade request of a client that is allowed and resolved, and the way to its kubelet. */
export interface StreamingRequest {
  readonly upgrade: Upgrade;
  readonly target: KubeletTarget;
  /** Names the user request to the kubelet, as `Audit-Id`. */
  readonly request?: string;
  /** Opens an authenticated TLS connection to the kubelet. The signal aborts when the client is gone. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
  readonly clock: Clock;
  /** Ends both sides at once: the client is gone, or this server closes. */
  readonly signal?: AbortSignal;
  /** Aborts when this server closes: then nothing goes on, not even what outlives its client. */
  readonly serverSignal?: AbortSignal;
  /**
   * For exec and attach. kube-apiserver takes a kubelet connection that ends before the status for success, and so do
   * SPDY clients, which it only passes bytes to; true restores both. Default: the client gets a Status that is a failure.
   */
  readonly faithfulCutIsSuccess?: boolean;
}

/** How a request went, for events. */
export interface StreamingOutcome {
  /** The wire between the client and us. */
  readonly protocol: StreamProtocol;
  /** HTTP status that the client got; 499 when it left before. */
  readonly status: number;
  /** Known to the translator only. */
  readonly exitCode?: number;
  /** What went wrong, as far as it can be seen from here. */
  readonly error?: string;
}

/** `HOST:PORT`, IPv6 in brackets. */
export function targetHost({ host, port }: KubeletTarget): string {
  return joinHostPort(host, port);
}

export function targetUrl(target: KubeletTarget): string {
  return `https://${targetHost(target)}${target.path}`;
}
