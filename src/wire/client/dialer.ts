import type { Duplex } from 'node:stream';

export interface DialOptions {
  /** Gives the dial up (DIAL_CLS on the wire) when aborted before it is established. */
  readonly signal?: AbortSignal;
  /** Ties the events of this connection to a user request. */
  readonly request?: string;
}

/**
 * Opens byte streams to `host:port`. The tunnel's client is one, a plain TCP connect another: whoever needs to
 * reach a kubelet takes a Dialer and does not know which.
 *
 * Rejects with a TunnelError (NO_AGENT, DIAL_FAILED, DIAL_TIMEOUT, TUNNEL_CLOSED, SERVER_UNREACHABLE, DIAL_CANCELLED).
 * The stream that it resolves with has an `error` listener from birth and emits at most one `error`.
 */
export interface Dialer {
  dial(host: string, port: number, options?: DialOptions): Promise<Duplex>;
}
