import type { Duplex } from 'node:stream';
import { joinHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import type { ErrorCode } from '../../core/errors.js';
import type { FaithfulSet } from '../../core/faithful.js';
import type { StreamProtocol, Upgrade } from '../../streams/types.js';
import type { ConnectOptions } from '../kubelet/connector.js';

/** The kubelet, and the path of the request. */
export interface KubeletTarget {
  /** Path and query for the kubelet, such as `/exec/NS/POD/C?command=ls&output=1`. */
  readonly path: string;
  /** The dialled host, for the Host header and error texts. */
  readonly host: string;
  readonly port: number;
}

export interface StreamingRequest {
  readonly upgrade: Upgrade;
  readonly target: KubeletTarget;
  /** The ID of the user request, sent to the kubelet as `Audit-Id`. */
  readonly request?: string;
  /** Opens an authenticated TLS connection to the kubelet. The signal aborts when the client has left. */
  readonly connect: (signal: AbortSignal, how?: Pick<ConnectOptions, 'asHttpClient'>) => Promise<Duplex>;
  readonly clock: Clock;
  /** Ends both sides at once: the client has left, or this server closes. */
  readonly signal?: AbortSignal;
  /** Aborts when this server closes: then everything ends, also what outlives its client. */
  readonly serverSignal?: AbortSignal;
  /** The behaviours of kube-apiserver to have. Default: none. */
  readonly faithful?: FaithfulSet;
}

export interface StreamingOutcome {
  /** The protocol between the client and us. */
  readonly protocol: StreamProtocol;
  /** The HTTP status that the client got; 499 when it left before. */
  readonly status: number;
  /** Only the translator knows it. */
  readonly exitCode?: number;
  /** The error, as far as it can be seen here. */
  readonly error?: string;
  /** The code of a kubelet that could not be reached. */
  readonly code?: ErrorCode;
}

/** `HOST:PORT`, IPv6 in brackets. */
export function targetHost({ host, port }: KubeletTarget): string {
  return joinHostPort(host, port);
}

export function targetUrl(target: KubeletTarget): string {
  return `https://${targetHost(target)}${target.path}`;
}
